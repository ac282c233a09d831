import { matching, type TextCheck } from "./fault";

/** Refuses what is not one exact version of a chart. A range may be planned as one version and applied as another. */
export const checkChartVersion: TextCheck = matching(
  { pattern: /^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/, example: "1.77.0" },
  "chart-version-not-exact",
  "one exact version of a chart",
  "Write it in full, such as 1.77.0; no range, no latest.",
);

/** Refuses what is not the URL of an OCI registry. */
export const checkOciUrl: TextCheck = matching(
  { pattern: /^oci:\/\/[a-z0-9][a-z0-9.:/_-]*$/, example: "oci://registry.lab.example/charts" },
  "invalid-oci",
  "the URL of an OCI registry",
  "Write it as oci://registry.lab.example/charts, without the name of the chart.",
);
