/** The kubeconfig beside `cdktf.out`, relative to the folder of a stack: where stacks lie below the folder of a project. */
export const KUBECONFIG = "../../../kubeconfig";
