import { basename } from "node:path";
import { TerraformStack, TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { DRIVER_BRANCH, GPU_NODE, GPU_TAINT } from "../../catalog/nvidia";
import { INSTALLED } from "../../catalog/proxmox";
import { CLOUD_IMAGE_USER } from "../../catalog/ubuntu";
import { parseCidr } from "../../grammar/address";
import { SERVER_SIZE, WAIT_MINUTES, WORKER_SIZE } from "../../grammar/size";
import { KUBECONFIG } from "../kubeconfig";
import { checkProps } from "../props-error";
import { idOf, moved } from "../proxmox/guest";
import { type PassedDevice, VirtualMachine } from "../proxmox/virtual-machine";
import { portsOf } from "./cluster-ports";
import { handedOverTokens, pairs } from "./handed-over-tokens";
import { clusterChecks, type K3sClusterProps, type K3sServerProps, type K3sWorkerProps } from "./k3s-cluster-props";
import { agentConfig, serverConfig } from "./k3s-config";
import { K3sNode } from "./k3s-node";
import { OperatorScript } from "./operator-script";
import { API_PORT } from "./paths";
import { type BoundTokens, type ClusterMember, PATIENCE_SECONDS } from "./token-strategy";

/** A node whose name and devices are filled in. */
interface Member extends K3sWorkerProps, ClusterMember {
  readonly name: string;
  readonly devices: readonly PassedDevice[];
}

function member(role: Member["role"], props: K3sServerProps | K3sWorkerProps): Member {
  return { devices: [], ...props, role, name: props.name ?? props.resourceName };
}

function apiUrl(host: string): string {
  return `https://${host}:${API_PORT}`;
}

/**
 * A K3s cluster on Proxmox VMs: nodes that set themselves up at their first boot, their firewall, and the wait until all of them are ready.
 *
 * The stack needs the provider of Proxmox: `Connection`, with `ssh` for the snippets. Some names in Terraform, such as
 * `nodes_ready`, do not depend on the cluster, so a stack takes one cluster.
 */
export class K3sCluster extends Construct {
  /** The nodes by their `resourceName`. */
  readonly nodes: Readonly<Record<string, K3sNode>>;
  /** URL of the Kubernetes API, for workers and clients. */
  readonly url: string;
  /** Expression for the token that workers join with. Absent when Terraform does not know it. */
  readonly agentToken?: string;
  /** The command that fetches the kubeconfig into the folder in which it runs. */
  readonly kubeconfigCommand: string;
  /**
   * The command that moves the data of a lone server into etcd, so that others can join. It is needed once: before the apply that makes
   * the second server.
   */
  readonly growCommand: string;
  /**
   * The commands that rebuild the servers, by `resourceName`, the first server first. One at a time. Before the first server is rebuilt
   * another must become the first in `servers`: it would found a second cluster.
   */
  readonly rebuildCommands: Readonly<Record<string, string>>;
  /** The wait for the nodes. What depends on it finds a cluster that works. Absent without a wait. */
  readonly ready?: OperatorScript;
  private readonly members: readonly Member[];
  private readonly first: Member;
  private readonly tokens: BoundTokens;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: K3sClusterProps,
  ) {
    super(scope, id);
    checkProps(scope, id, clusterChecks(props));
    const { servers, workers = [], registrationAddress, user = CLOUD_IMAGE_USER } = props;
    const [first, ...others] = servers;
    this.first = member("server", first);
    this.members = [
      this.first,
      ...others.map((server) => member("server", server)),
      ...workers.map((worker) => member("worker", worker)),
    ];
    this.url = apiUrl(registrationAddress ?? first.address);
    this.tokens = (props.tokens ?? handedOverTokens).bind(TerraformStack.of(this));
    this.agentToken = this.tokens.agent;
    this.nodes = Object.fromEntries(this.members.map((node) => [node.resourceName, this.makeNode(node, user)]));
    this.rebuildCommands = Object.fromEntries(
      servers.map(({ resourceName }) => [resourceName, VirtualMachine.rebuildCommand(resourceName)]),
    );
    this.ready = this.finish(user);
    const ssh = `ssh ${user}@${first.address}`;
    this.kubeconfigCommand =
      `(umask 077 && ${ssh} sudo cat /etc/rancher/k3s/k3s.yaml | ` +
      `sed 's#${apiUrl("127.0.0.1")}#${this.url}#' > ${basename(props.kubeconfig ?? KUBECONFIG)})`;
    this.growCommand =
      `${ssh} "sudo mkdir -p /etc/rancher/k3s/config.yaml.d && ` +
      `echo 'cluster-init: true' | sudo tee /etc/rancher/k3s/config.yaml.d/etcd.yaml && sudo systemctl restart k3s"`;
  }

  private makeNode(node: Member, user: string): K3sNode {
    const { props } = this;
    const { resourceName, role, address, devices } = node;
    const size = role === "server" ? SERVER_SIZE : WORKER_SIZE;
    const { cidr, bridge = INSTALLED.bridge, ...network } = props.network;
    const isFirst = node === this.first;
    // The prefix keeps a node from taking the name of another construct here.
    return new K3sNode(this, `node-${resourceName}`, {
      role,
      resourceName,
      node: node.node,
      vmId: node.vmId,
      name: node.name,
      description: node.description,
      tags: [...(props.tags ?? []), "k3s", role, ...(devices.length > 0 ? ["gpu"] : []), ...(node.tags ?? [])],
      cores: node.cores ?? size.cores,
      memoryGiB: node.memoryGiB ?? size.memoryGiB,
      diskGiB: node.diskGiB ?? size.diskGiB,
      disks: node.disks ?? props.disks ?? INSTALLED.disks,
      source: node.source ?? props.source,
      network: { ...network, bridge, address: `${address}/${parseCidr(cidr).prefix}` },
      devices,
      dependsOn: [...(node.dependsOn ?? [])],
      startOnBoot: node.startOnBoot,
      protect: node.protect,
      pool: props.pool,
      guard: props.guard,
      adopt: node.adopt,
      formerName: node.formerName,
      files: node.files ?? props.files ?? INSTALLED.files,
      filesShared: node.filesShared ?? props.filesShared,
      user,
      sshPublicKeys: props.sshPublicKeys,
      release: node.release ?? props.release,
      registries: props.registries,
      aptMirror: props.aptMirror,
      config: this.config(node),
      tokens: this.tokens.ofNode(isFirst),
      joins: this.joins(node),
      serverWaitSeconds: isFirst ? undefined : PATIENCE_SECONDS,
      gpu: devices.length > 0 ? { count: devices.length, driver: props.nvidiaDriver ?? DRIVER_BRANCH } : undefined,
      replaceOnChange: props.replaceWorkers === true && role === "worker",
      firewall: {
        open: portsOf(
          node,
          this.members.filter((other) => other !== node),
          props.access,
          props.registrationAddress !== undefined,
        ),
      },
    });
  }

  private get servers(): readonly Member[] {
    return this.members.filter(({ role }) => role === "server");
  }

  /** Content of K3s' config.yaml on a node. */
  private config(node: Member): string {
    const { registrationAddress, gpuTaint = true, disable = [] } = this.props;
    const gpu = node.devices.length > 0;
    const common = {
      name: node.name,
      address: node.address,
      labels: { ...(gpu && GPU_NODE.labels), ...node.labels },
      taints: [...(gpu && gpuTaint ? [GPU_TAINT] : []), ...(node.taints ?? [])],
    };
    if (node.role === "worker") return agentConfig({ ...common, server: this.url });
    const joins = this.joins(node);
    const founding = this.servers.length > 1 ? "first" : "alone";
    return serverConfig({
      ...common,
      membership: joins === undefined ? founding : { join: joins },
      tlsSan: [...(registrationAddress ? [registrationAddress] : []), ...this.servers.map(({ address }) => address)],
      disable,
    });
  }

  /**
   * Where a node joins. A worker joins at the registration address. A server joins at the server before it, so that servers join one after
   * another and need no virtual IP, which may itself run on them.
   */
  private joins(node: Member): string | undefined {
    if (node.role === "worker") return this.url;
    const before = this.servers[this.servers.indexOf(node) - 1];
    return before && apiUrl(before.address);
  }

  /** The end of the apply: host keys are forgotten, tokens handed over, every node becomes ready, the kubeconfig is written. */
  private finish(user: string): OperatorScript | undefined {
    const { wait = true, waitMinutes = WAIT_MINUTES, kubeconfig = KUBECONFIG, registrationAddress } = this.props;
    if (!wait && !this.tokens.handOver) return undefined;
    const nodes = Object.values(this.nodes);
    // A replacement keeps a VM's id. But the plan that replaces the VM does not know that, and so the script runs again.
    const machine = (node: K3sNode) => `\${${idOf(node.machine.resource)}}`;
    const triggers = { machines: nodes.map(machine).join(",") };
    const hostKeys = nodes.map((node) => {
      const { resource } = new OperatorScript(this, `host-key-${node.resourceName}`, {
        resourceName: `${node.resourceName}_host_key`,
        script: "forget-host-key.sh",
        environment: { ADDRESS: node.address },
        triggers: { machine: machine(node) },
      });
      moved(this, resource, node, "_host_key");
      return resource;
    });
    // The firewall comes first: switched on later, it would cut the scripts' SSH in the middle.
    const dependsOn = [...hostKeys, ...nodes.map(({ firewall }) => firewall.complete)];
    const timeoutSeconds = waitMinutes * 60;
    const handOver = this.tokens.handOver?.({ scope: this, members: this.members, user, timeoutSeconds, triggers, dependsOn });
    if (!wait) return undefined;
    // On the stack itself: below a construct its name would be hashed, and that of TF_VAR_kubeconfig with it.
    const file = new TerraformVariable(TerraformStack.of(this), "kubeconfig", {
      type: "string",
      default: kubeconfig,
      description: "File that the kubeconfig is written to, relative to this stack's folder.",
    });
    return new OperatorScript(this, "ready", {
      resourceName: "nodes_ready",
      script: "wait-for-nodes.sh",
      environment: {
        SSH_USER: user,
        TIMEOUT_SECONDS: String(timeoutSeconds),
        NODES: pairs(this.members),
        SERVER_ADDRESS: this.first.address,
        KUBERNETES_API_ADDRESS: registrationAddress ?? this.first.address,
        KUBECONFIG_PATH: file.stringValue,
      },
      triggers,
      dependsOn: [...(handOver ? [handOver] : []), ...dependsOn],
    });
  }
}
