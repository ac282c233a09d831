import * as z from "zod";
import type { Chart } from "../../catalog/chart";
import { checkFilePath } from "../../grammar/file-path";
import { checkChartVersion, checkOciUrl } from "../../grammar/helm-chart";
import { checkHttpUrl } from "../../grammar/url";
import { text } from "./field";

/** Values for a chart, beyond what the lab has words for. Merged over what the lab says; keys are checked in the rules. */
export const chartValues = z
  .record(z.string(), z.json())
  .default({})
  .meta({
    description: "Other values of the chart, merged over those that follow from the lab.",
    examples: [{ podAnnotations: { team: "ml" } }],
  });

/** Which version of a chart, and from where. By default the version that the catalog has for it. */
export function chart({ version }: Chart, meaning: string) {
  return z
    .strictObject({
      version: text(checkChartVersion, "Exact version of the chart.", version).default(version),
      repository: text(checkHttpUrl, "Repository that has the chart. Default: the project's own.").optional(),
      oci: text(checkOciUrl, "OCI registry that has the chart, instead of a repository.").optional(),
      file: text(
        checkFilePath,
        "The chart's .tgz, relative to this file, instead of a repository.",
        "./charts/chart.tgz",
      ).optional(),
    })
    .prefault({})
    .describe(meaning);
}
