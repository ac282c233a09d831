import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { hasPlatform, type Lab } from "../../lab/lab";
import type { Finding } from "../finding";
import type { Run } from "../program";
import { clusterFindings } from "./checks";
import { askKubernetes } from "./facts";
import { Kubectl } from "./kubectl";

const PATH = ["kubernetes", "kubeconfig"];

/** The kubeconfig that a deploy would use: a pipeline's own, else the lab's. */
function kubeconfigOf({ kubernetes, directory }: Lab, env: Readonly<Record<string, string | undefined>>): string {
  const given = env["TF_VAR_kubeconfig"];
  // A relative path counts from the folder in which Terraform runs, which need not be there yet.
  return given && isAbsolute(given) ? given : resolve(directory, kubernetes.kubeconfig);
}

function unreachable(kubeconfig: string, why: string): Finding {
  const refused = /unauthorized|must be logged in|forbidden/i.test(why);
  return {
    code: refused ? "kubernetes-refuses" : "kubernetes-unreachable",
    severity: "error",
    path: PATH,
    message: `the cluster of ${kubeconfig} cannot be asked: ${why}`,
    remedy: refused
      ? "Fetch the kubeconfig anew. For a cluster of this lab the output kubeconfig_command of the stack `cluster` has the command."
      : "Check that the API server runs, and that this machine may reach it (network.management, port 6443).",
  };
}

/** What a lab's Kubernetes cluster has to say about it. */
export interface KubernetesExamined {
  readonly findings: readonly Finding[];
  /** The keys of the lab's releases that have pods which are ready. */
  readonly serving: readonly string[];
  /** The kubeconfig that was used, or that is not there yet. */
  readonly kubeconfig: string;
}

/** Everything that a lab's Kubernetes cluster has to say about it. Asks by kubectl, and changes nothing. */
export async function examineKubernetes(
  lab: Lab,
  env: Readonly<Record<string, string | undefined>>,
  run: Run,
): Promise<KubernetesExamined> {
  const kubeconfig = kubeconfigOf(lab, env);
  const only = (...findings: Finding[]): KubernetesExamined => ({ findings, serving: [], kubeconfig });
  if (!lab.ollama && !lab.cluster && !hasPlatform(lab)) return only();
  const notAsked = (why: string, remedy: string): KubernetesExamined =>
    only({
      code: "kubernetes-unknown",
      severity: "unknown",
      path: PATH,
      message: `the Kubernetes cluster was not asked: ${why}`,
      remedy,
    });
  if (!existsSync(kubeconfig)) {
    return notAsked(
      `there is no ${kubeconfig}`,
      lab.cluster
        ? "Nothing to do before the first deploy: the stack `cluster` writes that file."
        : "Put the kubeconfig of your cluster there.",
    );
  }
  const { status } = await run("kubectl", ["version", "--client"]);
  if (status === "missing") return notAsked("kubectl is not on this machine", "Install kubectl, then run doctor again.");
  const facts = await askKubernetes(new Kubectl(run, kubeconfig), lab);
  // A cluster that does not answer the first question answers none.
  if (!facts.version.known) return only(unreachable(kubeconfig, facts.version.why));
  return { findings: clusterFindings({ lab, facts }), serving: [...facts.models.keys()], kubeconfig };
}
