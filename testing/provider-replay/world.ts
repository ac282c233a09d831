// The world of the replayed providers: which guests run on Proxmox, and what data sources answer.
import { existsSync, readFileSync } from "node:fs";
import { at, dynamic, isObject, type ObjectValue, type Value } from "./values";

/** A guest on a Proxmox node. Terraform or somebody else made it. */
export interface Guest {
  vmId: number;
  name: string;
  node: string;
  /** Default: "container". */
  kind?: "container" | "vm";
  /** Default: "running". */
  status?: string;
  /** Default: none. */
  tags?: string[];
  /** Default: false. */
  template?: boolean;
}

/** What a test prepares before Terraform runs. */
export interface Fixtures {
  /** Guests that exist already, such as somebody else's with a VMID of the lab. Default: none. */
  guests?: Guest[];
  /**
   * Attributes that a data source of this type answers, such as `{ proxmox_version: { release: "9.1" } }`. Only attributes that the
   * configuration does not set. Default: all attributes are invented.
   */
  data?: Record<string, ObjectValue>;
  /**
   * Path of a file with the types of resources and data sources that Terraform may use, one on a line. It may change between runs. A run is
   * the faster, the fewer they are. Default, and while there is no such file: all types.
   */
  typesFile?: string;
}

const GUEST_KINDS: Record<string, "container" | "vm"> = {
  proxmox_virtual_environment_container: "container",
  proxmox_virtual_environment_vm: "vm",
};

function guestOf(kind: "container" | "vm", resource: ObjectValue): Guest {
  const vmId = Number(resource["vm_id"]);
  const name = kind === "vm" ? resource["name"] : at(resource, ["initialization", 0, "hostname"]);
  const tags = resource["tags"];
  return {
    vmId,
    kind,
    // Proxmox gives this name to a guest without a name.
    name: typeof name === "string" ? name : kind === "vm" ? `VM ${vmId}` : `CT${vmId}`,
    node: String(resource["node_name"]),
    status: resource["started"] === false ? "stopped" : "running",
    tags: Array.isArray(tags) ? tags.map(String) : [],
    template: resource["template"] === true,
  };
}

const CLAIM = "kubernetes_persistent_volume_claim_v1";
const NAMESPACE = "kubernetes_namespace_v1";

/** Namespace and name of a claim, of the resource's or the data source's configuration. */
function claimId(value: Value): string {
  return `${at(value, ["metadata", 0, "namespace"])}/${at(value, ["metadata", 0, "name"])}`;
}

function matches(guest: ObjectValue, filter: ObjectValue): boolean {
  const value = String(guest[String(filter["name"])]);
  const wanted = Array.isArray(filter["values"]) ? filter["values"].map(String) : [];
  return wanted.some((one) => (filter["regex"] === true ? new RegExp(one).test(value) : one === value));
}

/** What the replay knows of one Proxmox and one Kubernetes cluster. Every workspace of a test has its own. */
export class World {
  private readonly guestsById = new Map<number, Guest>();
  /** The claims in the cluster, by namespace and name. */
  private readonly claims = new Map<string, ObjectValue>();
  /** The namespaces in the cluster, by name. */
  private readonly namespaces = new Map<string, ObjectValue>();
  private readonly data: Record<string, ObjectValue>;
  private readonly typesFile: string | undefined;

  constructor(fixtures: Fixtures) {
    this.data = fixtures.data ?? {};
    this.typesFile = fixtures.typesFile;
    for (const guest of fixtures.guests ?? []) {
      this.add(guest);
    }
  }

  /** The types whose schema Terraform gets now. Undefined means all. */
  types(): ReadonlySet<string> | undefined {
    if (this.typesFile === undefined || !existsSync(this.typesFile)) return undefined;
    return new Set(readFileSync(this.typesFile, "utf8").split("\n"));
  }

  guests(): Guest[] {
    return [...this.guestsById.values()].sort((a, b) => a.vmId - b.vmId);
  }

  /** Adds a guest, or replaces the guest with its VMID. */
  add(guest: Guest): void {
    this.guestsById.set(guest.vmId, guest);
  }

