import { Construct } from "constructs";
import { stringify } from "yaml";
import {
  DEVICE_PLUGIN_CHART,
  DEVICE_PLUGIN_NAMESPACE,
  GPU_NODE,
  GPU_RESOURCE,
  GPU_RUNTIME_CLASS,
  GPU_SELECTOR,
} from "../../catalog/nvidia";
import { checkImage } from "../../grammar/container-image";
import { checkNodeTaint, checkSelectedLabel } from "../../grammar/kubernetes-node";
import { checkWhole, TIME_SLICING_BOUNDS } from "../../grammar/size";
import { checkProps, prop } from "../props-error";
import { type ChartChoice, HelmChart } from "./helm-chart";
import { hookJob } from "./hook-job";
import { Namespace, recommendedLabels } from "./namespace";
import { KubernetesObjects, type ObjectsChart } from "./objects";

/** On which nodes the plugin runs, and what it announces. */
export interface DevicePluginProps extends ChartChoice {
  /** Value of the label `app.kubernetes.io/part-of`. @default no such label */
  readonly partOf?: string;
  /** Labels of the nodes with GPUs. A node without them gets no plugin, and nothing says so. @default nvidia.com/gpu.present=true */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Key of the taint that nodes with GPUs have. @default nvidia.com/gpu */
  readonly taintKey?: string;
  /** Into how many shares each GPU is split, 2 to 64. Changing it starts the plugin again. @default not split */
  readonly timeSlicing?: number;
  /** Image of a Job that runs nvidia-smi on one GPU when the plugin was installed. @default no such Job */
  readonly smokeTestImage?: string;
  /** The stack's local chart, for that Job. @default the one that the stack has, or a new one */
  readonly objects?: ObjectsChart;
}

/** How many seconds it may take until the plugin has announced its GPUs and the image is fetched. */
const SMOKE_TEST_SECONDS = 900;

/** NVIDIA's device plugin on K3s, which makes the GPUs of nodes schedulable. K3s itself defines the RuntimeClass. */
export class DevicePlugin extends Construct {
  /** The namespace of the plugin. */
  readonly namespace: Namespace;
  /** The plugin. */
  readonly plugin: HelmChart;
  /** The Job. Absent without an image for it. */
  readonly smokeTest?: KubernetesObjects;

  constructor(scope: Construct, id: string, props: DevicePluginProps) {
    super(scope, id);
    const { nodeSelector = GPU_SELECTOR, taintKey = GPU_NODE.taint.key } = props;
    checkProps(scope, id, [
      ...Object.entries(nodeSelector).map(([key, value]) => prop("nodeSelector", `${key}=${value}`, checkSelectedLabel)),
      prop("taintKey", `${taintKey}:NoSchedule`, checkNodeTaint),
      prop("timeSlicing", props.timeSlicing, checkWhole(TIME_SLICING_BOUNDS)),
      prop("smokeTestImage", props.smokeTestImage, checkImage),
    ]);
    const tolerations = [
      { key: "CriticalAddonsOnly", operator: "Exists" },
      { key: taintKey, operator: "Exists", effect: "NoSchedule" },
    ];
    this.namespace = new Namespace(this, "namespace", { name: DEVICE_PLUGIN_NAMESPACE, partOf: props.partOf });
    this.plugin = new HelmChart(this, "plugin", {
      name: "nvidia-device-plugin",
      namespace: DEVICE_PLUGIN_NAMESPACE,
      chart: DEVICE_PLUGIN_CHART.name,
      source: props.source,
      version: props.version,
      values: {
        runtimeClassName: GPU_RUNTIME_CLASS,
        nodeSelector,
        tolerations,
        // It would bring node feature discovery, with three more images.
        gfd: { enabled: false },
        ...(props.timeSlicing && { config: sharing(props.timeSlicing) }),
      },
      moreValues: props.moreValues,
      dependsOn: [this.namespace.resource],
    });
    if (!props.smokeTestImage) return;
    // A release of its own, so that it does not run after every change of the plugin: Ollama has the GPUs then, and the Job would wait in vain.
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
          pod: { runtimeClassName: GPU_RUNTIME_CLASS, tolerations },
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
 * The plugin's configuration for shares. A pod gets one share, because several would give it no more of the GPU. The name follows from the
 * content: the plugin reads the configuration when it starts, and only another name starts it again.
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
