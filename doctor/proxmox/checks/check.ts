import type { Lab } from "../../../lab/lab";
import type { Finding } from "../../finding";
import type { ProxmoxPlan } from "../../plan";
import type { ProxmoxFacts } from "../facts";

/** What a check works on: the lab, what its apply will make, and what Proxmox said. */
export interface Examined {
  readonly lab: Lab;
  readonly plan: ProxmoxPlan;
  readonly facts: ProxmoxFacts;
}

/** One question about a lab and its Proxmox. Pure: it asks nothing itself. */
export type Check = (examined: Examined) => Iterable<Finding>;

/** "1.5 GiB": bytes as people read them. */
export function gib(bytes: number): string {
  return `${Math.round((bytes / 1024 ** 3) * 10) / 10} GiB`;
}
