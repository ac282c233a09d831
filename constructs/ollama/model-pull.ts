import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ITerraformDependable, TerraformResource } from "cdktf";
import { Construct } from "constructs";
import { checkModelReference } from "../../grammar/model-reference";
import { hookJob, scriptsMap } from "../kubernetes/hook-job";
import { recommendedLabels } from "../kubernetes/namespace";
import { KubernetesObjects, type ObjectsChart } from "../kubernetes/objects";
import { checkProps, prop } from "../props-error";

const SCRIPT = "pull-models.sh";
const TEMPLATES = join(__dirname, "../../templates/ollama");

export interface ModelPullProps {
  /** Name of the Helm release, and of the resource in Terraform. */
  readonly name: string;
  readonly namespace: string;
  readonly partOf: string;
  /** URL of the Ollama that pulls, inside the cluster. */
  readonly server: string;
  /** Image with Ollama's client. */
  readonly image: string;
  /** Any change of the list makes it run again. */
  readonly models: readonly string[];
  /** Remove models that are not in the list. @default false */
  readonly removeUnlisted?: boolean;
  /** Taints that the Job tolerates, in Kubernetes' form. @default none */
  readonly tolerations?: readonly Readonly<Record<string, unknown>>[];
  readonly timeoutSeconds: number;
  readonly objects: ObjectsChart;
  /** What the models are pulled into: when that is replaced, they are pulled again. @default nothing that is known here */
  readonly replacedWith?: TerraformResource;
  readonly dependsOn?: ITerraformDependable[];
}

/** A Job that makes a running Ollama pull models, and fails the deploy when one cannot be had. */
export class ModelPull extends Construct {
  readonly release: KubernetesObjects;

  constructor(scope: Construct, id: string, props: ModelPullProps) {
    super(scope, id);
    const { name, namespace } = props;
    checkProps(
      scope,
      id,
      props.models.map((model) => prop("models", model, checkModelReference)),
    );
    const labels = { ...recommendedLabels("ollama-pull-models", props.partOf), "app.kubernetes.io/instance": name };
    this.release = new KubernetesObjects(this, "release", {
      name,
      namespace,
      chart: props.objects,
      objects: [
        scriptsMap(name, namespace, labels, { [SCRIPT]: readFileSync(join(TEMPLATES, SCRIPT), "utf8") }),
        hookJob({
          name,
          namespace,
          labels,
          image: props.image,
          command: ["/bin/sh", `/scripts/${SCRIPT}`],
          env: {
            OLLAMA_HOST: props.server,
            MODELS: [...props.models].sort().join(" "),
            REMOVE_UNLISTED: String(props.removeUnlisted ?? false),
            HOME: "/tmp",
          },
          container: {
            volumeMounts: [{ name: "scripts", mountPath: "/scripts", readOnly: true }],
            resources: { requests: { cpu: "50m", memory: "64Mi" } },
            securityContext: {
              allowPrivilegeEscalation: false,
              runAsNonRoot: true,
              runAsUser: 65_534,
              capabilities: { drop: ["ALL"] },
              seccompProfile: { type: "RuntimeDefault" },
            },
          },
          pod: {
            volumes: [{ name: "scripts", configMap: { name } }],
            ...(props.tolerations?.length && { tolerations: props.tolerations }),
          },
          backoffLimit: 2,
          deadlineSeconds: props.timeoutSeconds,
        }),
      ],
      // A little longer than the Job's own, whose failure says more than that time is up.
      timeoutSeconds: props.timeoutSeconds + 60,
      replacedWith: props.replacedWith,
      dependsOn: props.dependsOn,
    });
  }
}
