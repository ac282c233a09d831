import { knownSizeGiB } from "../../catalog/model-sizes";
import { finder } from "../finding";
import { rule } from "./rule";

const kinds = {
  "disk-too-small": {
    severity: "warning",
    stacks: ["containers"],
    meaning: "The models of a container are larger than its disk or its model volume, so a pull would fail in the middle.",
    example: `
      containers:
        ollama-1:
          { vmId: 201, address: 192.0.2.21, diskGiB: 20, models: [llama3:8b, gemma3:12b, mistral:7b] }
    `,
    remedy: "Choose a larger disk. A model volume cannot grow later.",
  },
  "storage-too-small": {
    severity: "warning",
    stacks: ["ollama"],
    meaning: "The models of a release are larger than its claim, so a pull would fail in the middle.",
    example: `
      ollama:
        releases:
          ollama: { models: ["llama3.3:70b", "gemma3:27b"], storageGi: 50 }
    `,
    remedy: "Raise storageGi; few provisioners can enlarge it later.",
  },
  "hidden-path": {
    severity: "error",
    stacks: ["containers"],
    meaning: "The Ollama service cannot see home folders (ProtectHome), so it would not find models below them.",
    example: `
      containers:
        ollama-1:
          { vmId: 201, address: 192.0.2.21, modelVolume: { sizeGiB: 100, path: /root/models } }
    `,
    remedy: "Choose a path such as /var/lib/ollama/models.",
  },
  "remove-without-models": {
    severity: "error",
    stacks: ["ollama"],
    meaning:
      "A Job pulls the listed models and removes the others. Without a listed model there is no Job, so nothing is removed.",
    example: `
      ollama:
        releases:
          ollama: { models: [], removeUnlistedModels: true }
    `,
    remedy: "List at least one model, or remove models with `ollama rm`.",
  },
} as const;
const found = finder(kinds);

/** What the operating system, Ollama and its libraries take on a container's root disk, in GiB. */
const SYSTEM_GIB = 8;

/** The models of a container fit on its disk. Otherwise a pull fails in the middle of provisioning. */
const modelsOfContainers = rule(["containers"], function* ({ containers }) {
  for (const [key, { models: list, diskGiB, modelVolume }] of Object.entries(containers)) {
    const needed = knownSizeGiB(list);
    const room = modelVolume ? modelVolume.sizeGiB : diskGiB - SYSTEM_GIB;
    if (needed <= room) continue;
    const disk = modelVolume
      ? `its model volume has ${modelVolume.sizeGiB} GiB`
      : `its disk has ${diskGiB} GiB, of which the system takes about ${SYSTEM_GIB}`;
    yield found(
      "disk-too-small",
      ["containers", key, modelVolume ? "modelVolume" : "diskGiB"],
      `the models of containers.${key} take about ${needed.toFixed(1)} GiB, but ${disk}`,
      {
        remedy: modelVolume
          ? "Choose the size before the first apply: it cannot grow later."
          : `Set diskGiB to ${Math.ceil(needed + SYSTEM_GIB)} or more.`,
      },
    );
  }
});

/** The models of a release fit into its claim. Otherwise a pull fills the volume and fails. */
const modelsOfReleases = rule(["ollama"], function* ({ ollama, airGapped }) {
  // An air-gapped lab has no claim: staged models are on the share.
  if (airGapped) return;
  for (const [key, { models: list, storageGi }] of Object.entries(ollama.releases)) {
    const needed = knownSizeGiB(list);
    if (needed <= storageGi) continue;
    yield found(
      "storage-too-small",
      ["ollama", "releases", key, "storageGi"],
      `the models of ${key} take about ${needed.toFixed(1)} GiB, but its claim has ${storageGi} Gi`,
      { remedy: `Set storageGi to ${Math.ceil(needed * 1.1)} or more; few provisioners can enlarge it later.` },
    );
  }
});

/** The service cannot see home folders (ProtectHome), so models must not be below them. */
const pathOfModelVolume = rule(["containers"], function* ({ containers }) {
  for (const [key, { modelVolume }] of Object.entries(containers)) {
    if (!modelVolume || !/^\/(home|root|run\/user)(\/|$)/.test(modelVolume.path)) continue;
    yield found(
      "hidden-path",
      ["containers", key, "modelVolume", "path"],
      `the models of containers.${key} would be in ${modelVolume.path}, but the service cannot see home folders`,
    );
  }
});

/** The Job that pulls the listed models removes the others. Without a listed model there is no Job. */
const removal = rule(["ollama"], function* ({ ollama }) {
  for (const [key, { models: list, removeUnlistedModels }] of Object.entries(ollama.releases)) {
    if (!removeUnlistedModels || list.length > 0) continue;
    yield found(
      "remove-without-models",
      ["ollama", "releases", key, "removeUnlistedModels"],
      `removeUnlistedModels is true, but ${key} lists no model, so no Job runs that could remove the others`,
    );
  }
});

export const models = {
  title: "Models",
  kinds,
  rules: [modelsOfContainers, modelsOfReleases, pathOfModelVolume, removal],
};
