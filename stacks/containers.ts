import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { TerraformOutput } from "cdktf";
import type { Construct } from "constructs";
import { nvidiaDevices } from "../constructs/ollama/gpu-devices";
import { OllamaContainer } from "../constructs/ollama/ollama-container";
import { PlaybookRun } from "../constructs/ollama/playbook-run";
import { OLLAMA_PORT } from "../constructs/ollama/port";
import { Connection } from "../constructs/proxmox/connection";
import type { ContainerDevice } from "../constructs/proxmox/container";
import { OwnershipGuard } from "../constructs/proxmox/ownership-guard";
import { verbatim } from "../constructs/terraform-text";
import { parseCidr, parseHostAddress } from "../grammar/address";
import type { ContainerSpec, Lab, ProxmoxLab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { templateFileName } from "../lab/rules/containers";
import { Downloads } from "./downloads";
import { formatInventory, inventory, staticAddress } from "./inventory";
import { LabStack } from "./lab-stack";
import { connectionProps, datastoreOf, guestTags } from "./proxmox";

/** Defaults of a device that the lab names by its path alone. */
const DEVICE_DEFAULTS = { gid: 44, mode: "0660" } as const;

/** Stack `containers`: templates, Ollama containers, their firewall, and the inventory for Ansible. */
export class ContainersStack extends LabStack<ProxmoxLab> {
  readonly containers: Readonly<Record<string, OllamaContainer>>;
  private readonly downloads: Downloads;

  constructor(scope: Construct, lab: ProxmoxLab, warnings: readonly Problem[]) {
    super(scope, "containers", lab, warnings);
    new Connection(this, "proxmox", connectionProps(lab));
    const guard = lab.ownershipGuard ? new OwnershipGuard(this, "guard") : undefined;
    this.downloads = new Downloads(this, lab, guard ? [guard.checked] : []);
    const specs = Object.entries(lab.containers ?? {});
    this.containers = Object.fromEntries(specs.map(([key, spec]) => [key, this.container(key, spec, guard)]));
    if (lab.configure) this.configure();
    this.outputs();
  }

  private container(key: string, spec: ContainerSpec, guard: OwnershipGuard | undefined): OllamaContainer {
    const { lab } = this;
    const { network } = lab;
    const node = spec.node as string; // The rule knownNodes refuses a container without one.
    const disks = spec.disks ?? datastoreOf(lab, node, "disks");
    const { volumeId, dependsOn } = this.template(spec, node);
    // The prefix keeps a container named `guard` from being taken for the guard.
    return new OllamaContainer(this, `container-${key}`, {
      resourceName: key,
      node,
      vmId: spec.vmId,
      name: spec.name,
      description: spec.description ?? `Ollama, of the lab ${lab.name}. Managed by Terraform.`,
      tags: [...guestTags(lab, "ollama"), ...spec.tags],
      template: volumeId,
      dependsOn,
      cores: spec.cores,
      memoryGiB: spec.memoryGiB,
      swapMiB: spec.swapMiB,
      disks,
      diskGiB: spec.diskGiB,
      volumes: spec.modelVolume ? [{ ...spec.modelVolume, datastore: spec.modelVolume.datastore ?? disks }] : [],
      network: {
        bridge: spec.bridge ?? network.bridge,
        vlan: spec.vlan ?? network.vlan,
        ...this.address(spec),
        mac: spec.mac,
        dns: spec.dns ?? network.dns,
        searchDomain: network.searchDomain,
      },
      sshPublicKeys: lab.sshPublicKeys,
      features: spec.features,
      devices: devices(spec),
      startOnBoot: spec.startOnBoot,
      protect: spec.protect,
      pool: spec.pool,
      guard,
      adopt: spec.adopt,
      formerName: spec.formerKey,
      clients: network.clients,
      management: network.management,
    });
  }

  /** A bare address takes its prefix from the lab's network, and its gateway unless it has one of its own. */
  private address(spec: ContainerSpec): { address: string; gateway?: string } {
    const address = parseHostAddress(spec.address);
    if (!address) return { address: "dhcp" };
    const { network } = this.lab;
    const prefix = address.prefix ?? parseCidr(network.cidr).prefix;
    return { address: `${address.ip}/${prefix}`, gateway: spec.gateway ?? network.gateway };
  }

  /** The volume id of the template a container is made from, and the download it has to wait for. */
  private template(spec: ContainerSpec, node: string) {
    if (typeof spec.template === "string") return { volumeId: spec.template, dependsOn: undefined };
    const { url, sha256, sha512 } = spec.template;
    const algorithm = sha512 ? "sha512" : "sha256";
    const value = sha512 ?? sha256;
    const checksum = value ? ({ algorithm, value } as const) : undefined;
    const file = this.downloads.file(node, { content: "vztmpl", url, fileName: templateFileName(spec.template), checksum });
    return { volumeId: file.volumeId, dependsOn: [file.resource] };
  }

  /** Ansible, as soon as every container is there and lets SSH in. */
  private configure(): void {
    new NullProvider(this, "null");
    new PlaybookRun(this, "configure", {
      resourceName: "configure",
      inventory: formatInventory(inventory(this.lab, (_, spec) => staticAddress(spec))),
      guests: Object.keys(this.containers).map((key) => `\${proxmox_virtual_environment_container.${key}.id}`),
      dependsOn: Object.values(this.containers).map(({ firewall }) => firewall.complete),
    });
  }

  private outputs(): void {
    const addresses = Object.fromEntries(Object.entries(this.containers).map(([key, { container }]) => [key, container.address]));
    new TerraformOutput(this, "addresses", {
      value: addresses,
      description: "Address of each container; null while it has no lease.",
    });
    new TerraformOutput(this, "api_urls", {
      value: Object.fromEntries(Object.entries(addresses).map(([key, address]) => [key, apiUrl(address)])),
      description: "URL of the Ollama API in each container.",
    });
    new TerraformOutput(this, "inventory", {
      value: inventoryTemplate(this.lab, addresses),
      description: "Ansible inventory of the containers, as YAML.",
    });
  }
}

/** The expression that a string consists of, if it is one. */
function expressionIn(text: string): string | undefined {
  return /^\$\{(.*)\}$/.exec(text)?.[1];
}

/** An address that is an expression may turn out null, and then there is no URL either. */
function apiUrl(address: string): string {
  const expression = expressionIn(address);
  return expression ? `\${try("http://\${${expression}}:${OLLAMA_PORT}", null)}` : `http://${address}:${OLLAMA_PORT}`;
}

/** The inventory as a Terraform template: everything as it stands in the lab, but for leased addresses, which Terraform fills in. */
function inventoryTemplate(lab: Lab, addresses: Readonly<Record<string, string>>): string {
  const placeholder = (key: string) => `leased-address-of-${key}`;
  const text = verbatim(formatInventory(inventory(lab, (key, spec) => staticAddress(spec) ?? placeholder(key))));
  return Object.entries(addresses).reduce((result, [key, address]) => {
    const expression = expressionIn(address);
    return expression
      ? result.replace(`ansible_host: ${placeholder(key)}\n`, () => `ansible_host: \${jsonencode(${expression})}\n`)
      : result;
  }, text);
}

/** Everything of the node that a container gets: what its GPU needs, and what the lab lists. */
function devices({ gpu, devices: listed }: ContainerSpec): ContainerDevice[] {
  const ofGpu = gpu?.type === "nvidia" ? nvidiaDevices(gpu) : gpu ? [{ path: gpu.path, gid: gpu.gid, mode: gpu.mode }] : [];
  const others = listed.map((device) => (typeof device === "string" ? { path: device, ...DEVICE_DEFAULTS } : device));
  return [...ofGpu, ...others];
}
