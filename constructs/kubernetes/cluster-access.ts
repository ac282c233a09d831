import { HelmProvider } from "@cdktf/provider-helm/lib/provider";
import { KubernetesProvider } from "@cdktf/provider-kubernetes/lib/provider";
import { type TerraformStack, TerraformVariable } from "cdktf";
import { Construct } from "constructs";

export interface ClusterAccessProps {
  /** Path of the kubeconfig, relative to the stack's folder. The file need not be there when Terraform plans. */
  readonly kubeconfig: string;
}

/**
 * The way to a cluster: its kubeconfig, as the variable `kubeconfig`, so that a pipeline can give another, and the two providers that use it.
 * A KUBE_CONFIG_PATH in the environment is not looked at by typed resources, and wins for some others: better unset it.
 */
export class ClusterAccess extends Construct {
  readonly kubernetes: KubernetesProvider;
  readonly helm: HelmProvider;

  constructor(stack: TerraformStack, id: string, props: ClusterAccessProps) {
    super(stack, id);
    const kubeconfig = new TerraformVariable(stack, "kubeconfig", {
      type: "string",
      default: props.kubeconfig,
      description: "The kubeconfig of the cluster, relative to this stack's folder or absolute.",
    });
    this.kubernetes = new KubernetesProvider(this, "kubernetes", { configPath: kubeconfig.stringValue });
    this.helm = new HelmProvider(this, "helm", { kubernetes: { configPath: kubeconfig.stringValue } });
  }
}
