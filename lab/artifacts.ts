import { CADDY_ARCHIVE_HOST, CADDY_VERSION } from "../catalog/caddy";
import { CHARTS, type KnownChart } from "../catalog/charts";
import { K3S_IMAGES, K3S_INSTALL_HOST, K3S_RELEASE_HOST } from "../catalog/k3s";
import { CONTAINER_TOOLKIT_HOST } from "../catalog/nvidia";
import { MODEL_REGISTRY, OLLAMA_ARCHIVE_HOST } from "../catalog/ollama";
import { registryOf } from "../catalog/registries";
import { UBUNTU_ARCHIVE_HOST } from "../catalog/ubuntu";
import { workersOf } from "./cluster";
import type { DraftLab } from "./draft";
import { devicePluginOf } from "./kubernetes";
import type { Path } from "./problem";

/** Something that production fetches from elsewhere. */
export interface Artifact {
  readonly kind: "chart" | "file" | "image" | "model" | "packages" | "service";
  /** What it is, as people name it. */
  readonly name: string;
  /** The host that it comes from as it is published, or as the lab says. */
  readonly host: string;
  /** What in the lab asks for it. */
  readonly path: Path;
  /** The mirror that it comes from instead, if there is one for it. */
  readonly mirror?: string;
  /** The setting that gives it a mirror; absent when nothing can. */
  readonly setting?: string;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

interface ChartSpec {
  readonly version: string;
  readonly repository?: string;
  readonly oci?: string;
  readonly file?: string;
}

/** Everything that the nodes, guests and charts of production fetch, and where from. */
export function* artifactsOf(lab: DraftLab): Iterable<Artifact> {
  yield* ofContainers(lab);
  yield* ofCluster(lab);
  yield* ofKubernetes(lab);
}

function image(lab: DraftLab, name: string, path: Path): Artifact {
  const host = registryOf(name);
  const { images } = lab.mirrors ?? {};
  const mirror = typeof images === "string" ? images : images?.[host]?.endpoint;
  return { kind: "image", name, host, path, mirror, setting: "mirrors.images" };
}

function* chart(lab: DraftLab, name: KnownChart, spec: ChartSpec, path: Path): Iterable<Artifact> {
  // A chart from a file, of the lab or of the mirror, is read where Terraform runs.
  if (spec.file) return;
  const own = spec.oci ?? spec.repository;
  const mirror = own ? undefined : lab.mirrors?.charts;
  yield {
    kind: "chart",
    name: `${name} ${spec.version}`,
    host: own ? hostOf(own.replace(/^oci:/, "https:")) : hostOf(CHARTS[name].repository),
    path,
    mirror,
    setting: "mirrors.charts",
  };
}

function* ofContainers(lab: DraftLab): Iterable<Artifact> {
  for (const [key, { template, ollama, models, gpu, https }] of Object.entries(lab.containers ?? {})) {
    const path = ["containers", key];
    if (typeof template !== "string") yield { kind: "file", name: `template ${template.url}`, host: hostOf(template.url), path };
    yield {
      kind: "file",
      name: `archive of Ollama ${ollama.version}`,
      host: ollama.url ? hostOf(ollama.url) : OLLAMA_ARCHIVE_HOST,
      path,
      mirror: ollama.url ? undefined : lab.mirrors?.ollama,
      setting: "mirrors.ollama",
    };
    if (gpu?.type === "amd") {
      const url = gpu.url ?? ollama.url;
      yield {
        kind: "file",
        name: `ROCm archive of Ollama ${ollama.version}`,
        host: url ? hostOf(url) : OLLAMA_ARCHIVE_HOST,
        path,
        mirror: url ? undefined : lab.mirrors?.ollama,
        setting: "mirrors.ollama",
      };
    }
    if (https) {
      yield {
        kind: "file",
        name: `archive of Caddy ${CADDY_VERSION}`,
        host: CADDY_ARCHIVE_HOST,
        path: [...path, "https"],
        mirror: lab.mirrors?.caddy,
        setting: "mirrors.caddy",
      };
      const { certificate } = https;
      if (certificate.type === "acme") {
        const at = [...path, "https", "certificate", "server"];
        yield { kind: "service", name: "certificate authority", host: hostOf(certificate.server), path: at };
      }
    }
    yield { kind: "packages", name: "Ubuntu's packages", host: UBUNTU_ARCHIVE_HOST, path };
    for (const model of models) yield { kind: "model", name: model, host: MODEL_REGISTRY, path };
  }
}

function* ofCluster(lab: DraftLab): Iterable<Artifact> {
  const { cluster, mirrors } = lab;
  if (!cluster) return;
  const path = ["cluster"];
  if (cluster.image && typeof cluster.image !== "string")
    yield { kind: "file", name: `image ${cluster.image.url}`, host: hostOf(cluster.image.url), path: [...path, "image"] };
  for (const version of new Set(cluster.nodes.map(({ k3sVersion }) => k3sVersion))) {
    yield {
      kind: "file",
      name: `binary of K3s ${version}`,
      host: K3S_RELEASE_HOST,
      path,
      mirror: mirrors?.k3s,
      setting: "mirrors.k3s",
    };
    yield {
      kind: "file",
      name: `install script of K3s ${version}`,
      host: K3S_INSTALL_HOST,
      path,
      mirror: mirrors?.k3s,
      setting: "mirrors.k3s",
    };
    yield {
      ...image(lab, `${K3S_IMAGES} of K3s ${version}`, path),
      ...(mirrors?.k3sImages && { mirror: mirrors.k3sImages.url }),
    };
  }
  yield {
    kind: "packages",
    name: "Ubuntu's packages",
    host: UBUNTU_ARCHIVE_HOST,
    path,
    mirror: mirrors?.ubuntu,
    setting: "mirrors.ubuntu",
  };
  if (!workersOf(cluster).some(({ gpus }) => gpus.length > 0)) return;
  yield {
    kind: "packages",
    name: "NVIDIA's container toolkit",
    host: CONTAINER_TOOLKIT_HOST,
    path,
    mirror: mirrors?.nvidia?.apt,
    setting: "mirrors.nvidia",
  };
}

function* ofKubernetes(lab: DraftLab): Iterable<Artifact> {
  const { kubernetes, ollama } = lab;
  const plugin = devicePluginOf(lab);
  if (plugin) {
    const path = ["kubernetes", "devicePlugin"];
    yield* chart(lab, "nvidia-device-plugin", plugin.chart, path);
    for (const name of CHARTS["nvidia-device-plugin"].images(plugin.chart.version)) yield image(lab, name, path);
    if (plugin.smokeTest) yield image(lab, plugin.smokeTestImage, path);
  }
  if (kubernetes?.nfs) {
    const path = ["kubernetes", "nfs"];
    yield* chart(lab, "csi-driver-nfs", kubernetes.nfs.chart, path);
    for (const name of CHARTS["csi-driver-nfs"].images()) yield image(lab, name, path);
  }
  if (kubernetes?.certManager) {
    const path = ["kubernetes", "certManager"];
    const { chart: spec, server } = kubernetes.certManager;
    yield* chart(lab, "cert-manager", spec, path);
    for (const name of CHARTS["cert-manager"].images(spec.version)) yield image(lab, name, path);
    yield { kind: "service", name: "certificate authority", host: hostOf(server), path: [...path, "server"] };
  }
  if (!ollama) return;
  yield* chart(lab, "ollama", ollama.chart, ["ollama", "chart"]);
  const images = new Map(
    Object.entries(ollama.releases).flatMap(([key, release]) =>
      (release.image ? [release.image] : CHARTS.ollama.images(ollama.chart.version)).map((name) => [
        name,
        ["ollama", "releases", key],
      ]),
    ),
  );
  for (const [name, path] of images) yield image(lab, name, path);
}

/** How an artifact reaches production: by its mirror, because its host is reachable, or not at all. */
export function wayOf(artifact: Artifact, lab: DraftLab): string | undefined {
  if (artifact.mirror) return artifact.mirror;
  const own = Object.values(lab.mirrors ?? {}).flatMap(hostsIn);
  return lab.reachable?.includes(artifact.host) || own.includes(artifact.host) ? "reachable" : undefined;
}

/** The hosts of the mirrors themselves, which are reachable or no use. */
function hostsIn(value: unknown): string[] {
  if (typeof value === "string") return /^(https|oci):/.test(value) ? [hostOf(value.replace(/^oci:/, "https:"))] : [];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(hostsIn) : [];
}
