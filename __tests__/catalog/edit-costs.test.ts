import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ATTRIBUTE_COSTS, costOfChange } from "../../catalog/edit-costs";

const CONTAINER = "proxmox_virtual_environment_container";
const VM = "proxmox_virtual_environment_vm";
const CLAIM = "kubernetes_persistent_volume_claim_v1";

interface Block {
  readonly attributes?: Record<string, { readonly nested_type?: Block; readonly type?: unknown }>;
  readonly block_types?: Record<string, { readonly block: Block }>;
}

const folder = join(__dirname, "../../provider-schemas");
const schemas = Object.assign(
  // terraform_data is Terraform's own: no provider's schema has it.
  { terraform_data: { block: { attributes: { triggers_replace: {} } } } },
  ...readdirSync(folder).map((file) => {
    const { provider_schemas } = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
      provider_schemas: Record<string, { resource_schemas?: object }>;
    };
    return Object.assign({}, ...Object.values(provider_schemas).map((one) => one.resource_schemas ?? {}));
  }),
) as Record<string, { readonly block: Block }>;

/** What is below a map: any key. */
const MAP: Block = {};

/** What is below a block's attribute or block; undefined where there is neither. */
function below(block: Block | undefined, step: string): Block | undefined {
  if (block === MAP) return MAP;
  const attribute = block?.attributes?.[step];
  if (Array.isArray(attribute?.type) && attribute.type[0] === "map") return MAP;
  return attribute ? (attribute.nested_type ?? {}) : block?.block_types?.[step]?.block;
}

const lines = Object.entries(ATTRIBUTE_COSTS).flatMap(([type, costs]) => costs.map(({ path }) => [type, path] as const));

test("every attribute is one of its resource, in the providers' schemas", () => {
  const unknown = lines.filter(([type, path]) => {
    const steps = path.split(".").filter((step) => step !== "*" && step !== "#");
    return steps.reduce<Block | undefined>((block, step) => below(block, step), schemas[type]?.block) === undefined;
  });
  expect(unknown).toEqual([]);
});

test.each<[string, string, (string | number)[], unknown, unknown, string | undefined]>([
  ["more memory for a VM", VM, ["memory", 0, "dedicated"], 8192, 16384, "restarts"],
  ["a card less", VM, ["hostpci"], 1, 0, "restarts"],
  ["another tag", VM, ["tags"], [], ["a"], undefined],
  ["a larger disk", VM, ["disk", 0, "size"], 40, 80, undefined],
  ["a smaller disk", VM, ["disk", 0, "size"], 80, 40, "refused"],
  ["the first EFI disk", VM, ["efi_disk", 0, "type"], null, "4m", "restarts"],
  ["another EFI disk", VM, ["efi_disk", 0, "type"], "2m", "4m", "replaces"],
  ["another VMID", VM, ["vm_id"], 301, 302, "replaces"],
  ["a volume more", CONTAINER, ["mount_point"], 0, 1, "replaces"],
  ["another backup of a volume", CONTAINER, ["mount_point", 0, "backup"], true, false, "restarts"],
  ["more cores for a container", CONTAINER, ["cpu", 0, "cores"], 8, 12, undefined],
  ["another host name", CONTAINER, ["initialization", 0, "hostname"], "a", "b", "restarts"],
  ["a smaller claim", CLAIM, ["spec", 0, "resources", 0, "requests", "storage"], "50Gi", "40Gi", "replaces"],
  ["a larger claim", CLAIM, ["spec", 0, "resources", 0, "requests", "storage"], "50Gi", "60Gi", undefined],
  ["the name of any object of Kubernetes", "kubernetes_secret_v1", ["metadata", 0, "name"], "a", "b", "replaces"],
  ["any edit of a snippet", "proxmox_virtual_environment_file", ["source_raw", 0, "data"], "a", "b", "replaces"],
])("%s: what it costs", (_, type, attribute, prior, planned, effect) => {
  expect(costOfChange(type, attribute, prior, planned)?.effect).toBe(effect);
});

test("another node replaces a VM only where it is not migrated", () => {
  const cost = (migrate: boolean) => costOfChange(VM, ["node_name"], "pve1", "pve2", { migrate })?.effect;
  expect([cost(true), cost(false)]).toEqual(["in-place", "replaces"]);
});
