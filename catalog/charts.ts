import { type ChartKeys, faultsInValues, type ValueFault } from "../grammar/chart-values";
import { compareVersions } from "../grammar/version";
import { CERT_MANAGER_CHART } from "./cert-manager";
import type { Chart } from "./chart";
import { CSI_DRIVER_NFS_CHART } from "./csi-driver-nfs";
import { DEVICE_PLUGIN_CHART } from "./nvidia";
import { OLLAMA_CHART } from "./ollama";

/** Every chart that this project installs, by its name. A chart's facts are in the file of its product. */
export const CHARTS = {
  "cert-manager": CERT_MANAGER_CHART,
  "csi-driver-nfs": CSI_DRIVER_NFS_CHART,
  "nvidia-device-plugin": DEVICE_PLUGIN_CHART,
  ollama: OLLAMA_CHART,
} as const satisfies Record<string, Chart>;

/** A chart whose values can be checked. */
export type KnownChart = keyof typeof CHARTS;

/**
 * Which version's keys the values for a version of a chart are checked with: its own, otherwise those of the newest known version before it,
 * otherwise those of the oldest known version.
 */
export function checkedWith(chart: KnownChart, version: string): { readonly version: string; readonly exact: boolean } {
  const versions = Object.keys(CHARTS[chart].keys);
  const wanted = version.replace(/^v/, "");
  if (versions.includes(wanted)) return { version: wanted, exact: true };
  const before = versions.filter((known) => compareVersions(known, wanted) <= 0).at(-1);
  return { version: before ?? versions[0] ?? "", exact: false };
}

/**
 * Faults in the values given to a chart: keys that the chart does not have, and values of another type than the chart expects.
 * Most of these charts have no schema, so Helm itself reports no mistyped key.
 */
export function checkChartValues(chart: KnownChart, version: string, values: Readonly<Record<string, unknown>>): ValueFault[] {
  const { keys, moreKeys }: Chart = CHARTS[chart];
  const known: ChartKeys = { ...keys[checkedWith(chart, version).version], ...moreKeys };
  return faultsInValues(chart, known, values);
}
