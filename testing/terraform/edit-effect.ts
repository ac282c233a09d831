// What a plan does to what runs, in the words of lab/edit-costs.ts.
import { costOfChange } from "../../catalog/edit-costs";
import { differences } from "../../changes/difference";
import type { JsonMap } from "../../changes/output";
import type { EditEffect } from "../../lab/edit-costs";
import type { ShownPlan } from "./stack-run";

/** One resource in a plan. */
export type ResourceChange = NonNullable<ShownPlan["resource_changes"]>[number];

const GUESTS = ["proxmox_virtual_environment_container", "proxmox_virtual_environment_vm"];
const RULES = "proxmox_virtual_environment_firewall_rules";

/** The worst comes first. */
const ORDER: readonly EditEffect[] = [
  "replaces",
  "fails in the apply",
  "restarts",
  "in place",
  "adds",
  "removes",
  "by Ansible",
  "nothing",
];

/** The worst of several effects. */
export function worst(effects: readonly EditEffect[]): EditEffect {
  return ORDER.find((effect) => effects.includes(effect)) ?? "nothing";
}

/** The name of a resource: its address without its type. */
const nameOf = ({ address }: ResourceChange) => address.slice(address.indexOf(".") + 1);

/** What is to be done with a resource, as one word. */
function actionOf({ change: { actions } }: ResourceChange): string {
  return actions.length > 1 ? "replace" : (actions[0] ?? "no-op");
}

/** An object of a plan. A plan of an update has both. */
const side = (value: unknown): JsonMap => value as JsonMap;

const OF_ACTION: Readonly<Record<string, EditEffect>> = {
  replace: "replaces",
  create: "adds",
  delete: "removes",
  forget: "removes",
  update: "in place",
};

/** What happens to a guest: what the costs of its changed attributes come to. */
function effectOnGuest(change: ResourceChange): EditEffect {
  const action = actionOf(change);
  if (action !== "update") return OF_ACTION[action] ?? "nothing";
  const after = side(change.change.after);
  const costs = differences(side(change.change.before), after).map(
    ({ path, before, after: planned }) =>
      costOfChange(change.type, path, before, planned, { migrate: after["migrate"] })?.effect ?? "in-place",
  );
  if (costs.includes("refused")) return "fails in the apply";
  return costs.includes("restarts") ? "restarts" : "in place";
}

/**
 * What a plan does to guests.
 * @param guest the name of one in Terraform. @default all of them
 */
export function effectOnGuests(changes: readonly ResourceChange[], guest?: string): EditEffect {
  const concerned = changes.filter((change) => guest === undefined || nameOf(change) === guest);
  return worst(concerned.filter(({ type }) => GUESTS.includes(type)).map(effectOnGuest));
}

/** Whether the rules of a firewall change, of a guest or of any. */
export function changesRules(changes: readonly ResourceChange[], guest?: string): boolean {
  return changes.some(
    (change) => change.type === RULES && actionOf(change) === "update" && (guest === undefined || nameOf(change) === guest),
  );
}

/** Whether a release of Helm makes its pods anew. The number of pods is no part of them, and the local chart has Jobs and routes, but no pods. */
function makesPodsAnew({ type, change }: ResourceChange): boolean {
  if (type !== "helm_release") return false;
  const [before, after] = [side(change.before), side(change.after)];
  if (String(after["chart"]).includes("assets/objects-chart")) return false;
  return differences(before, after).some(
    ({ labels }) => labels[0] === "version" || (labels[0] === "values" && labels[1] !== "replicaCount"),
  );
}

/** What a plan of a Kubernetes stack does to what runs there. @param release the key of one release. @default the whole stack */
export function effectOnCluster(changes: readonly ResourceChange[], release?: string): EditEffect {
  const concerned = changes.filter(
    (change) => release === undefined || nameOf(change) === release || nameOf(change).startsWith(`${release}-`),
  );
  return worst(
    concerned.map((change) => {
      const action = actionOf(change);
      return action === "update" && makesPodsAnew(change) ? "restarts" : (OF_ACTION[action] ?? "nothing");
    }),
  );
}
