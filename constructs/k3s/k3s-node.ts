import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Resource as NullResource } from "@cdktf/provider-null/lib/resource";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { checkK3sVersion } from "../../grammar/k3s-version";
import { checkWhole, MOST_PCI_DEVICES, TIMEOUT_SECONDS_BOUNDS } from "../../grammar/size";
import { checkSshPublicKey, checkUserName } from "../../grammar/ssh";
import { checkDatastore, checkSha256 } from "../../grammar/storage";
import { checkHttpUrl } from "../../grammar/url";
import { checkNvidiaBranch } from "../../grammar/version";
import { addNullProvider } from "../null-provider";
import { checkProps, prop, required } from "../props-error";
import { moved } from "../proxmox/guest";
import { GuestFirewall, type GuestFirewallProps } from "../proxmox/guest-firewall";
import { Snippet } from "../proxmox/snippet";
import { VirtualMachine, type VirtualMachineProps } from "../proxmox/virtual-machine";
import { type CloudConfigFile, type CloudConfigProps, cloudConfig, cloudConfigText, metaData } from "./cloud-config";
import { environmentFile } from "./k3s-config";
import { type K3sRelease, unprovenSources } from "./k3s-release";
import { K3sScripts } from "./k3s-scripts";
import { K3S_TEMPLATES, ON_NODE } from "./paths";
import type { NodeTokens } from "./token-strategy";

/** What makes a single node. `K3sCluster` makes the nodes of a cluster, and fills in what must agree between them. */
export interface K3sNodeProps extends Omit<VirtualMachineProps, "cloudInit" | "replaceTriggeredBy"> {
  /** A server runs the Kubernetes API and the cluster's data, a worker only pods. */
  readonly role: "server" | "worker";
  /** A datastore with the content type `snippets`. */
  readonly files: string;
  /** Whether every Proxmox node sees that datastore. @default false */
  readonly filesShared?: boolean;
  /** User that the keys log in as, with sudo. It counts when the node is made. */
  readonly user: string;
  /** One line of a .pub file each. They count when the node is made. */
  readonly sshPublicKeys: readonly string[];
  /** What is installed. It counts when the node is made. */
  readonly release: K3sRelease;
  /** Content of K3s' config.yaml. It counts when the node is made. */
  readonly config: string;
  /** URL of a mirror of Ubuntu's archive. @default the archive itself */
  readonly aptMirror?: string;
  /** Content of K3s' registries.yaml. @default none: images come from their own registries */
  readonly registries?: string;
  /** How the node gets its join tokens. */
  readonly tokens: NodeTokens;
  /** URL of the server that must answer before this node joins. @default the node joins none: it is the first server */
  readonly joins?: string;
  /** How many seconds the node waits for that server. @default 1800 */
  readonly serverWaitSeconds?: number;
  /** How many GPUs nvidia-smi must see before the node joins, and the branch of its driver. For workers. @default no GPU */
  readonly gpu?: {
    /** How many GPUs, 1 to 16. */
    readonly count: number;
    /** Branch of the driver, such as `580`, or `distribution`. */
    readonly driver: string;
  };
  /** Replace the VM when what it was made with changes. Not for servers: each holds a part of the cluster's data. @default false */
  readonly replaceOnChange?: boolean;
  /** What is open. */
  readonly firewall: Pick<GuestFirewallProps, "open">;
}

/** A VM that sets itself up as a K3s node at its first boot. */
export class K3sNode extends Construct {
  /** Name of its resources in Terraform. */
  readonly resourceName: string;
  /** The name of its resources until now, while they are moved. */
  readonly formerName?: string;
  /** Its static address, without the prefix. */
  readonly address: string;
  /** The VM. */
  readonly machine: VirtualMachine;
  /** What cloud-init does at the first boot. */
  readonly userData: Snippet;
  /** The name of the instance, by which cloud-init knows its first boot. */
  readonly metaData: Snippet;
  /** Its ports. */
  readonly firewall: GuestFirewall;
  /** It is replaced whenever what the node is made with changes. The VM depends on it only with `replaceOnChange`. */
  readonly bootstrap: NullResource;

