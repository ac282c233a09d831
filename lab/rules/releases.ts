import { ollamaOfChart, PRUNE_GRACE_VERSION } from "../../catalog/ollama";
import { compareVersions } from "../../grammar/version";
import { finder } from "../finding";
import type { OllamaRelease } from "../kubernetes";
import type { Path } from "../problem";
import { rule } from "./rule";

const kinds = {
  "no-release": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "The lab has the section `ollama:`, but no release in it.",
    example: `
      ollama:
        releases: {}
    `,
    remedy: "Describe a release, or remove ollama:.",
  },
  "access-mode-missing": {
    severity: "error",
    stacks: ["ollama"],
    meaning:
      "Several pods share one claim, so it must be ReadWriteMany. A claim keeps its mode for good, so the mode must not follow from the number of pods.",
    example: `
      ollama:
        releases:
          ollama: { replicas: 2 }
    `,
    remedy: "Write accessMode: ReadWriteMany, and keep it when there are fewer pods.",
  },
  "replicas-read-write-once": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "Several pods share one claim, but with ReadWriteOnce only one node can mount it.",
    example: `
      ollama:
        releases:
          ollama: { replicas: 2, accessMode: ReadWriteOnce }
    `,
    remedy: "Write accessMode: ReadWriteMany, which replaces a claim that is there; or have one replica.",
  },
  "replicas-with-gpu": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "Several pods with a GPU each share one claim. A pod that waits for a GPU keeps an upgrade from ending.",
    example: `
      ollama:
        releases:
          ollama: { replicas: 2, gpus: 1 }
    `,
    remedy: "Describe several releases with one replica each.",
  },
  "replicas-prune": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "Several pods share one folder. When this version of Ollama starts, it removes what another pod is downloading.",
    example: `
      ollama:
        releases:
          ollama: { replicas: 2, image: ollama/ollama:0.20.9 }
    `,
    remedy: "Use a newer Ollama, or have one replica.",
  },
  "prune-shared-folder": {
    severity: "error",
    stacks: ["ollama"],
    meaning:
      "Several pods share one folder, but a variable switches pruning on: a pod that starts removes what another is downloading.",
    example: `
      ollama:
        releases:
          ollama: { replicas: 2, environment: { OLLAMA_NOPRUNE: "0" } }
    `,
    remedy: "Remove the variable: with several replicas it is 1.",
  },
  "variable-twice": {
    severity: "error",
    stacks: ["ollama"],
    meaning: "A variable of Ollama has two values: one under `environment`, one by the setting for it.",
    example: `
      ollama:
        releases:
          ollama: { keepAlive: 30m, environment: { OLLAMA_KEEP_ALIVE: 5m } }
    `,
    remedy: "Keep the setting, and remove the variable.",
  },
  "kept-claim-used": {
    severity: "error",
    stacks: ["ollama"],
    meaning:
      "A claim is to stay without a release, but a release of the lab has a claim of that name. Terraform would delete the one to make the other.",
    example: `
      ollama:
        keptClaims: [ml/ollama]
        releases:
          ollama: {}
    `,
    remedy: "Give the release another name, or take the claim out of keptClaims.",
  },
} as const;
const found = finder(kinds);

const at = (key: string, ...rest: string[]): Path => ["ollama", "releases", key, ...rest];

/** A lab with `ollama:` has a release. */
const someRelease = rule(["ollama"], function* ({ ollama }) {
  if (Object.keys(ollama.releases).length === 0)
    yield found("no-release", ["ollama", "releases"], "ollama: describes no release");
});

/** The Ollama that a release runs: the version in its image, or the chart's. */
function ollamaVersion(release: OllamaRelease, chartVersion: string): string | undefined {
  return release.image ? /:v?(\d+\.\d+\.\d+)/.exec(release.image)?.[1] : ollamaOfChart(chartVersion);
}

/** Several pods need a volume that several nodes can mount, and an Ollama that keeps the downloads of the others. */
const replicas = rule(["ollama"], function* ({ ollama, airGapped }) {
  for (const [key, release] of Object.entries(ollama.releases)) {
    if (release.replicas < 2) continue;
    // An air-gapped lab has no claim: staged models are mounted read-only.
    if (!airGapped && release.accessMode === undefined) {
      yield found(
        "access-mode-missing",
        at(key, "replicas"),
        `${release.replicas} replicas share one claim, but accessMode is not written, which means ReadWriteOnce`,
      );
    }
    if (!airGapped && release.accessMode === "ReadWriteOnce") {
      yield found(
        "replicas-read-write-once",
        at(key, "accessMode"),
        `${release.replicas} replicas share one claim, but it is ReadWriteOnce, so only one node can mount it`,
      );
    }
    if (release.gpus > 0) {
      yield found(
        "replicas-with-gpu",
        at(key, "replicas"),
        `${release.replicas} replicas share one claim, but each has a GPU of its own: a pod that waits for a GPU keeps an upgrade from ending`,
      );
    }
    const version = ollamaVersion(release, ollama.chart.version);
    if (!airGapped && version && compareVersions(version, PRUNE_GRACE_VERSION) < 0) {
      yield found(
        "replicas-prune",
        at(key, "replicas"),
        `${release.replicas} replicas share one folder, but Ollama ${version} removes, when it starts, what another one is downloading; ${PRUNE_GRACE_VERSION} is the first that waits`,
        { remedy: `Use a chart or image with Ollama ${PRUNE_GRACE_VERSION} or later, or have one replica.` },
      );
    }
  }
});

/** The variables that have a setting. */
const SETTINGS = [
  { variable: "OLLAMA_KEEP_ALIVE", setting: "keepAlive" },
  { variable: "OLLAMA_CONTEXT_LENGTH", setting: "contextLength" },
] as const;

/** A variable has one value, and nobody switches pruning on while several pods share a folder. */
const environment = rule(["ollama"], function* ({ ollama }) {
  for (const [key, release] of Object.entries(ollama.releases)) {
    for (const { variable, setting } of SETTINGS) {
      if (release.environment[variable] === undefined || release[setting] === undefined) continue;
      yield found(
        "variable-twice",
        at(key, "environment", variable),
        `${variable} is ${release.environment[variable]} here, but ${setting} says ${release[setting]}`,
        { remedy: `Keep ${setting}, and remove the variable.` },
      );
    }
    const noPrune = release.environment["OLLAMA_NOPRUNE"];
    if (release.replicas < 2 || noPrune === undefined || /^(1|true)$/i.test(noPrune)) continue;
    yield found(
      "prune-shared-folder",
      at(key, "environment", "OLLAMA_NOPRUNE"),
      `OLLAMA_NOPRUNE is ${noPrune}, but ${release.replicas} pods share one folder: each that starts would remove what another is downloading`,
    );
  }
});

/** A claim that stays is no claim of a release. An air-gapped lab has no claims. */
const keptClaims = rule(["ollama", "airGapped"], function* ({ ollama, airGapped }) {
  for (const [index, claim] of ollama.keptClaims.entries()) {
    const [, name = ""] = claim.split("/");
    if (airGapped || !Object.hasOwn(ollama.releases, name)) continue;
    yield found(
      "kept-claim-used",
      ["ollama", "keptClaims", index],
      `${claim} is to stay without a release, but the release ${name} has the claim ${ollama.namespace}/${name}, and Terraform knows both by one name`,
    );
  }
});

export const releases = { title: "Releases of Ollama", kinds, rules: [someRelease, replicas, environment, keptClaims] };
