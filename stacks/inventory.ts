import { parse, stringify } from "yaml";
import { CADDY_OLDEST, CADDY_SHA512, CADDY_VERSION, DOOR_USER } from "../catalog/caddy";
import { OLLAMA_PORT } from "../catalog/ollama";
import type { Container, ProxmoxLab } from "../lab/lab";

/** The variables of one host in the Ansible inventory; the roles document them. */
export interface InventoryHost {
  /** `null` for a leased address that is not known yet. */
  readonly ansible_host: string | null;
  readonly [variable: string]: unknown;
}

/** An Ansible inventory: one group with its hosts. */
export interface Inventory {
  readonly ollama_containers: {
    readonly hosts: Readonly<Record<string, InventoryHost>>;
    readonly vars: Readonly<Record<string, unknown>>;
  };
}

/** The variables of a container's HTTPS door. Paths are as the lab has them: relative to its folder. */
function door({ https, network: { address } }: Container, mirror: string | undefined): Record<string, unknown> {
  if (!https) return {};
  const { certificate } = https;
  return {
    ollama_https_port: https.port,
    ollama_https_names: [...(https.host ? [https.host] : []), ...(address.kind === "static" ? [address.ip] : [])],
    ollama_https_user: DOOR_USER,
    ollama_https_token_file: https.tokenFile,
    ollama_https_certificate: certificate.type,
    ...(certificate.type === "acme" && {
      ollama_https_email: certificate.email,
      ollama_https_acme_server: certificate.server,
      ...(certificate.root && { ollama_https_acme_root_file: certificate.root }),
    }),
    ...(certificate.type === "files" && {
      ollama_https_certificate_file: certificate.certificate,
      ollama_https_key_file: certificate.key,
    }),
    ollama_https_caddy_oldest: CADDY_OLDEST,
    ollama_https_caddy_version: CADDY_VERSION,
    ollama_https_caddy_sha512: CADDY_SHA512,
    ...(mirror && { ollama_https_caddy_url: mirror }),
  };
}

function host(container: Container, address: string | null, { ollama: mirror, caddy }: ProxmoxLab["mirrors"]): InventoryHost {
  const { ollama, gpu, modelVolume, models } = container;
  return {
    ansible_host: address,
    ollama_version: ollama.version,
    ...((ollama.url ?? mirror) && { ollama_archive_url: ollama.url ?? mirror }),
    ...(ollama.sha256 && { ollama_archive_sha256: ollama.sha256 }),
    ollama_models: models,
    ollama_remove_unlisted_models: ollama.removeUnlistedModels,
    ollama_environment: ollama.environment,
    ...(modelVolume && { ollama_models_dir: modelVolume.path }),
    ollama_gpu: gpu?.type ?? "none",
    ...(gpu?.type === "nvidia" && { ollama_gpu_driver_version: gpu.driverVersion }),
    ...(gpu?.type === "amd" && gpu.url && { ollama_rocm_url: gpu.url }),
    ...(gpu?.type === "amd" && gpu.sha256 && { ollama_rocm_sha256: gpu.sha256 }),
    ...(gpu && { ollama_render_gid: gpu.gid }),
    ...door(container, caddy),
  };
}

/**
 * The inventory of a lab's containers.
 * @param addressOf the address of a container: from the lab where it is static, from the state where it is leased
 * @param folder the folder of the lab, from that of the inventory. @default the same
 */
export function inventory(
  lab: ProxmoxLab,
  addressOf: (key: string, container: Container) => string | null,
  folder = "",
): Inventory {
  const containers = Object.entries(lab.containers);
  return {
    ollama_containers: {
      hosts: Object.fromEntries(
        containers.map(([key, container]) => [container.name, host(container, addressOf(key, container), lab.mirrors)]),
      ),
      vars: {
        ansible_user: "root",
        ollama_port: OLLAMA_PORT,
        ssh_authorized_keys: lab.sshPublicKeys.map((key) => key.trim()),
        // Only the files of doors are looked up there.
        ...(containers.some(([, { https }]) => https) && { lab_folder: filesFolder(folder) }),
      },
    },
  };
}

/** Where Ansible finds the files that a lab names. @param folder the folder of the lab, from that of the inventory */
function filesFolder(folder: string): string {
  return folder === "" ? "{{ inventory_dir }}" : `{{ inventory_dir }}/${folder}`;
}

/** An inventory's text for another folder than the lab's. @param folder the folder of the lab, from that of the inventory */
export function movedInventory(text: string, folder: string): string {
  // as: `formatInventory` wrote the text.
  const { hosts, vars } = (parse(text) as Inventory).ollama_containers;
  if (!Object.hasOwn(vars, "lab_folder")) return text;
  return formatInventory({ ollama_containers: { hosts, vars: { ...vars, lab_folder: filesFolder(folder) } } });
}

/** A stack of a lab's containers. */
export interface StackOfContainers {
  readonly id: string;
  /** The node that all of them are on. @default any */
  readonly node?: string;
  readonly containers: ProxmoxLab["containers"];
}

/** The stacks of a lab's containers: one, or with `state.split: node` one for each Proxmox node, in the order of the nodes' names. */
export function stacksOfContainers({ containers, state }: Pick<ProxmoxLab, "containers" | "state">): StackOfContainers[] {
  const specs = Object.entries(containers);
  if (specs.length === 0) return [];
  if (state.split !== "node") return [{ id: "containers", containers }];
  const byNode = new Map<string, [string, Container][]>();
  for (const spec of specs) {
    const others = byNode.get(spec[1].node);
    if (others) others.push(spec);
    else byNode.set(spec[1].node, [spec]);
  }
  return [...byNode.keys()]
    .sort()
    .map((node) => ({ id: `containers-${node}`, node, containers: Object.fromEntries(byNode.get(node) ?? []) }));
}

/** The static address of a container; `null` for a leased one. */
export function staticAddress({ network: { address } }: Container): string | null {
  return address.kind === "static" ? address.ip : null;
}

/** A name that YAML takes as text without quotes. */
const PLAIN_NAME = /^(?!(?:true|false|null)$)[a-z][a-z0-9-]*$/;

const inYaml = (value: unknown) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

/**
 * The inventory as YAML, one line for each value: what the output and the inventory file hold. Hosts that differ in their addresses alone are
 * formatted once: YAML takes longer than everything else that a stack does for a container.
 */
export function formatInventory(value: Inventory): string {
  const { hosts, vars } = value.ollama_containers;
  const entries = Object.entries(hosts);
  if (entries.length === 0 || !entries.every(([name]) => PLAIN_NAME.test(name))) return inYaml(value);
  const bodies = new Map<string, string>();
  const lines = entries.map(([name, { ansible_host, ...variables }]) => {
    const key = JSON.stringify(variables);
    const body = bodies.get(key) ?? inYaml({ ansible_host: 0, ...variables }).replace(/^(?=.)/gm, "      ");
    bodies.set(key, body);
    const address = ansible_host === null ? "null" : inYaml(ansible_host).trimEnd();
    return `    ${name}:\n${body.replace("ansible_host: 0", () => `ansible_host: ${address}`)}`;
  });
  return `ollama_containers:\n  hosts:\n${lines.join("")}${inYaml({ vars }).replace(/^(?=.)/gm, "  ")}`;
}