  /** What the API says to the creation of a claim or a namespace whose name is taken; undefined where it is not. */
  refusal(typeName: string, planned: ObjectValue): string | undefined {
    const name = at(planned, ["metadata", 0, "name"]);
    if (typeName === CLAIM && this.claims.has(claimId(planned))) return `persistentvolumeclaims "${name}" already exists`;
    if (typeName === NAMESPACE && this.namespaces.has(claimId(planned))) return `namespaces "${name}" already exists`;
    return undefined;
  }

  /**
   * Remembers an applied guest, claim or namespace, and forgets a destroyed one. It does not remember other resources. Like the real provider it silently
   * takes over another guest with the same VMID, which an ownership guard must prevent.
   */
  applied(typeName: string, prior: Value, next: Value): void {
    const objects = typeName === CLAIM ? this.claims : typeName === NAMESPACE ? this.namespaces : undefined;
    if (isObject(prior)) objects?.delete(claimId(prior));
    if (isObject(next)) objects?.set(claimId(next), next);
    const kind = GUEST_KINDS[typeName];
    if (kind === undefined) {
      return;
    }
    if (isObject(prior)) {
      this.guestsById.delete(guestOf(kind, prior).vmId);
    }
    if (isObject(next)) {
      this.add(guestOf(kind, next));
    }
  }

  /** The attributes that a data source of this type answers from the world. Empty if the world knows nothing. */
  answer(typeName: string, config: ObjectValue): ObjectValue {
    const answer = this.data[typeName] ?? {};
    switch (typeName) {
      case "proxmox_virtual_environment_vms":
        return { vms: this.listed("vm", config), ...answer };
      case "proxmox_virtual_environment_containers":
        return { containers: this.listed("container", config), ...answer };
      case CLAIM:
        // Like the real data source, it answers no spec and no error for a claim that does not exist.
        return { ...this.specOf(claimId(config)), ...answer };
      case "kubernetes_resources":
        return { objects: dynamic(this.objectsOf(config)), ...answer };
      default:
        return answer;
    }
  }

  /** What the API tells of the claims of a namespace, or of the namespaces, with one label. The replay knows no other object of the cluster. */
  private objectsOf(config: ObjectValue): Value {
    const objects = config["kind"] === "PersistentVolumeClaim" ? this.claims : this.namespaces;
    const [key = "", value = ""] = String(config["label_selector"]).split("=");
    return [...objects.values()].flatMap((object) => {
      const name = at(object, ["metadata", 0, "name"]) ?? "";
      const namespace = at(object, ["metadata", 0, "namespace"]) ?? null;
      return at(object, ["metadata", 0, "labels", key]) === value && namespace === config["namespace"]
        ? [{ metadata: { name } }]
        : [];
    });
  }

  private specOf(claim: string): ObjectValue {
    const spec = at(this.claims.get(claim) ?? null, ["spec", 0]);
    if (!isObject(spec)) return {};
    const { access_modes, resources, storage_class_name, volume_mode, volume_name } = spec;
    return { spec: [{ access_modes, resources, storage_class_name, volume_mode, volume_name, selector: [] }] as Value };
  }

  private listed(kind: "container" | "vm", config: ObjectValue): Value {
    const wantedTags = Array.isArray(config["tags"]) ? config["tags"] : [];
    const filters = Array.isArray(config["filter"]) ? config["filter"].filter(isObject) : [];
    return this.guests()
      .filter((guest) => (guest.kind ?? "container") === kind)
      .map((guest) => ({
        name: guest.name,
        node_name: guest.node,
        status: guest.status ?? "running",
        tags: guest.tags ?? [],
        template: guest.template ?? false,
        vm_id: guest.vmId,
      }))
      .filter((guest) => config["node_name"] === null || config["node_name"] === guest.node_name)
      .filter((guest) => wantedTags.every((tag) => guest.tags.includes(String(tag))))
      .filter((guest) => filters.every((filter) => matches(guest, filter)));
  }
}
