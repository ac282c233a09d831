// The tables of what an edit costs, in docs/: each row against what Terraform plans for it. Many rows share a plan: each of them edits a guest or a
// release of its own.
import { parse } from "yaml";
import type { EditEffect } from "../../lab/edit-costs";
import type { LabInput } from "../../lab/schema";
import type { Inventory } from "../../stacks/inventory";
import {
  AIR_GAP_ROWS,
  CLUSTER_ROWS,
  CONTAINER_ROWS,
  KUBERNETES_ROWS,
  type LabProof,
  type OwnProof,
  type Row,
  SOFTWARE_ROWS,
  VM_ROWS,
} from "../../testing/edit-proofs";
import { describeWithTool } from "../../testing/external-tool";
import { airGappedLab, type Changes, clusterLab, gpuLab, labWith, ollamaLab } from "../../testing/lab";
import { changesRules, effectOnCluster, effectOnGuests, worst } from "../../testing/terraform/edit-effect";
import { editLab, openLab } from "../../testing/terraform/lab-workspace";
import { describeRun } from "../../testing/terraform/process";
import type { Plan, ShownPlan, StackRun } from "../../testing/terraform/stack-run";
import { OPERATOR_COMMANDS, SECRETS } from "./operator-commands";

/** A table under test. */
interface Table {
  readonly rows: readonly Row[];
  /** The stack that shows what an edit does. */
  readonly stack: string;
  /** The usual lab with further guests or releases, by their keys: how each differs from the usual one. */
  readonly labOf: (members: Readonly<Record<string, Changes>>) => LabInput;
  /** What a plan does to one member, or to the lab as a whole. */
  readonly effect: (plan: Seen, member?: string) => EditEffect;
  /** How many rows share a lab. @default all */
  readonly together?: number;
}

/** A plan, with what it needs to be understood. */
interface Seen {
  readonly changes: NonNullable<ShownPlan["resource_changes"]>;
  /** The hosts of the inventory before and after. */
  readonly hosts: readonly [before: unknown, after: unknown];
}

type OwnRow = Row & { readonly proof: OwnProof };
type LabRow = Row & { readonly proof: LabProof };
const isOwn = (row: Row): row is OwnRow => "own" in row.proof;
const isOfLab = (row: Row): row is LabRow => "lab" in row.proof;

const inventoryIn = (outputs: Record<string, { value?: unknown }> | undefined) =>
  // as: the project wrote the text.
  parse(String(outputs?.["inventory"]?.value ?? "")) as Inventory | null;

async function seen(stack: StackRun, plan: Plan, before: Record<string, { value?: unknown }>): Promise<Seen> {
  const { resource_changes: changes = [], planned_values } = await stack.show(plan);
  return { changes, hosts: [inventoryIn(before), inventoryIn(planned_values?.outputs)] };
}

async function deployed(lab: LabInput) {
  const workspace = await openLab(lab, { commands: OPERATOR_COMMANDS, variables: SECRETS });
  return async (name: string) => {
    const stack = workspace.stack(name);
    await stack.deploy();
    return stack;
  };
}

/** Which of these keys the errors of a plan name. */
function named(plan: Plan, keys: readonly string[]): readonly string[] {
  const errors = plan.diagnostics.filter(({ severity }) => severity === "error");
  const words = errors.map(({ summary, detail, address = "" }) => `${summary} ${detail} ${address}`).join(" ");
  return keys.filter((key) => new RegExp(`\\b${key}\\b`).test(words));
}

/** A row with the key of the guest or the release that it edits: a letter, its number, a letter. */
type Member = OwnRow & { readonly key: string };

/** What each row does that edits a guest or a release of its own. */
async function effectsOfOwn(table: Table): Promise<Map<string, EditEffect>> {
  const own = table.rows.filter(isOwn).map((row, index) => ({ ...row, key: `m${String(index).padStart(2, "0")}m` }));
  const { together = own.length } = table;
  const effects: [string, EditEffect][] = [];
  for (let first = 0; first < own.length; first += together) {
    effects.push(...(await effectsTogether(own.slice(first, first + together), table)));
  }
  return new Map(effects);
}

/** The same for rows whose guests or releases are in one lab. */
async function effectsTogether(own: readonly Member[], { stack: name, labOf, effect }: Table): Promise<Map<string, EditEffect>> {
  const before = Object.fromEntries(own.map(({ key, proof }) => [key, proof.before ?? {}]));
  const edited = (some: readonly Member[]) =>
    labOf(
      Object.fromEntries(
        Object.entries(before).flatMap(([key, usual]) => {
          const row = some.find((one) => one.key === key);
          if (!row) return [[key, usual]];
          return row.proof.own ? [[key, labWith(row.proof.own, usual as LabInput) as Changes]] : [];
        }),
      ),
    );
  const stack = await (await deployed(labOf(before)))(name);
  const effects = new Map<string, EditEffect>();

  const calm = own.filter((row) => row.effect !== "stops the plan");
  const outputs = await stack.outputs();
  editLab(stack.workspace, edited(calm));
  const plan = await stack.plan();
  if (!plan.succeeded) throw new Error(describeRun(plan));
  const all = await seen(stack, plan, outputs);
  for (const { row, key } of calm) effects.set(row, effect(all, key));

  // A plan that stops for one reason may not come to the next, so those that it named are left out of the next plan.
  for (let open = own.filter((row) => row.effect === "stops the plan"); open.length > 0; ) {
    editLab(stack.workspace, edited(open));
    const stopped = named(
      await stack.plan(),
      open.map(({ key }) => key),
    );
    for (const { row, key } of open) effects.set(row, stopped.includes(key) ? "stops the plan" : "nothing");
    if (stopped.length === 0) break;
    open = open.filter(({ key }) => !stopped.includes(key));
  }
  return effects;
}

