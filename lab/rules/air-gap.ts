import { minorOf } from "../../grammar/k3s-version";
import { modelStagingOf } from "../air-gap";
import { artifactsOf, wayOf } from "../artifacts";
import { error, rule, warning } from "./rule";

/** Without a share there is no way for models into an air-gapped cluster. */
export const sharedPath = rule(["airGapped"], function* ({ airGapped, ollama, ollamaNfsPath }, { declared }) {
  if (airGapped && ollama && !ollamaNfsPath && !declared(["ollamaNfsPath"])) {
    yield error(
      "nfs-path-missing",
      ["airGapped"],
      "airGapped is true, and ollamaNfsPath does not say where the models are staged for production",
      "Set ollamaNfsPath to the folder where shared NFS is mounted on the nodes of both clusters, such as /mnt/nfs/ollama; docs/air-gap.md tells how.",
    );
  }
  if (!airGapped && ollamaNfsPath) {
    yield warning(
      "nfs-path-ignored",
      ["ollamaNfsPath"],
      `airGapped is false, so the models are pulled online and ollamaNfsPath ${ollamaNfsPath} is ignored`,
      "Set airGapped: true, or take ollamaNfsPath out.",
    );
  }
});

/** What is written for the other mode, and would be ignored. */
export const modeSettings = rule(["airGapped"], function* ({ airGapped, ollama }, { declared }) {
  if (!airGapped && ollama?.release) {
    yield error(
      "release-without-air-gap",
      ["ollama", "release"],
      `ollama.release pins ${ollama.release}, and without airGapped nothing is staged that could be pinned`,
      "Take it out, or set airGapped: true.",
    );
  }
  if (!airGapped && declared(["staging"])) {
    yield warning(
      "staging-ignored",
      ["staging"],
      "airGapped is false, so nothing is staged",
      "Set airGapped: true, or take staging: out.",
    );
  }
  if (!airGapped) return;
  for (const [key, { removeUnlistedModels }] of Object.entries(ollama?.releases ?? {})) {
    if (!removeUnlistedModels) continue;
    yield error(
      "remove-read-only",
      ["ollama", "releases", key, "removeUnlistedModels"],
      `${key} is to remove models, and with airGapped they are mounted read-only`,
      "Take it out: a new release on the share has the listed models only.",
    );
  }
});

/** A release with nothing in it serves nothing. */
export const modelsToStage = rule(["airGapped", "ollama"], function* (lab) {
  const plan = modelStagingOf(lab);
  if (!plan) return;
  for (const [key, { models }] of Object.entries(lab.ollama.releases)) {
    if (models.length > 0) continue;
    yield error(
      "no-model-staged",
      ["ollama", "releases", key, "models"],
      `${key} lists no model, and in an air-gapped lab it can get none later`,
      "List its models.",
    );
  }
  if (plan.image === "") {
    yield error(
      "image-unknown",
      ["staging"],
      `which Ollama the chart ${lab.ollama.chart.version} brings is not known here, so staging has no image`,
      "Set staging.image, such as ollama/ollama:0.32.15.",
    );
  }
});

/** The first Kubernetes minor version with sidecars that are part of a pod's readiness. */
const SIDECAR_MINOR = 29;

/** Production is ready only when its models are there; that check is a sidecar. */
export const sidecars = rule(["airGapped", "cluster"], function* ({ airGapped, cluster }) {
  if (!airGapped) return;
  const old = cluster.nodes.find(({ k3sVersion }) => minorOf(k3sVersion) < SIDECAR_MINOR);
  if (!old) return;
  yield error(
    "k3s-without-sidecars",
    ["cluster", "k3sVersion"],
    `${old.key} has ${old.k3sVersion}, and the check that the staged models are there needs Kubernetes 1.${SIDECAR_MINOR}`,
    "Use a newer K3s.",
  );
});

/** A folder on the nodes must be mounted by somebody, and the cluster stack does not. */
export const mountedShare = rule(["airGapped", "cluster"], function* ({ airGapped, ollama, ollamaNfsPath, ollamaNfsServer }) {
  if (!airGapped || !ollama || !ollamaNfsPath || ollamaNfsServer) return;
  yield warning(
    "share-not-mounted",
    ["ollamaNfsPath"],
    `pods look for ${ollamaNfsPath} on the nodes of the cluster, and the cluster stack mounts no NFS there`,
    "Set ollamaNfsServer, and pods mount it themselves; or mount it on every node.",
  );
});

/** Everything that production fetches must have a way to it. */
export const completeness = rule(["airGapped"], function* (lab) {
  if (!lab.airGapped) return;
  const seen = new Set<string>();
  for (const artifact of artifactsOf(lab)) {
    const { name, host, path, setting, kind } = artifact;
    if (wayOf(artifact, lab) || seen.has(`${name} ${host}`)) continue;
    seen.add(`${name} ${host}`);
    const model = kind === "model" ? " No mirror has models: copy them into its modelVolume, and leave models: empty." : "";
    yield error(
      "not-mirrored",
      path,
      `airGapped is true, and ${kind} ${name} comes from ${host}`,
      `${setting ? `Set ${setting}, or list` : "Take it from a mirror of yours, or list"} ${host} under reachable.${model}`,
    );
  }
});
