/** A whole lab, as TypeScript or as a file: the package's entry `ollama-lab`. The single constructs are in its other entries. */
export { PropsError } from "./constructs/props-error";
export type { Lab } from "./lab/lab";
export { LabError, type Path, type Position, type Problem, type Severity, type StackId } from "./lab/problem";
export { type Reading, readLab } from "./lab/read";
export type { LabInput } from "./lab/schema";
export { buildLab, buildStacks } from "./stacks";
export { ClusterStack } from "./stacks/cluster";
export { ContainersStack } from "./stacks/containers";
export { LabStack } from "./stacks/lab-stack";
export { ModelStagingStack } from "./stacks/model-staging";
export { OllamaStack } from "./stacks/ollama";
export { PlatformStack } from "./stacks/platform";