  constructor(scope: Construct, id: string, props: K3sNodeProps) {
    super(scope, id);
    const { role, name, vmId, node, files: datastore, resourceName, release, gpu } = props;
    this.resourceName = resourceName;
    this.formerName = props.formerName;
    this.address = props.network.address.replace(/\/.*$/, "");
    checkProps(scope, id, [
      prop("files", datastore, checkDatastore),
      prop("user", props.user, checkUserName),
      ...props.sshPublicKeys.map((key) => prop("sshPublicKeys", key, checkSshPublicKey)),
      prop("release.version", release.version, checkK3sVersion),
      prop("release.sha256", release.sha256, checkSha256),
      prop("aptMirror", props.aptMirror, checkHttpUrl),
      prop("joins", props.joins, checkHttpUrl),
      prop("serverWaitSeconds", props.serverWaitSeconds, checkWhole(TIMEOUT_SECONDS_BOUNDS)),
      prop("gpu.count", gpu?.count, checkWhole([1, MOST_PCI_DEVICES])),
      prop("gpu.driver", gpu?.driver, checkNvidiaBranch),
      required("gpu", gpu === undefined || role === "worker", {
        code: "gpu-on-server",
        message: "a server is given GPUs, but only workers install the driver",
        remedy: "Give them to a worker.",
      }),
      required("tokens", !("made" in props.tokens) || role === "server", {
        code: "tokens-made-by-worker",
        message: "a worker is told to make the tokens, but only a server can",
        remedy: "Let the first server make them.",
      }),
      required("replaceOnChange", !props.replaceOnChange || role === "worker", {
        code: "server-replaced",
        message: "a server would be replaced by an edit, and its part of the cluster's data lost",
        remedy: "Set replaceOnChange for workers alone.",
      }),
      ...unprovenSources(release).map((fault) => required("release.parameters", false, fault)),
    ]);
    const config = cloudConfigOf(props, K3sScripts.of(this));
    const snippet = (kind: string, content: string) =>
      new Snippet(this, kind, {
        resourceName: `${resourceName}_${kind}`,
        node,
        datastore,
        shared: props.filesShared,
        // The VMID is the VM's as long as it lives. Under another file name the VM would not find its snippet at the next start, and with
        // another instance-id cloud-init would set the node up anew.
        fileName: `k3s-${vmId}-${kind}.yaml`,
        text: content,
        dependsOn: props.guard && [props.guard.checked],
      });
    this.userData = snippet("user-data", cloudConfig(config));
    this.metaData = snippet("meta-data", metaData(`k3s-${vmId}`, name));
    addNullProvider(this);
    // The hash of the text, not the snippet itself, which is also replaced when the VM moves to another Proxmox node.
    this.bootstrap = new NullResource(this, "Bootstrap", {
      triggers: { user_data: createHash("sha256").update(cloudConfigText(config)).digest("hex") },
    });
    this.bootstrap.overrideLogicalId(`${resourceName}_bootstrap`);
    moved(this, this.userData.resource, props, "_user-data");
    moved(this, this.metaData.resource, props, "_meta-data");
    moved(this, this.bootstrap, props, "_bootstrap");
    const dependsOn: ITerraformDependable[] = [...(props.dependsOn ?? []), this.userData.resource, this.metaData.resource];
    this.machine = new VirtualMachine(this, "Machine", {
      ...props,
      cloudInit: { userData: this.userData.volumeId, metaData: this.metaData.volumeId },
      dependsOn,
      replaceTriggeredBy: props.replaceOnChange ? [`null_resource.${resourceName}_bootstrap`] : [],
    });
    this.firewall = new GuestFirewall(this, "Firewall", {
      of: props,
      guest: this.machine.resource,
      open: props.firewall.open,
    });
  }
}

/** The unit that runs the script of a role. The role is put after the @. */
const UNIT = "k3s-bootstrap@.service";

/** The scripts of a role, in the order in which they source each other. */
const SCRIPTS: Readonly<Record<K3sNodeProps["role"], readonly string[]>> = {
  server: ["bootstrap-lib.sh", "bootstrap-server.sh"],
  worker: ["bootstrap-lib.sh", "bootstrap-gpu.sh", "bootstrap-worker.sh"],
};

function cloudConfigOf(props: K3sNodeProps, scripts: K3sScripts): CloudConfigProps {
  const { role, release, gpu, tokens } = props;
  const isServer = role === "server";
  const environment = environmentFile({
    K3S_VERSION: release.version,
    K3S_SHA256: release.sha256,
    ...release.parameters,
    NODE_NAME: props.name,
    JOIN_SERVER_URL: props.joins ?? "",
    TOKEN_WAIT_SECONDS: "waitSeconds" in tokens ? tokens.waitSeconds : 0,
    WAIT_FOR_SERVER_SECONDS: props.serverWaitSeconds,
    ...(isServer
      ? { GENERATE_TOKENS: "made" in tokens }
      : { GPU: gpu !== undefined, GPU_COUNT: gpu?.count, NVIDIA_BRANCH: gpu?.driver }),
  });
  const secret = (path: string, expression: string): CloudConfigFile => ({ path, mode: "0600", content: { expression } });
  const template = (name: string) => ({ asset: scripts.path(name), text: readFileSync(join(K3S_TEMPLATES, name), "utf8") });
  const files: CloudConfigFile[] = [
    ...SCRIPTS[role].map((script) => ({ path: `${ON_NODE.scripts}/${script}`, mode: "0755", content: template(script) })),
    { path: `${ON_NODE.units}/${UNIT}`, mode: "0644", content: template(UNIT) },
    { path: ON_NODE.environment, mode: "0600", content: environment },
    { path: ON_NODE.config, mode: "0600", content: props.config },
    ...(props.registries ? [{ path: ON_NODE.registries, mode: "0600", content: props.registries }] : []),
    // A worker never gets the servers' token: with it, anyone who reads the worker's disk is administrator of the cluster.
    ...("server" in tokens
      ? isServer
        ? [secret(ON_NODE.token, tokens.server), secret(ON_NODE.agentToken, tokens.agent)]
        : [secret(ON_NODE.token, tokens.agent)]
      : []),
  ];
  return {
    hostname: props.name,
    user: props.user,
    sshPublicKeys: props.sshPublicKeys,
    aptMirror: props.aptMirror,
    files,
    unit: UNIT.replace("@", `@${role}`),
  };
}