/** What each row does that edits another part of the lab. Rows that begin with the same lab share its deploy. */
async function effectsOfLab({ rows, stack: usual, labOf, effect }: Table): Promise<Map<string, EditEffect>> {
  const beginnings = new Map<string, LabRow[]>();
  for (const row of rows.filter(isOfLab)) {
    const { before = {}, between = {}, stack = usual } = row.proof;
    const key = JSON.stringify([before, between, stack]);
    beginnings.set(key, [...(beginnings.get(key) ?? []), row]);
  }
  const effects = new Map<string, EditEffect>();
  for (const [first, ...others] of beginnings.values()) {
    if (!first) continue;
    const begins = labWith(first.proof.before ?? {}, labOf({}));
    const stack = await (await deployed(begins))(first.proof.stack ?? usual);
    if (first.proof.between) {
      editLab(stack.workspace, labWith(first.proof.between, begins));
      await stack.deploy();
    }
    const outputs = await stack.outputs();
    for (const { row, effect: said, proof } of [first, ...others]) {
      editLab(stack.workspace, labWith(proof.lab, labWith(proof.between ?? {}, begins)));
      const plan = await stack.plan();
      if (!plan.succeeded) effects.set(row, "stops the plan");
      else if (said === "fails in the apply" && !(await stack.apply(plan)).succeeded) effects.set(row, said);
      else effects.set(row, effect(await seen(stack, plan, outputs)));
    }
  }
  return effects;
}

function proves(title: string, table: Table): void {
  describeWithTool("terraform", title, () => {
    let effects: ReadonlyMap<string, EditEffect>;
    beforeAll(async () => {
      const [own, ofLab] = await Promise.all([effectsOfOwn(table), effectsOfLab(table)]);
      effects = new Map([...own, ...ofLab]);
    });
    test.each([...table.rows])("$row: $edit → $effect", ({ row, effect }) => {
      expect(effects.get(row)).toBe(effect);
    });
  });
}

const NODES = { pve2: { address: "192.0.2.12" } };
/** Guests with the VMID and the address of their numbers. */
const placed = (members: Readonly<Record<string, Changes>>) =>
  Object.fromEntries(
    Object.entries(members).map(([key, changes]) => {
      const number = Number.parseInt(key.slice(1), 10);
      return [key, { vmId: 1000 + number, address: `192.0.2.${100 + number}`, ...changes }];
    }),
  );

const ofContainers = (members: Readonly<Record<string, Changes>>) =>
  labWith({ proxmox: { auth: "rootPassword", nodes: NODES }, containers: placed(members) });

const effectOnContainers: Table["effect"] = ({ changes, hosts }, member) => {
  const host = (inventory: unknown) => {
    const all = (inventory as Inventory | null)?.ollama_containers;
    return JSON.stringify(member ? all?.hosts[`test-${member}`] : all);
  };
  const others: EditEffect[] = [
    ...(changesRules(changes, member) ? ["in place" as const] : []),
    ...(host(hosts[0]) === host(hosts[1]) ? [] : ["by Ansible" as const]),
  ];
  return worst([effectOnGuests(changes, member), ...others]);
};

proves("a container", { rows: CONTAINER_ROWS, stack: "containers", labOf: ofContainers, effect: effectOnContainers });
proves("the software in containers", {
  rows: SOFTWARE_ROWS,
  stack: "containers",
  labOf: ofContainers,
  effect: effectOnContainers,
});

const ofWorkers = (members: Readonly<Record<string, Changes>>) => {
  // A card belongs to one VM.
  const given = Object.values(members).some(({ gpus }) => Array.isArray(gpus) && gpus.length > 0);
  const usual = given ? { workers: { "gpu-1": { gpus: [] } } } : {};
  return labWith({ proxmox: { nodes: NODES }, cluster: usual }, labWith({ cluster: { workers: placed(members) } }, clusterLab));
};
// The rules of all nodes change with the number of nodes, which is another row.
const effectOnVms: Table["effect"] = ({ changes }, member) => effectOnGuests(changes, member);
proves("a VM", { rows: VM_ROWS, stack: "cluster", labOf: ofWorkers, effect: effectOnVms });
proves("a cluster of VMs", { rows: CLUSTER_ROWS, stack: "cluster", labOf: ofWorkers, effect: effectOnVms });

const ofReleases = (members: Readonly<Record<string, Changes>>) =>
  labWith(
    {
      kubernetes: { ...gpuLab.kubernetes, devicePlugin: {} },
      ollama: {
        releases: {
          ollama: { host: "ollama.lab.example" },
          chat: {},
          ...Object.fromEntries(Object.entries(members).map(([key, changes]) => [key, { models: ["llama3.2:1b"], ...changes }])),
        },
      },
    },
    ollamaLab,
  );
const effectOnReleases: Table["effect"] = ({ changes }, member) => effectOnCluster(changes, member);
proves("the Kubernetes side", {
  rows: KUBERNETES_ROWS,
  stack: "ollama",
  labOf: ofReleases,
  effect: effectOnReleases,
  together: 10,
});
proves("an air-gapped lab", { rows: AIR_GAP_ROWS, stack: "ollama", labOf: () => airGappedLab, effect: effectOnReleases });
