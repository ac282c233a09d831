import { TerraformOutput, type TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { OLLAMA_PORT } from "../catalog/ollama";
import { amdDevices, nvidiaDevices } from "../constructs/ollama/gpu-devices";
import { OllamaContainer } from "../constructs/ollama/ollama-container";
import { PlaybookRun } from "../constructs/ollama/playbook-run";
import { Connection } from "../constructs/proxmox/connection";
import type { ContainerDevice } from "../constructs/proxmox/container";
import { OwnershipGuard } from "../constructs/proxmox/ownership-guard";
import { verbatim } from "../constructs/terraform-text";
import { type Container, type ContainerAddress, ollamaUrl, type ProxmoxLab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { Downloads } from "./downloads";
import { formatInventory, inventory, stacksOfContainers, staticAddress } from "./inventory";
import { fileFrom } from "./kubernetes";
import { LabStack } from "./lab-stack";
import { connectionProps, guestTags } from "./proxmox";

/** The stacks of a lab's containers. */
export function containersStacks(scope: Construct, lab: ProxmoxLab, warnings: readonly Problem[]): ContainersStack[] {
  const shared = new Map<string, TerraformStack>();
  return stacksOfContainers(lab).map(
    // Each warning is one annotation, so only the first stack has them.
    ({ id, node, containers }, i) =>
      new ContainersStack(scope, id, { ...lab, containers }, i === 0 ? warnings : [], shared, node),
  );
}

/**
 * Stack `containers`: templates, Ollama containers, their firewall, and the inventory for Ansible. With `state.split: node` a stack
 * `containers-NODE` has those of one node.
 */
export class ContainersStack extends LabStack<ProxmoxLab> {
  /** The containers by the keys of the lab. */
  readonly containers: Readonly<Record<string, OllamaContainer>>;
  private readonly downloads: Downloads;

  /**
   * @param lab the lab with the containers of this stack alone
   * @param shared the files on shared datastores, and the stacks that download them
   * @param node the node that all of them are on. Default: any
   */
  constructor(
    scope: Construct,
    id: string,
    lab: ProxmoxLab,
    warnings: readonly Problem[],
    shared: Map<string, TerraformStack>,
    node?: string,
  ) {
    super(scope, id, lab, warnings);
    new Connection(this, "proxmox", connectionProps(lab));
    const guard = lab.ownershipGuard ? new OwnershipGuard(this, "guard", { node }) : undefined;
    this.downloads = new Downloads(this, guard, shared);
    const specs = Object.entries(lab.containers);
    this.containers = Object.fromEntries(specs.map(([key, spec]) => [key, this.container(key, spec, guard)]));
    if (lab.configure) this.configure();
    this.outputs();
  }

  private container(key: string, spec: Container, guard: OwnershipGuard | undefined): OllamaContainer {
    const { lab } = this;
    const { address, ...network } = spec.network;
    const { volumeId, dependsOn } = this.template(spec);
    // The prefix is for a container that is named `guard`: the ownership guard has that name already.
    return new OllamaContainer(this, `container-${key}`, {
      resourceName: key,
      node: spec.node,
      vmId: spec.vmId,
      name: spec.name,
      description: spec.description ?? `Ollama, of the lab ${lab.name}. Managed by Terraform.`,
      tags: [...guestTags(lab, "ollama"), ...spec.tags],
      template: volumeId,
      dependsOn,
      cores: spec.cores,
      memoryGiB: spec.memoryGiB,
      swapMiB: spec.swapMiB,
      disks: spec.disks,
      diskGiB: spec.diskGiB,
      volumes: spec.modelVolume ? [spec.modelVolume] : [],
      network: { ...network, ...addressProps(address) },
      sshPublicKeys: lab.sshPublicKeys,
      features: spec.features,
      devices: devices(spec),
      startOnBoot: spec.startOnBoot,
      protect: spec.protect,
      pool: spec.pool,
      guard,
      adopt: spec.adopt,
      formerName: spec.formerKey,
      clients: lab.network.clients,
      apiPort: spec.https?.port,
      management: lab.network.management,
    });
  }

  /** The volume id of the template that a container is made from, and the download that must come before it. */
  private template({ template, node, files }: Container) {
    if ("volume" in template) return { volumeId: template.volume, dependsOn: undefined };
    const file = this.downloads.file({ node, files }, "vztmpl", template.download);
    return { volumeId: file.volumeId, dependsOn: file.resource && [file.resource] };
  }

  /** Runs Ansible when every container exists and its firewall lets SSH in. */
  private configure(): void {
    new PlaybookRun(this, "configure", {
      resourceName: "configure",
      inventory: formatInventory(inventory(this.lab, (_, spec) => staticAddress(spec))),
      filesFolder: Object.values(this.lab.containers).some(({ https }) => https) ? fileFrom(this, this.lab, ".") : undefined,
      guests: Object.entries(this.lab.containers).flatMap(([key, spec]) => {
        const address = staticAddress(spec);
        // The rule configurable refuses a leased address.
        return address === null ? [] : [{ name: key, id: `\${proxmox_virtual_environment_container.${key}.id}`, address }];
      }),
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
      value: Object.fromEntries(
        Object.entries(this.lab.containers).map(([key, spec]) => {
          return [key, ollamaUrl(spec) ?? leasedUrl(addresses[key] ?? "")];
        }),
      ),
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

/** The URL of a leased address, which is an expression. While the address is null, the URL is null too. */
function leasedUrl(address: string): string {
  return `\${try("http://\${${expressionIn(address)}}:${OLLAMA_PORT}", null)}`;
}

/** The inventory as a Terraform template. Terraform fills in the leased addresses; everything else is text from the lab. */
function inventoryTemplate(lab: ProxmoxLab, addresses: Readonly<Record<string, string>>): string {
  const placeholder = (key: string) => `leased-address-of-${key}`;
  const text = verbatim(formatInventory(inventory(lab, (key, spec) => staticAddress(spec) ?? placeholder(key))));
  return text.replace(/(?<=ansible_host: )leased-address-of-(.*)(?=\n)/g, (line, key: string) => {
    const expression = expressionIn(addresses[key] ?? "");
    return expression === undefined ? line : `\${jsonencode(${expression})}`;
  });
}

/** An address as the construct takes it. */
function addressProps(address: ContainerAddress): { address: string; gateway?: string } {
  return address.kind === "dhcp" ? { address: "dhcp" } : { address: `${address.ip}/${address.prefix}`, gateway: address.gateway };
}

/** The devices of the node that belong to a GPU. */
function gpuDevices(gpu: NonNullable<Container["gpu"]>): ContainerDevice[] {
  switch (gpu.type) {
    case "nvidia":
      return nvidiaDevices(gpu);
    case "amd":
      return amdDevices(gpu);
    case "intel":
      return [{ path: gpu.path, gid: gpu.gid, mode: gpu.mode }];
  }
}

/** The devices of the node that a container gets: those of its GPU, and those that the lab lists. */
function devices({ gpu, devices: listed }: Container): ContainerDevice[] {
  return [...(gpu ? gpuDevices(gpu) : []), ...listed];
}
