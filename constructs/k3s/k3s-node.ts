import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Resource as NullResource } from "@cdktf/provider-null/lib/resource";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { checkK3sVersion } from "../../grammar/k3s-version";
import { checkProps, prop, required } from "../props-error";
import { moved } from "../proxmox/guest";
import { GuestFirewall, type GuestFirewallProps } from "../proxmox/guest-firewall";
import { Snippet } from "../proxmox/snippet";
import { VirtualMachine, type VirtualMachineProps } from "../proxmox/virtual-machine";
import { type CloudConfigFile, type CloudConfigProps, cloudConfig, cloudConfigText, metaData } from "./cloud-config";
import type { TokenSource } from "./join-tokens";
import { environmentFile } from "./k3s-config";
import { type K3sRelease, unprovenSources } from "./k3s-release";
import { K3sScripts } from "./k3s-scripts";
import { K3S_TEMPLATES, ON_NODE } from "./paths";

export interface K3sNodeProps extends Omit<VirtualMachineProps, "cloudInit" | "replaceTriggeredBy"> {
  readonly role: "server" | "worker";
  /** Datastore for the snippets. */
  readonly files: string;
  /** Whether every Proxmox node sees that datastore. @default false */
  readonly filesShared?: boolean;
  readonly user: string;
  readonly sshPublicKeys: readonly string[];
  readonly release: K3sRelease;
  /** Content of K3s' config.yaml. */
  readonly config: string;
  /** URL of a mirror of Ubuntu's archive. @default the archive itself */
  readonly aptMirror?: string;
  /** Content of K3s' registries.yaml. @default none: images come from their own registries */
  readonly registries?: string;
  /** @default the tokens are handed over later, by SSH */
  readonly tokens?: TokenSource;
  /** With `tokens` absent: whether this server makes them. @default false */
  readonly makesTokens?: boolean;
  /** How long the node waits for tokens that are handed over, in seconds. @default 0 */
  readonly tokenWaitSeconds?: number;
  /** URL of the server that must answer before this node joins. Absent for the first server. */
  readonly joins?: string;
  /** How long the node waits for that server, in seconds. @default 1800 */
  readonly serverWaitSeconds?: number;
  /** How many GPUs nvidia-smi must see before the node joins, and the driver's branch. @default no GPU */
  readonly gpu?: { readonly count: number; readonly driver: string };
  /** Replace the VM when what it was made with changes. Never for servers: each holds a part of the cluster's data. @default false */
  readonly replaceOnChange?: boolean;
  readonly firewall: Pick<GuestFirewallProps, "open">;
}

/** A VM that makes itself a K3s node at its first boot. */
export class K3sNode extends Construct {
  readonly machine: VirtualMachine;
  readonly userData: Snippet;
  readonly metaData: Snippet;
  readonly firewall: GuestFirewall;
  /** Changes, and is replaced, whenever what the node is made with changes; nothing of the node itself depends on that. */
  readonly bootstrap: NullResource;

  constructor(scope: Construct, id: string, props: K3sNodeProps) {
    super(scope, id);
    const { name, vmId, node, files: datastore, resourceName, release } = props;
    checkProps(scope, id, [
      prop("release.version", release.version, checkK3sVersion),
      ...unprovenSources(release).map((fault) => required("release.parameters", false, fault)),
    ]);
    const config = cloudConfigOf(props, K3sScripts.of(this));
    const snippet = (kind: string, content: string) =>
      new Snippet(this, kind, {
        resourceName: `${resourceName}_${kind}`,
        node,
        datastore,
        shared: props.filesShared,
        // By the VMID, which is the VM's as long as it lives: under another name the running VM would not find it at its next start, and with
        // another instance-id cloud-init would make the node anew.
        fileName: `k3s-${vmId}-${kind}.yaml`,
        text: content,
        dependsOn: props.guard && [props.guard.checked],
      });
    this.userData = snippet("user-data", cloudConfig(config));
    this.metaData = snippet("meta-data", metaData(`k3s-${vmId}`, name));
    // The text's own hash, not the snippet: that is replaced, too, when the VM moves to another Proxmox node.
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
    TOKEN_WAIT_SECONDS: props.tokenWaitSeconds,
    WAIT_FOR_SERVER_SECONDS: props.serverWaitSeconds,
    ...(isServer
      ? { GENERATE_TOKENS: props.makesTokens ?? false }
      : { GPU: gpu !== undefined, GPU_COUNT: gpu?.count, NVIDIA_BRANCH: gpu?.driver }),
  });
  const secret = (path: string, expression: string): CloudConfigFile => ({ path, mode: "0600", content: { expression } });
  const files: CloudConfigFile[] = [
    ...SCRIPTS[role].map((script) => ({
      path: `${ON_NODE.scripts}/${script}`,
      mode: "0755",
      content: { asset: scripts.path(script), text: readFileSync(join(K3S_TEMPLATES, script), "utf8") },
    })),
    { path: ON_NODE.environment, mode: "0600", content: environment },
    { path: ON_NODE.config, mode: "0600", content: props.config },
    ...(props.registries ? [{ path: ON_NODE.registries, mode: "0600", content: props.registries }] : []),
    // A worker never gets the servers' token: with it, anyone who reads the worker's disk is administrator of the cluster.
    ...(tokens
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
    run: ["bash", `${ON_NODE.scripts}/bootstrap-${role}.sh`],
  };
}
