/** K3s on VMs of Proxmox: the package's entry `ollama-lab/k3s`. */
export { PropsError } from "../props-error";
export type { ClientPort, ClusterAccess, PeerPort } from "./cluster-ports";
export { handedOverTokens } from "./handed-over-tokens";
export { K3sCluster } from "./k3s-cluster";
export type { ClusterNetwork, K3sClusterProps, K3sComponent, K3sServerProps, K3sWorkerProps } from "./k3s-cluster-props";
export { type AgentConfig, agentConfig, type NodeConfig, type ServerConfig, serverConfig } from "./k3s-config";
export { K3sNode, type K3sNodeProps } from "./k3s-node";
export type { K3sRelease } from "./k3s-release";
export { OperatorScript, type OperatorScriptProps } from "./operator-script";
export { type RegistryMirror, registriesConfig } from "./registries";
export type { BoundTokens, ClusterMember, HandOverContext, NodeTokens, TokenStrategy } from "./token-strategy";
export { variableTokens } from "./variable-tokens";
