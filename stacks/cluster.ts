import { join, relative } from "node:path";
import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { type ITerraformDependable, TerraformOutput, TerraformVariable } from "cdktf";
import type { Construct } from "constructs";
import { JoinTokens } from "../constructs/k3s/join-tokens";
import { agentConfig, serverConfig } from "../constructs/k3s/k3s-config";
import { K3sNode } from "../constructs/k3s/k3s-node";
import { OperatorScript } from "../constructs/k3s/operator-script";
import { API_PORT } from "../constructs/k3s/paths";
import { Connection } from "../constructs/proxmox/connection";
import { moved } from "../constructs/proxmox/guest";
import type { OpenPort } from "../constructs/proxmox/guest-firewall";
import { OwnershipGuard } from "../constructs/proxmox/ownership-guard";
import { PciMapping } from "../constructs/proxmox/pci-mapping";
import type { DiskSource, PassedDevice } from "../constructs/proxmox/virtual-machine";
import { parseCidr } from "../grammar/address";
import { wholeCard } from "../grammar/pci";
import { type Cluster, type ClusterNode, serversOf } from "../lab/cluster";
import { imageFileName } from "../lab/image";
import { GPU_NODE } from "../lab/kubernetes";
import type { ProxmoxLab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { Downloads } from "./downloads";
import { LabStack } from "./lab-stack";
import { aptMirror, bootstrapMirrors, registriesOf } from "./mirrors";
import { connectionProps, datastoreOf, guestTags, terraformName } from "./proxmox";
import { stackFolder } from "./stack-folder";

/** The taint of a GPU worker, in the form in which K3s takes it. */
const GPU_TAINT = `${GPU_NODE.taint.key}=${GPU_NODE.taint.value}:${GPU_NODE.taint.effect}`;

/**
 * How long a node waits for its token and for the server it joins: as long as `waitMinutes` may be. VMs are made one after another, so the
 * server may come last. Not `waitMinutes` itself: an edit of that would be an edit of every node's data.
 */
const PATIENCE_SECONDS = 4 * 60 * 60;

/** Stack `cluster`: images, PCI mappings, snippets, the VMs of a K3s cluster, and the wait until every node is ready. */
export class ClusterStack extends LabStack<ProxmoxLab> {
  readonly nodes: Readonly<Record<string, K3sNode>>;
  private readonly downloads: Downloads;
  private readonly mappings = new Map<string, PciMapping>();
  private readonly tokens?: JoinTokens;
  private readonly guard?: OwnershipGuard;

  constructor(
    scope: Construct,
    lab: ProxmoxLab,
    private readonly cluster: Cluster,
    warnings: readonly Problem[],
  ) {
    super(scope, "cluster", lab, warnings);
    new Connection(this, "proxmox", connectionProps(lab));
    new NullProvider(this, "null");
    if (lab.ownershipGuard) this.guard = new OwnershipGuard(this, "guard");
    this.downloads = new Downloads(this, lab, this.guard ? [this.guard.checked] : []);
    if (cluster.joinToken === "variable") this.tokens = new JoinTokens(this, "tokens");
    this.nodes = Object.fromEntries(cluster.nodes.map((spec) => [spec.key, this.vm(spec)]));
    this.ready();
    this.outputs();
  }

  /** The first server; a checked lab has one. */
  private get first(): ClusterNode {
    return serversOf(this.cluster)[0] as ClusterNode;
  }

  /** Where nodes and clients reach the servers. */
  private get apiHost(): string {
    return this.cluster.registrationAddress ?? this.first.address;
  }

  private vm(spec: ClusterNode): K3sNode {
    const { lab, cluster } = this;
    const { network } = lab;
    const node = spec.node as string; // The rule clusterNodes refuses a VM without one.
    const disk = this.disk(node);
    const cards = spec.gpus.map((gpu) => this.card(node, gpu));
    const handedOver = cluster.joinToken === "ssh";
    const files = datastoreOf(lab, node, "files");
    // A prefix, since a key such as `k3s` or `ready` is also what other constructs are called here.
    return new K3sNode(this, `node-${spec.key}`, {
      role: spec.role,
      resourceName: spec.key,
      node,
      vmId: spec.vmId,
      name: spec.name,
      description: `K3s ${spec.role}, of the lab ${lab.name}. Managed by Terraform.`,
      tags: [...guestTags(lab, "k3s"), spec.role, ...(spec.gpus.length > 0 ? ["gpu"] : []), ...spec.tags],
      cores: spec.cores,
      memoryGiB: spec.memoryGiB,
      disks: spec.disks ?? datastoreOf(lab, node, "disks"),
      diskGiB: spec.diskGiB,
      source: disk.source,
      network: {
        bridge: cluster.bridge ?? network.bridge,
        vlan: cluster.vlan ?? network.vlan,
        address: `${spec.address}/${parseCidr(network.cidr).prefix}`,
        gateway: network.gateway as string, // The rule clusterAddresses refuses a network without one.
        dns: network.dns,
        searchDomain: network.searchDomain,
      },
      devices: cards.map(({ device }) => device),
      dependsOn: [...disk.dependsOn, ...cards.flatMap(({ dependsOn }) => dependsOn)],
      startOnBoot: spec.startOnBoot,
      protect: spec.protect,
      pool: cluster.pool,
      guard: this.guard,
      adopt: spec.adopt,
      formerName: spec.formerKey,
      files,
      filesShared: lab.storage.shared.includes(files),
      user: cluster.user,
      sshPublicKeys: lab.sshPublicKeys,
      release: {
        version: spec.k3sVersion,
        sha256: spec.k3sVersion === cluster.k3sVersion ? cluster.k3sSha256 : undefined,
        parameters: bootstrapMirrors(lab),
      },
      registries: registriesOf(lab),
      aptMirror: aptMirror(lab),
      config: this.config(spec),
      tokens: this.tokens,
      makesTokens: handedOver && spec.key === this.first.key,
      tokenWaitSeconds: handedOver && spec.key !== this.first.key ? PATIENCE_SECONDS : 0,
      joins: this.joins(spec),
      serverWaitSeconds: spec.key === this.first.key ? undefined : PATIENCE_SECONDS,
      gpu: spec.gpus.length > 0 ? { count: spec.gpus.length, driver: cluster.nvidiaDriver } : undefined,
      replaceOnChange: cluster.onBootstrapChange === "replaceWorkers" && spec.role === "worker",
      firewall: { open: this.open(spec) },
    });
  }

  private disk(node: string): { source: DiskSource; dependsOn: ITerraformDependable[] } {
    const { image, template } = this.cluster;
    if (!image) return { source: { cloneOf: template?.vmId ?? 0, node: template?.node }, dependsOn: [] };
    const checksum = image.sha256 ? ({ algorithm: "sha256", value: image.sha256 } as const) : undefined;
    const file = this.downloads.file(node, { content: "import", url: image.url, fileName: imageFileName(image), checksum });
    return { source: { importFrom: file.volumeId }, dependsOn: [file.resource] };
  }

  /** How a card of a node gets into a VM: by the mapping it has, by one that is made here, or raw. */
  private card(node: string, name: string): { device: PassedDevice; dependsOn: ITerraformDependable[] } {
    const card = this.lab.proxmox.nodes[node]?.gpus[name];
    if (card?.mapping) return { device: { mapping: card.mapping }, dependsOn: [] };
    const path = card?.path ?? "";
    if (card?.raw) return { device: { path: card.allFunctions ? wholeCard(path) : path }, dependsOn: [] };
    const resourceName = terraformName(node, name);
    let mapping = this.mappings.get(resourceName);
    if (!mapping) {
      mapping = new PciMapping(this, `gpu-${resourceName}`, {
        resourceName,
        name: `${this.lab.name}-${node}-${name}`,
        node,
        path,
        id: card?.id ?? "",
        subsystemId: card?.subsystemId ?? "",
        iommuGroup: card?.iommuGroup ?? 0,
        allFunctions: card?.allFunctions,
        guard: this.guard,
      });
      this.mappings.set(resourceName, mapping);
    }
    return { device: { mapping: `${this.lab.name}-${node}-${name}` }, dependsOn: [mapping.resource] };
  }

  private config(spec: ClusterNode): string {
    const { cluster } = this;
    const gpu = spec.gpus.length > 0;
    const common = {
      name: spec.name,
      address: spec.address,
      labels: { ...(gpu && GPU_NODE.labels), ...spec.labels },
      taints: [...(gpu && cluster.gpuTaint ? [GPU_TAINT] : []), ...spec.taints],
    };
    const joins = this.joins(spec);
    if (spec.role === "worker") return agentConfig({ ...common, server: joins ?? this.url(this.apiHost) });
    const servers = serversOf(cluster);
    const founding = servers.length > 1 ? "first" : "alone";
    return serverConfig({
      ...common,
      membership: joins === undefined ? founding : { join: joins },
      tlsSan: [...(cluster.registrationAddress ? [cluster.registrationAddress] : []), ...servers.map(({ address }) => address)],
      disable: cluster.disable,
    });
  }

  /**
   * Where a node joins: a worker at the registration address, a server at the server before it, so that they join one after another and need
   * no virtual IP, which may itself run on the servers.
   */
  private joins(spec: ClusterNode): string | undefined {
    if (spec.role === "worker") return this.url(this.apiHost);
    const servers = serversOf(this.cluster);
    const before = servers[servers.findIndex(({ key }) => key === spec.key) - 1];
    return before && this.url(before.address);
  }

  private url(host: string): string {
    return `https://${host}:${API_PORT}`;
  }

  private open(spec: ClusterNode): OpenPort[] {
    const { clients, management } = this.lab.network;
    const peers = this.cluster.nodes.filter(({ key }) => key !== spec.key).map(({ address }) => `${address}/32`);
    return [
      { service: "nodes of the cluster", sources: peers },
      { service: "SSH", protocol: "tcp", port: "22", sources: management },
      ...(spec.role === "server"
        ? [{ service: "Kubernetes API", protocol: "tcp", port: String(API_PORT), sources: management } as const]
        : []),
      { service: "HTTP", protocol: "tcp", port: "80", sources: clients },
      { service: "HTTPS", protocol: "tcp", port: "443", sources: clients },
    ];
  }

  /** The end of the stack: tokens handed over where they are, every node ready, the kubeconfig written. */
  private ready(): void {
    const { cluster, lab } = this;
    const [first, ...others] = cluster.nodes.filter(({ role }) => role === "server");
    const workers = cluster.nodes.filter(({ role }) => role === "worker");
    const pairs = (nodes: readonly ClusterNode[]) => nodes.map(({ name, address }) => `${name}=${address}`).join(" ");
    if (!first || (!cluster.waitForNodes && cluster.joinToken === "variable")) return;
    const common = { SSH_USER: cluster.user, TIMEOUT_SECONDS: String(cluster.waitMinutes * 60) };
    // A VM's id is the same before and after it is replaced, but unknown in the plan that replaces it, and that is what counts.
    const machine = ({ key }: ClusterNode) => `\${proxmox_virtual_environment_vm.${key}.id}`;
    const triggers = { machines: cluster.nodes.map(machine).join(",") };
    const hostKeys = cluster.nodes.map((node) => {
      const { resource } = new OperatorScript(this, `host-key-${node.key}`, {
        resourceName: `${node.key}_host_key`,
        script: "forget-host-key.sh",
        environment: { ADDRESS: node.address },
        triggers: { machine: machine(node) },
      });
      moved(this, resource, { formerName: node.formerKey }, "_host_key");
      return resource;
    });
    // With the firewall on, what is open is open; the scripts' ssh is not cut in the middle.
    const dependsOn = [...hostKeys, ...Object.values(this.nodes).map(({ firewall }) => firewall.complete)];
    const handOver =
      cluster.joinToken === "ssh" && cluster.nodes.length > 1
        ? new OperatorScript(this, "hand-over", {
            resourceName: "token_hand_over",
            script: "hand-over-token.sh",
            environment: { ...common, FIRST_SERVER: pairs([first]), SERVERS: pairs(others), WORKERS: pairs(workers) },
            triggers,
            dependsOn,
          })
        : undefined;
    if (!cluster.waitForNodes) return;
    const kubeconfig = new TerraformVariable(this, "kubeconfig", {
      type: "string",
      default: relative(stackFolder(this), join(lab.directory, lab.kubernetes.kubeconfig)),
      description: "File that the kubeconfig is written to, relative to this stack's folder.",
    });
    new OperatorScript(this, "ready", {
      resourceName: "nodes_ready",
      script: "wait-for-nodes.sh",
      environment: {
        ...common,
        NODES: pairs(cluster.nodes),
        SERVER_ADDRESS: first.address,
        KUBERNETES_API_ADDRESS: this.apiHost,
        KUBECONFIG_PATH: kubeconfig.stringValue,
      },
      triggers,
      dependsOn: [...(handOver ? [handOver.resource] : []), ...dependsOn],
    });
  }

  private outputs(): void {
    const { cluster, first } = this;
    const servers = serversOf(cluster);
    const output = (name: string, value: unknown, description: string, sensitive = false) =>
      new TerraformOutput(this, name, { value, description, sensitive });
    output("server_url", this.url(this.apiHost), "URL of the Kubernetes API.");
    output(
      "node_addresses",
      Object.fromEntries(cluster.nodes.map(({ key, address }) => [key, address])),
      "Address of each node.",
    );
    if (this.tokens) output("join_token", `\${${this.tokens.agent}}`, "The token that workers join with.", true);
    output(
      "kubeconfig_command",
      `(umask 077 && ssh ${cluster.user}@${first.address} sudo cat /etc/rancher/k3s/k3s.yaml | ` +
        `sed 's#https://127.0.0.1:${API_PORT}#${this.url(this.apiHost)}#' > kubeconfig)`,
      "Fetches the kubeconfig into this folder.",
    );
    output(
      "replace_server_commands",
      Object.fromEntries(servers.map(({ key }) => [key, this.replaceServer(key, servers)])),
      "Servers are never replaced by an edit. To rebuild them: one at a time, in this stack's folder, as docs/upgrades.md says.",
    );
    if (servers.length > 1) {
      // Before the apply that makes the others: they could not join, and their bootstrap would fail.
      output(
        "growing_from_one_server",
        `ssh ${cluster.user}@${first.address} "sudo mkdir -p /etc/rancher/k3s/config.yaml.d && ` +
          `echo 'cluster-init: true' | sudo tee /etc/rancher/k3s/config.yaml.d/etcd.yaml && sudo systemctl restart k3s"`,
        `Only if ${first.key} has been the cluster's only server until now, and before the apply that makes the others: moves its data ` +
          "into etcd, so that they can join.",
      );
    }
  }

  /** How to rebuild a server. The first founds a cluster when it starts without data, so it must not be the first then. */
  private replaceServer(key: string, servers: readonly ClusterNode[]): string {
    const command = `terraform apply -replace=proxmox_virtual_environment_vm.${key}`;
    if (key !== this.first.key) return command;
    const next = servers.find((server) => server.key !== key);
    return next
      ? `# Set cluster.firstServer: ${next.key} in the lab, synthesize and apply. Then: ${command}`
      : `# The only server: all of the cluster's data is lost. ${command}`;
  }
}
