/** Ollama, in containers and on Kubernetes: the package's entry `ollama-lab/ollama`. */
export { PropsError } from "../props-error";
export { ApiNetworkPolicy, type ApiNetworkPolicyProps } from "./api-network-policy";
export { type AmdDevicesProps, amdDevices, type NvidiaDevicesProps, nvidiaDevices } from "./gpu-devices";
export { HTTPS_REDIRECT, HttpsRoute, type HttpsRouteProps, httpsRedirect } from "./https-route";
export { ModelPull, type ModelPullProps } from "./model-pull";
export { ModelStaging, type ModelStagingProps } from "./model-staging";
export { OllamaContainer, type OllamaContainerProps } from "./ollama-container";
export { type Amounts, type ModelClaim, OllamaRelease, type OllamaReleaseProps, type StagedModels } from "./ollama-release";
export { type PlaybookGuest, PlaybookRun, type PlaybookRunProps } from "./playbook-run";
export type { ModelShare } from "./shared-models";
export { StagedModelsMount, type StagedModelsProps } from "./staged-models";
