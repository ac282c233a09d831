// The text of an inventory, which is put together from parts.
import { stringify } from "yaml";
import { formatInventory, type Inventory, type InventoryHost } from "../../stacks/inventory";

const vars = { ansible_user: "root", ssh_authorized_keys: ["ssh-ed25519 AAAA one: two"] };
const host: InventoryHost = { ansible_host: "192.0.2.21", models: ["mistral:7b"], environment: {}, none: [] };

test.each<[string, Record<string, InventoryHost>]>([
  ["no host", {}],
  ["hosts that differ in their addresses", { a: host, b: { ...host, ansible_host: "192.0.2.22" } }],
  ["hosts that differ in more", { a: host, b: { ...host, models: [] }, c: { ...host, ansible_host: "192.0.2.23" } }],
  ["a leased address that is not known", { a: { ...host, ansible_host: null } }],
  ["a text of several lines", { a: { ...host, environment: { NOTE: "one\n\n  two\n" } } }],
  ["a text that looks like the address of another", { a: { ...host, environment: { NOTE: "ansible_host: 0" } } }],
  ["a name that YAML reads as a switch or a number", { true: host, "7": host, "1e3": host }],
])("with %s it is what YAML makes of the whole", (_, hosts) => {
  const inventory: Inventory = { ollama_containers: { hosts, vars } };
  expect(formatInventory(inventory)).toBe(stringify(inventory, { lineWidth: 0, aliasDuplicateObjects: false }));
});
