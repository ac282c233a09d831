import { type ITerraformDependable, TerraformOutput } from "cdktf";
import type { Construct } from "constructs";
import { handedOverTokens } from "../constructs/k3s/handed-over-tokens";
import { K3sCluster } from "../constructs/k3s/k3s-cluster";
import type { K3sServerProps, K3sWorkerProps } from "../constructs/k3s/k3s-cluster-props";
import type { K3sNode } from "../constructs/k3s/k3s-node";
import type { K3sRelease } from "../constructs/k3s/k3s-release";
import { variableTokens } from "../constructs/k3s/variable-tokens";
import { Connection } from "../constructs/proxmox/connection";
import { OwnershipGuard } from "../constructs/proxmox/ownership-guard";
import { PciMapping } from "../constructs/proxmox/pci-mapping";
import type { DiskSource, PassedDevice } from "../constructs/proxmox/virtual-machine";
import { terraformName } from "../constructs/terraform-text";
import { wholeCard } from "../grammar/pci";
import { type Card, type Cluster, type ClusterNode, mappingName, type ProxmoxLab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { Downloads } from "./downloads";
import { fileFrom } from "./kubernetes";
import { LabStack } from "./lab-stack";
import { aptMirror, bootstrapMirrors, registriesOf } from "./mirrors";
import { connectionProps } from "./proxmox";

/** Stack `cluster`: images, PCI mappings, snippets, the VMs of a K3s cluster, and the wait until every node is ready. */
export class ClusterStack extends LabStack<ProxmoxLab> {
  /** The cluster. */
  readonly k3s: K3sCluster;
  private readonly guard?: OwnershipGuard;
  private readonly downloads: Downloads;
  private readonly mappings = new Map<string, PciMapping>();

  constructor(
    scope: Construct,
    lab: ProxmoxLab,
    private readonly cluster: Cluster,
    warnings: readonly Problem[],
  ) {
    super(scope, "cluster", lab, warnings);
    new Connection(this, "proxmox", connectionProps(lab));
    const guard = lab.ownershipGuard ? new OwnershipGuard(this, "guard") : undefined;
    this.guard = guard;
    this.downloads = new Downloads(this, guard);
    const { management, clients } = lab.network;
    const [first, ...others] = cluster.servers;
    this.k3s = new K3sCluster(this, "k3s-cluster", {
      release: this.release(cluster.k3sVersion),
      servers: [this.server(first), ...others.map((server) => this.server(server))],
      workers: cluster.workers.map((worker) => this.worker(worker)),
      network: cluster.network,
      access: {
        management,
        clients,
        betweenNodes: cluster.openBetweenNodes.map(({ protocol, port }) => ({
          service: `${port}/${protocol} between nodes`,
          protocol,
          port: String(port),
        })),
      },
      tokens: cluster.joinToken === "ssh" ? handedOverTokens : variableTokens,
      registrationAddress: cluster.registrationAddress,
      disable: cluster.disable,
      source: this.disk(first).source,
      user: cluster.user,
      sshPublicKeys: lab.sshPublicKeys,
      tags: [lab.name, "terraform"],
      aptMirror: aptMirror(lab),
      registries: registriesOf(lab),
      nvidiaDriver: cluster.nvidiaDriver,
      gpuTaint: cluster.gpuTaint,
      pool: cluster.pool,
      guard,
      wait: cluster.waitForNodes,
      waitMinutes: cluster.waitMinutes,
      kubeconfig: fileFrom(this, lab, lab.kubernetes.kubeconfig),
      replaceWorkers: cluster.onBootstrapChange === "replaceWorkers",
    });
    this.outputs();
  }

  /** Its nodes by the keys of the lab. */
  get nodes(): Readonly<Record<string, K3sNode>> {
    return this.k3s.nodes;
  }

  private release(version: string): K3sRelease {
    const { k3sVersion, k3sSha256 } = this.cluster;
    return { version, sha256: version === k3sVersion ? k3sSha256 : undefined, parameters: bootstrapMirrors(this.lab) };
  }

  private server(spec: ClusterNode): K3sServerProps {
    const { lab } = this;
    const disk = this.disk(spec);
    return {
      resourceName: spec.key,
      node: spec.node,
      vmId: spec.vmId,
      address: spec.address,
      name: spec.name,
      description: `K3s ${spec.role}, of the lab ${lab.name}. Managed by Terraform.`,
      tags: spec.tags,
      cores: spec.cores,
      memoryGiB: spec.memoryGiB,
      diskGiB: spec.diskGiB,
      disks: spec.disks,
      source: disk.source,
      dependsOn: disk.dependsOn,
      files: spec.files.name,
      filesShared: spec.files.shared,
      startOnBoot: spec.startOnBoot,
      protect: spec.protect,
      labels: spec.labels,
      taints: spec.taints,
      release: this.release(spec.k3sVersion),
      adopt: spec.adopt,
      formerName: spec.formerKey,
    };
  }

  private worker(spec: ClusterNode): K3sWorkerProps {
    const props = this.server(spec);
    const cards = spec.cards.map((card) => this.card(spec.node, card));
    return {
      ...props,
      devices: cards.map(({ device }) => device),
      dependsOn: [...(props.dependsOn ?? []), ...cards.flatMap(({ dependsOn }) => dependsOn)],
    };
  }

  private disk(spec: ClusterNode): { source: DiskSource; dependsOn: ITerraformDependable[] } {
    const { source } = this.cluster;
    if (source.kind === "template") return { source: { cloneOf: source.vmId, node: source.node }, dependsOn: [] };
    if (source.kind === "volume") return { source: { importFrom: source.volume }, dependsOn: [] };
    const file = this.downloads.file(spec, "import", source.image);
    return { source: { importFrom: file.volumeId }, dependsOn: file.resource ? [file.resource] : [] };
  }

  /** How a graphics card gets into a VM: by a mapping that exists, by a mapping that is made here, or by its PCI path. */
  private card(node: string, card: Card): { device: PassedDevice; dependsOn: ITerraformDependable[] } {
    if (card.kind === "mapping") return { device: { mapping: card.mapping }, dependsOn: [] };
    if (card.kind === "raw") return { device: { path: card.allFunctions ? wholeCard(card.path) : card.path }, dependsOn: [] };
    const resourceName = terraformName(node, card.name);
    const name = mappingName(this.lab.name, node, card.name);
    const known = this.mappings.get(resourceName);
    const mapping =
      known ?? new PciMapping(this, `gpu-${resourceName}`, { ...card, resourceName, name, node, guard: this.guard });
    this.mappings.set(resourceName, mapping);
    return { device: { mapping: name }, dependsOn: [mapping.resource] };
  }

  private outputs(): void {
    const { k3s } = this;
    const rebuild = Object.entries(k3s.rebuildCommands);
    const output = (name: string, value: unknown, description: string, sensitive = false) =>
      new TerraformOutput(this, name, { value, description, sensitive });
    output("server_url", k3s.url, "URL of the Kubernetes API.");
    output(
      "node_addresses",
      Object.fromEntries(Object.entries(k3s.nodes).map(([key, { address }]) => [key, address])),
      "Address of each node.",
    );
    if (k3s.agentToken) output("join_token", `\${${k3s.agentToken}}`, "The token that workers join with.", true);
    output("kubeconfig_command", k3s.kubeconfigCommand, "Fetches the kubeconfig into this folder.");
    output(
      "replace_server_commands",
      Object.fromEntries(rebuild.map(([key, command], i) => [key, i === 0 ? rebuildFirst(command, rebuild[1]?.[0]) : command])),
      "Servers are never replaced by an edit. To rebuild them: one at a time, in this stack's folder, as docs/upgrades.md says.",
    );
    if (rebuild.length > 1) {
      // It must run before the apply that makes the other servers. They cannot join a server without etcd, so their bootstrap would fail.
      output(
        "growing_from_one_server",
        k3s.growCommand,
        `Only if ${rebuild[0]?.[0]} has been the cluster's only server until now, and before the apply that makes the others: moves its data ` +
          "into etcd, so that they can join.",
      );
    }
  }
}

/** How to rebuild the first server. A first server without data founds a new cluster, so another server must become the first one before. */
function rebuildFirst(command: string, next: string | undefined): string {
  return next
    ? `# Set cluster.firstServer: ${next} in the lab, synthesize and apply. Then: ${command}`
    : `# The only server: all of the cluster's data is lost. ${command}`;
}
