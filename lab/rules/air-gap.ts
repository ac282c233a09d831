import { modelStagingOf } from "../air-gap";
import { artifactsOf, wayOf } from "../artifacts";
import { finder } from "../finding";
import { STACK_IDS, type StackId } from "../problem";
import { stacksAt } from "../sections";
import { rule } from "./rule";

const MODEL_STACKS = ["model-staging", "ollama"] as const satisfies readonly StackId[];

const kinds = {
  "nfs-path-missing": {
    severity: "error",
    stacks: MODEL_STACKS,
    meaning: "In an air-gapped lab models reach the cluster by a shared folder, but the lab does not name it.",
    example: "airGapped: true # and no ollamaNfsPath",
    remedy:
      "Set ollamaNfsPath to the folder where shared NFS is mounted on the nodes of both clusters, such as /mnt/nfs/ollama; docs/air-gap.md explains how.",
  },
  "nfs-path-ignored": {
    severity: "warning",
    stacks: MODEL_STACKS,
    meaning: "The lab names the shared folder for models, but it is not air-gapped, so models are pulled online.",
    example: `
      airGapped: false
      ollamaNfsPath: /mnt/nfs/ollama
    `,
    remedy: "Set airGapped: true, or remove ollamaNfsPath.",
  },
  "release-without-air-gap": {
    severity: "error",
    stacks: MODEL_STACKS,
    meaning: "The lab pins a staged release, but it is not air-gapped, so nothing is staged.",
    example: `
      airGapped: false
      ollama:
        release: 3f1c2a9b7d10
    `,
    remedy: "Remove ollama.release, or set airGapped: true.",
  },
  "staging-ignored": {
    severity: "warning",
    stacks: MODEL_STACKS,
    meaning: "The lab describes staging, but it is not air-gapped, so nothing is staged.",
    example: `
      airGapped: false
      staging: { keep: 3 }
    `,
    remedy: "Set airGapped: true, or remove staging:.",
  },
  "remove-read-only": {
    severity: "error",
    stacks: MODEL_STACKS,
    meaning: "A release removes unlisted models, but in an air-gapped lab the models are mounted read-only.",
    example: `
      airGapped: true
      ollama:
        releases:
          ollama: { removeUnlistedModels: true }
    `,
    remedy: "Remove the setting: a new release on the share has only the listed models.",
  },
  "no-model-staged": {
    severity: "error",
    stacks: MODEL_STACKS,
    meaning: "A release of an air-gapped lab lists no model, and it cannot get one later.",
    example: `
      airGapped: true
      ollama:
        releases:
          ollama: { models: [] }
    `,
    remedy: "List its models.",
  },
  "share-not-mounted": {
    severity: "warning",
    stacks: ["cluster", "ollama"],
    meaning: "Pods look for the models in a folder of the nodes, but the cluster stack mounts no NFS there.",
    example: `
      airGapped: true
      ollamaNfsPath: /mnt/nfs/ollama # and no ollamaNfsServer
    `,
    remedy: "Set ollamaNfsServer, and pods mount the share themselves; or mount it on every node.",
  },
  "not-mirrored": {
    severity: "error",
    stacks: STACK_IDS,
    meaning:
      "Production would fetch something from the internet, but the lab is air-gapped. Nothing mirrors it, and its host is not reachable.",
    example: `
      airGapped: true
      mirrors: {} # and nothing under reachable
    `,
    remedy: "Set the mirror for it, or list its host under reachable.",
    once: "message",
  },
} as const;
const found = finder(kinds);

/** Models reach an air-gapped cluster by a shared folder only. */
const sharedPath = rule(["airGapped"], function* ({ airGapped, ollama, ollamaNfsPath }, { declared }) {
  if (airGapped && ollama && !ollamaNfsPath && !declared(["ollamaNfsPath"])) {
    yield found(
      "nfs-path-missing",
      ["airGapped"],
      "airGapped is true, but ollamaNfsPath does not say where the models are staged for production",
    );
  }
  if (!airGapped && ollamaNfsPath) {
    yield found(
      "nfs-path-ignored",
      ["ollamaNfsPath"],
      `ollamaNfsPath ${ollamaNfsPath} is ignored, because airGapped is false and the models are pulled online`,
    );
  }
});

/** Settings of one mode do nothing in the other. */
const settingsOfMode = rule(["airGapped"], function* ({ airGapped, ollama }, { declared }) {
  if (airGapped) {
    for (const [key, { removeUnlistedModels }] of Object.entries(ollama?.releases ?? {})) {
      if (!removeUnlistedModels) continue;
      yield found(
        "remove-read-only",
        ["ollama", "releases", key, "removeUnlistedModels"],
        `${key} removes unlisted models, but with airGapped the models are mounted read-only`,
      );
    }
    return;
  }
  if (ollama?.release) {
    yield found(
      "release-without-air-gap",
      ["ollama", "release"],
      `ollama.release names the staged release ${ollama.release}, but airGapped is false, so nothing is staged`,
    );
  }
  if (declared(["staging"])) {
    yield found("staging-ignored", ["staging"], "staging is ignored, because airGapped is false and nothing is staged");
  }
});

/** A release of an air-gapped lab lists its models: it cannot get one later. */
const modelsToStage = rule(["airGapped", "ollama"], function* (lab) {
  if (!modelStagingOf(lab)) return;
  for (const [key, { models }] of Object.entries(lab.ollama.releases)) {
    if (models.length > 0) continue;
    yield found(
      "no-model-staged",
      ["ollama", "releases", key, "models"],
      `${key} lists no model, but in an air-gapped lab it cannot get one later`,
    );
  }
});

/** The cluster stack mounts no NFS on the nodes. */
const mountedShare = rule(["airGapped", "cluster"], function* ({ airGapped, ollama, ollamaNfsPath, ollamaNfsServer }) {
  if (!airGapped || !ollama || !ollamaNfsPath || ollamaNfsServer) return;
  yield found(
    "share-not-mounted",
    ["ollamaNfsPath"],
    `pods look for ${ollamaNfsPath} on the nodes of the cluster, but the cluster stack mounts no NFS there`,
  );
});

/** Production can reach everything that it fetches: by a mirror, or because the host is reachable. */
const completeness = rule(["airGapped"], function* (lab) {
  if (!lab.airGapped) return;
  for (const artifact of artifactsOf(lab)) {
    const { name, host, path, setting, kind } = artifact;
    if (wayOf(artifact, lab)) continue;
    const remedy = [
      `${setting ? `Set ${setting}` : "Take it from a mirror of yours"}, or list ${host} under reachable.`,
      ...(kind === "model" ? ["No mirror has models: copy them into the container's modelVolume, and leave models: empty."] : []),
    ].join(" ");
    yield found("not-mirrored", path, `airGapped is true, but the ${kind} ${name} comes from ${host}`, {
      remedy,
      stacks: stacksAt(path),
    });
  }
});

export const airGap = { title: "Air gap", kinds, rules: [sharedPath, settingsOfMode, modelsToStage, mountedShare, completeness] };
