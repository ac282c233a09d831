import { type Known, known, unknown } from "../finding";
import type { PlannedGuest, ProxmoxPlan } from "../plan";
import type { ProxmoxFacts } from "./facts";

/** Whether the rules of a guest's firewall have an effect. */
export interface GuestFirewall {
  /** The switch of the guest. */
  readonly enabled: boolean;
  /** Network cards that it does not filter, such as `net0`. */
  readonly unfiltered: readonly string[];
}

/** A guest of the lab as it is now. */
export interface GuestStatus {
  readonly guest: PlannedGuest;
  /** `running`, `stopped`, what else Proxmox calls it, or `absent`: the lab has not made it yet. */
  readonly state: string;
  /** Where it is; for an absent one where the lab puts it. */
  readonly node: string;
  readonly firewall: Known<GuestFirewall>;
}

function unfilteredIn(config: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(config).flatMap(([key, value]) =>
    /^net\d+$/.test(key) && !/(?:^|,)firewall=1(?:,|$)/.test(String(value)) ? [key] : [],
  );
}

/** Every guest of the lab, with what Proxmox says of it. A guest of another kind or name under its VMID is somebody else's. */
export function deployedGuests(plan: ProxmoxPlan, { guests, walls, configs }: ProxmoxFacts): GuestStatus[] {
  const there = guests.known ? guests.value : [];
  return plan.guests.map((guest) => {
    const found = there.find(({ vmid, type, name }) => vmid === guest.vmId && type === guest.kind && name === guest.name);
    if (!found) return { guest, state: "absent", node: guest.node, firewall: unknown("the guest is not there") };
    const wall = walls.get(guest.vmId);
    const config = configs.get(guest.vmId);
    const firewall: Known<GuestFirewall> =
      wall?.known && config?.known
        ? known({ enabled: wall.value, unfiltered: unfilteredIn(config.value) })
        : unknown(wall?.known === false ? wall.why : "its configuration cannot be read");
    return { guest, state: found.status, node: found.node, firewall };
  });
}
