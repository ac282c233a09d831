import { checkChartValues, checkedWith, type KnownChart } from "../../catalog/charts";
import { GPU_RESOURCE } from "../../catalog/nvidia";
import { OLLAMA_PORT } from "../../catalog/ollama";
import type { DraftLab } from "../draft";
import { finder } from "../finding";
import { accessModeOf, devicePluginOf, type OllamaRelease } from "../kubernetes";
import type { Path, StackId } from "../problem";
import { rule } from "./rule";

const CHART_STACKS = ["platform", "ollama"] as const satisfies readonly StackId[];

const kinds = {
  "unknown-chart-key": {
    severity: "error",
    stacks: CHART_STACKS,
    meaning: "A chart does not have this value. Helm ignores it silently.",
    example: `
      ollama:
        releases:
          ollama:
            values: { persistence: { enabled: true } }
    `,
    remedy: "Look the value up in the chart's values file.",
  },
  "unchecked-chart-key": {
    severity: "warning",
    stacks: CHART_STACKS,
    meaning:
      "The nearest version of the chart whose values this project knows does not have this value. The version that the lab names may have it.",
    example: `
      ollama:
        chart: { version: 1.60.0 }
        releases:
          ollama:
            image: ollama/ollama:0.25.0
            values: { probes: {} }
    `,
    remedy: "Look the value up in the chart's values file.",
  },
  "wrong-chart-type": {
    severity: "error",
    stacks: CHART_STACKS,
    meaning: 'A value has another type than the chart looks for, for example the text "true" instead of true.',
    example: `
      kubernetes:
        devicePlugin:
          values: { gfd: { enabled: "true" } }
    `,
    remedy: "Write the value in the form that the chart looks for.",
  },
  "chart-value-taken": {
    severity: "error",
    stacks: CHART_STACKS,
    meaning:
      "This project sets the value itself, from a setting of the lab. A second value would contradict the lab and its checks.",
    example: `
      ollama:
        releases:
          ollama:
            values: { replicaCount: 2 }
    `,
    remedy: "Remove it from values, and use the setting of the lab.",
  },
  "two-chart-sources": {
    severity: "error",
    stacks: CHART_STACKS,
    meaning: "A chart comes from one place: a repository, an OCI registry or a file.",
    example: `
      ollama:
        chart: { oci: oci://registry.lab.example/charts, file: ./ollama.tgz }
    `,
    remedy: "Keep one of them.",
  },
} as const;
const found = finder(kinds);

/** A value that this project sets itself: its path, and why the lab cannot set it. */
type OwnValue = readonly [path: readonly string[], reason: string];

/** A chart of the lab: its version, the values given to it, and where the lab gives them. */
interface ChartUse {
  readonly chart: KnownChart;
  readonly version: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly path: Path;
  readonly stack: StackId;
  readonly own: readonly OwnValue[];
}

const own = (key: string, reason: string): OwnValue => [key.split("."), reason];

/** The values of the chart ollama that follow from the lab, or that would break what the lab says. */
function ownOllamaValues(release: OllamaRelease, airGapped: boolean): OwnValue[] {
  const waits = release.gpus > 0 || (!airGapped && accessModeOf(release) === "ReadWriteOnce");
  return [
    own("fullnameOverride", "follows from the key of the release"),
    own("nameOverride", "is fixed: the network policy finds Ollama's pods by it"),
    own("namespaceOverride", "follows from ollama.namespace"),
    own("replicaCount", "follows from replicas"),
    own("autoscaling", "would change the number of pods, which the lab sets and checks"),
    own("knative", "would remove the Service that routes and Jobs use"),
    own("persistentVolume", "follows from storageGi, storageClass and accessMode: the claim is not part of the release"),
    own("ollama.models", "follows from models: a pull inside the release fails silently and keeps pods from ending"),
    own("ollama.port", `is ${OLLAMA_PORT} for everything that uses it`),
    own("service.port", `is ${OLLAMA_PORT} for everything that uses it`),
    own("ollama.mountPath", "is /root/.ollama, where the claim is mounted"),
    own("ollama.gpu.enabled", "follows from gpus"),
    own("ollama.gpu.number", "follows from gpus"),
    own("ollama.gpu.type", "is nvidia"),
    own("image.repository", "follows from image"),
    own("image.tag", "follows from image"),
    ...["requests", "limits"].flatMap((side) => [
      own(`resources.${side}.cpu`, "follows from the release's resources"),
      own(`resources.${side}.memory`, "follows from the release's resources"),
      [["resources", side, GPU_RESOURCE], "follows from gpus"] as const,
    ]),
    own("nodeSelector", "follows from the release's nodeSelector"),
    own("tolerations", "follows from the release's tolerations"),
    own("extraEnv", "follows from environment; use extraEnvFrom for variables from a Secret"),
    ...(waits ? [own("updateStrategy", "is Recreate: a new pod would wait for the GPU or the volume of the old one")] : []),
    ...(airGapped
      ? ["volumes", "volumeMounts", "initContainers"].map((key) => own(key, "follows from airGapped: it mounts the models"))
      : []),
  ];
}

