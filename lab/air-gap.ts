import { createHash } from "node:crypto";
import { imageOfChart } from "../catalog/ollama";
import { canonicalModelReference } from "../grammar/model-reference";
import type { DraftLab } from "./draft";

type OllamaSpec = NonNullable<DraftLab["ollama"]>;

/** Models that a staging cluster puts on the share, for production to mount. */
export interface ModelStagingPlan {
  /** Name of the release on the share; follows from the models, the image and the revision. */
  readonly id: string;
  /** The release that production mounts: the pinned one, or the new. */
  readonly mounted: string;
  /** Every model of every Ollama release, each once, in order. */
  readonly models: readonly string[];
  /** Absent when the chart's Ollama is not known, and the lab names no image. */
  readonly image?: string;
}

/** The image that stages: the one given, or that of the chart's version. `undefined` when that is not known. */
function stagingImage(ollama: OllamaSpec, staging: NonNullable<DraftLab["staging"]>): string | undefined {
  return staging.image ?? imageOfChart(ollama.chart.version);
}

/** What is to be staged: nothing, unless the lab is air-gapped, has an Ollama and a place for its models. */
export function modelStagingOf({ airGapped, ollama, ollamaNfsPath, staging }: DraftLab): ModelStagingPlan | undefined {
  if (!airGapped || !ollama || !ollamaNfsPath || !staging) return undefined;
  const listed = Object.values(ollama.releases).flatMap(({ models }) => models);
  const byName = [...new Map(listed.map((model) => [canonicalModelReference(model), model]))].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const models = byName.map(([, model]) => model);
  const image = stagingImage(ollama, staging);
  const identity = JSON.stringify([byName.map(([name]) => name), image, staging.revision]);
  // Twelve digits are plenty to tell the releases of one share apart, and short enough to read out.
  const id = createHash("sha256").update(identity).digest("hex").slice(0, 12);
  return { id, mounted: ollama.release ?? id, models, image };
}
