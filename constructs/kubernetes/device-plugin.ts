import { Construct } from "constructs";
import { stringify } from "yaml";
import { DEVICE_PLUGIN_CHART, DEVICE_PLUGIN_NAMESPACE, GPU_RESOURCE } from "../../catalog/nvidia";
import { type ChartSource, HelmChart } from "./helm-chart";
import { hookJob } from "./hook-job";
import { Namespace, recommendedLabels } from "./namespace";
import { KubernetesObjects, type ObjectsChart } from "./objects";

export interface DevicePluginProps {
  readonly partOf: string;
  readonly source: ChartSource;
  readonly version: string;
  /** Labels of the nodes with GPUs. Without one of them the chart's own affinity selects no node, and nobody says so. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Key of the taint that nodes with GPUs have. */
  readonly taintKey: string;
  /** Into how many shares each GPU is split. @default not split */
  readonly timeSlicing?: number;
  /** Image of a Job that runs nvidia-smi on one GPU, when the plugin has been installed. @default no such Job */
  readonly smokeTestImage?: string;
  readonly objects: ObjectsChart;
  readonly moreValues?: Readonly<Record<string, unknown>>;
}

const RUNTIME_CLASS = "nvidia";
/** Seconds that the plugin may take to announce its GPUs, and the image to be fetched. */
const SMOKE_TEST_SECONDS = 900;

/** NVIDIA's device plugin on K3s, which makes the GPUs of nodes schedulable. K3s itself defines the RuntimeClass. */
export class DevicePlugin extends Construct {
  readonly namespace: Namespace;
  readonly plugin: HelmChart;
  readonly smokeTest?: KubernetesObjects;

  constructor(scope: Construct, id: string, props: DevicePluginProps) {
    super(scope, id);
    const tolerations = [
      { key: "CriticalAddonsOnly", operator: "Exists" },
      { key: props.taintKey, operator: "Exists", effect: "NoSchedule" },
    ];
    this.namespace = new Namespace(this, "namespace", { name: DEVICE_PLUGIN_NAMESPACE, partOf: props.partOf });
    this.plugin = new HelmChart(this, "plugin", {
      name: "nvidia-device-plugin",
      namespace: DEVICE_PLUGIN_NAMESPACE,
      chart: DEVICE_PLUGIN_CHART.name,
      source: props.source,
      version: props.version,
      values: {
        runtimeClassName: RUNTIME_CLASS,
        nodeSelector: props.nodeSelector,
        tolerations,
        // It would bring node feature discovery, and three images more.
        gfd: { enabled: false },
        ...(props.timeSlicing && { config: sharing(props.timeSlicing) }),
      },
      moreValues: props.moreValues,
      dependsOn: [this.namespace.resource],
    });
    if (!props.smokeTestImage) return;
    // Not after every change of the plugin: then Ollama has the GPUs, and the Job would wait for one in vain.
    this.smokeTest = new KubernetesObjects(this, "smoke-test", {
      name: "gpu-smoke-test",
      namespace: DEVICE_PLUGIN_NAMESPACE,
      chart: props.objects,
      objects: [
        hookJob({
          name: "gpu-smoke-test",
          namespace: DEVICE_PLUGIN_NAMESPACE,
          labels: recommendedLabels("gpu-smoke-test", props.partOf),
          image: props.smokeTestImage,
          command: ["nvidia-smi"],
          container: { resources: { limits: { [GPU_RESOURCE]: 1 } } },
          pod: { runtimeClassName: RUNTIME_CLASS, tolerations },
          backoffLimit: 2,
          deadlineSeconds: SMOKE_TEST_SECONDS,
        }),
      ],
      timeoutSeconds: SMOKE_TEST_SECONDS + 60,
      dependsOn: [this.plugin.resource],
    });
  }
}

/**
 * The plugin's configuration for shares: a pod gets one, since several would be no more of a GPU. It is named after its content, because the
 * plugin reads it when it starts, and only another name starts it again.
 */
function sharing(replicas: number): { default: string; map: Record<string, string> } {
  const timeSlicing = {
    renameByDefault: false,
    failRequestsGreaterThanOne: true,
    resources: [{ name: GPU_RESOURCE, replicas }],
  };
  const name = `time-slicing-${replicas}`;
  return { default: name, map: { [name]: stringify({ version: "v1", sharing: { timeSlicing } }) } };
}
