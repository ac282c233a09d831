/** What a cluster needs before Ollama: the package's entry `ollama-lab/kubernetes`. */
export { PropsError } from "../props-error";
export { CertManager, type CertManagerProps } from "./cert-manager";
export { ClusterAccess, type ClusterAccessProps } from "./cluster-access";
export { DevicePlugin, type DevicePluginProps } from "./device-plugin";
export { type ChartChoice, type ChartSource, HelmChart, type HelmChartProps } from "./helm-chart";
export { type HookJobProps, hookJob } from "./hook-job";
export { Namespace, type NamespaceProps } from "./namespace";
export { NfsProvisioner, type NfsProvisionerProps } from "./nfs-provisioner";
export { type KubernetesObject, KubernetesObjects, type KubernetesObjectsProps, ObjectsChart } from "./objects";
