import { DEFAULT_MODEL_REGISTRY } from "../grammar/model-reference";
import type { Chart } from "./chart";
import keys1360 from "./chart-keys/ollama-1.36.0.json";
import keys1770 from "./chart-keys/ollama-1.77.0.json";

/** The version that Ansible installs in containers (github.com/ollama/ollama/releases). */
export const OLLAMA_VERSION = "0.32.15";

/** SHA-256 of the archive `ollama-linux-amd64.tar.zst` of a version, as its release's sha256sum.txt and independent packagers state it. */
const ARCHIVE_SHA256: Readonly<Record<string, string>> = {
  "0.32.15": "50539c5fe9bf85887733355098dcdb266b433cb8c73fa180713417e9ed6e42bb",
};

/** SHA-256 of the published archive of a version; `undefined` when it is not known here. None is ever made up. */
export function archiveSha256(version: string): string | undefined {
  return ARCHIVE_SHA256[version];
}

/** The port of the Ollama API (its FAQ, OLLAMA_HOST). */
export const OLLAMA_PORT = 11434;

/** Host that publishes Ollama's archives; the role ollama_install knows the path below it. */
export const OLLAMA_ARCHIVE_HOST = "github.com";

/** Host of Ollama's documentation, which the service's unit names. */
export const OLLAMA_DOCS_HOST = "docs.ollama.com";

/** Host that Ollama pulls models from unless the model's name has another (Ollama's types/model/name.go). */
export const MODEL_REGISTRY = DEFAULT_MODEL_REGISTRY;

/** The Ollama that a version of the chart installs: `appVersion` in its Chart.yaml. The chart gets a minor version with each Ollama. */
const OLLAMA_OF_CHART: Readonly<Record<string, string>> = { "1.36.0": "0.13.3", "1.77.0": "0.32.15" };

/** The Ollama version that a version of the chart installs; `undefined` when that is not known here. */
export function ollamaOfChart(chartVersion: string): string | undefined {
  return OLLAMA_OF_CHART[chartVersion];
}

/** Image of a version of Ollama, on Docker Hub (hub.docker.com/r/ollama/ollama). */
export function ollamaImage(version: string): string {
  return `ollama/ollama:${version}`;
}

/** The image that a version of the chart runs unless its values name another; `undefined` when that is not known here. */
export function imageOfChart(chartVersion: string): string | undefined {
  const version = ollamaOfChart(chartVersion);
  return version && ollamaImage(version);
}

/** The image that the default version of the chart runs, which has Ollama's client too. */
export const OLLAMA_IMAGE = ollamaImage(OLLAMA_VERSION);

/** The chart ollama of otwld (github.com/otwld/ollama-helm; its README names this repository). */
export const OLLAMA_CHART = {
  name: "ollama",
  repository: "https://helm.otwld.com/",
  version: "1.77.0",
  keys: { "1.36.0": keys1360, "1.77.0": keys1770 },
  // A lab with another version of the chart names its image itself.
  images: (version) => [imageOfChart(version) ?? ollamaImage("the chart's version")],
} as const satisfies Chart;

/**
 * The first Ollama that leaves another server's downloads in a shared folder alone when it starts: for an hour
 * (github.com/ollama/ollama/pull/15628).
 */
export const PRUNE_GRACE_VERSION = "0.21.0";