function* chartUses({ kubernetes, ollama, ...lab }: DraftLab): Iterable<ChartUse> {
  const plugin = devicePluginOf({ kubernetes, ollama, ...lab });
  if (plugin) {
    yield {
      chart: "nvidia-device-plugin",
      version: plugin.chart.version,
      values: plugin.values,
      path: ["kubernetes", "devicePlugin"],
      stack: "platform",
      own: plugin.timeSlicing ? [own("config", "follows from timeSlicing")] : [],
    };
  }
  for (const [key, chart] of [
    ["nfs", "csi-driver-nfs"],
    ["certManager", "cert-manager"],
  ] as const) {
    const use = kubernetes?.[key];
    if (!use) continue;
    const { version } = use.chart;
    yield { chart, version, values: use.values, path: ["kubernetes", key], stack: "platform", own: [] };
  }
  for (const [key, release] of Object.entries(ollama?.releases ?? {})) {
    yield {
      chart: "ollama",
      version: ollama?.chart.version ?? "",
      values: release.values,
      path: ["ollama", "releases", key],
      stack: "ollama",
      own: ownOllamaValues(release, lab.airGapped ?? false),
    };
  }
}

function valueAt(values: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    values,
  );
}

/** Every value that the lab gives to a chart is one that the chart has, and that this project does not set itself. */
const chartValues = rule([], function* (lab) {
  for (const { chart, version, values, path, stack, own: taken } of chartUses(lab)) {
    const basis = checkedWith(chart, version);
    const stacks = [stack];
    for (const { code, key, message, remedy } of checkChartValues(chart, version, values)) {
      const at = [...path, "values", ...key.split(".")];
      // A version whose values are not known may have keys of its own.
      const unchecked = code === "unknown-chart-key" && !basis.exact;
      yield unchecked
        ? found("unchecked-chart-key", at, `${message} (as of version ${basis.version})`, { remedy, stacks })
        : found(code, at, message, { remedy, stacks });
    }
    for (const [keys, reason] of taken) {
      if (valueAt(values, keys) === undefined) continue;
      yield found("chart-value-taken", [...path, "values", ...keys], `${keys.join(".")} ${reason}`, { stacks });
    }
  }
});

/** A chart comes from one place. */
const chartSources = rule([], function* ({ kubernetes, ollama }) {
  const plugin = kubernetes?.devicePlugin || undefined;
  const charts = [
    { path: ["ollama", "chart"], stack: "ollama", chart: ollama?.chart },
    { path: ["kubernetes", "devicePlugin", "chart"], stack: "platform", chart: plugin?.chart },
    { path: ["kubernetes", "nfs", "chart"], stack: "platform", chart: kubernetes?.nfs?.chart },
    { path: ["kubernetes", "certManager", "chart"], stack: "platform", chart: kubernetes?.certManager?.chart },
  ] as const;
  for (const { path, stack, chart } of charts) {
    const given = (["repository", "oci", "file"] as const).filter((key) => chart?.[key] !== undefined);
    if (given.length < 2) continue;
    yield found("two-chart-sources", path, `the chart has ${given.join(" and ")}, but it comes from one of them`, {
      stacks: [stack],
    });
  }
});

export const charts = { title: "Charts", kinds, rules: [chartValues, chartSources] };
