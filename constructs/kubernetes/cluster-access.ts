import { HelmProvider } from "@cdktf/provider-helm/lib/provider";
import { KubernetesProvider } from "@cdktf/provider-kubernetes/lib/provider";
import { type TerraformStack, TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { checkFilePath } from "../../grammar/file-path";
import { KUBECONFIG } from "../kubeconfig";
import { checkProps, prop } from "../props-error";

/** How Terraform reaches the cluster. */
export interface ClusterAccessProps {
  /** Path of the kubeconfig, relative to the stack's folder. A plan works without the file. @default ../../../kubeconfig, beside `cdktf.out` */
  readonly kubeconfig?: string;
}

/**
 * The way to a cluster: the two providers, and the variable `kubeconfig` that they use, so that a pipeline can give another file. Unset
 * KUBE_CONFIG_PATH in the environment: typed resources ignore it, but for some others it wins.
 */
export class ClusterAccess extends Construct {
  /** The provider of Kubernetes. */
  readonly kubernetes: KubernetesProvider;
  /** The provider of Helm. */
  readonly helm: HelmProvider;

  constructor(stack: TerraformStack, id: string, { kubeconfig: path = KUBECONFIG }: ClusterAccessProps = {}) {
    super(stack, id);
    checkProps(stack, id, [prop("kubeconfig", path, checkFilePath)]);
    const kubeconfig = new TerraformVariable(stack, "kubeconfig", {
      type: "string",
      default: path,
      description: "The kubeconfig of the cluster, relative to this stack's folder or absolute.",
    });
    this.kubernetes = new KubernetesProvider(this, "kubernetes", { configPath: kubeconfig.stringValue });
    this.helm = new HelmProvider(this, "helm", { kubernetes: { configPath: kubeconfig.stringValue } });
  }
}
