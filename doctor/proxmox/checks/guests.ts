import type { PlannedGuest } from "../../plan";
import { configuredAddresses } from "../addresses";
import type { Guest, ProxmoxFacts } from "../facts";
import type { Check } from "./check";

/** Whether a guest is the one that the lab means: of the same kind, under the same name. */
function isSame(planned: PlannedGuest, guest: Guest): boolean {
  return guest.type === planned.kind && guest.name === planned.name;
}

function* vmIds(planned: PlannedGuest, facts: ProxmoxFacts, guest: Guest | undefined) {
  const path = [...planned.path, "vmId"];
  const what = planned.kind === "lxc" ? "container" : "VM";
  if (guest && !isSame(planned, guest)) {
    yield {
      code: "vmid-taken",
      severity: "error",
      path,
      message: `the lab makes the ${what} ${planned.name} with VMID ${planned.vmId}, but that is ${guest.name || "a guest"} on ${guest.node}`,
      remedy: "Choose a free VMID: `pvesh get /cluster/nextid` names one.",
    } as const;
  } else if (guest && guest.node !== planned.node) {
    yield {
      code: "guest-on-other-node",
      severity: "error",
      path: [...planned.path, "node"],
      message: `${planned.name} (VMID ${planned.vmId}) runs on ${guest.node}, but the lab has it on ${planned.node}`,
      remedy: `Write node: ${guest.node}, or migrate it back: ${planned.kind === "lxc" ? "pct" : "qm"} migrate ${planned.vmId} ${planned.node}`,
    } as const;
  }
  const taken = facts.taken.get(planned.vmId);
  if (taken?.known && taken.value) {
    yield {
      code: "vmid-taken-unseen",
      severity: "error",
      path,
      message: `VMID ${planned.vmId} of ${planned.name} is taken, by a guest that this credential may not see`,
      remedy: "Choose a free VMID, or give the credential VM.Audit on /vms: the ownership guard needs it too.",
    } as const;
  } else if (taken && !taken.known) {
    yield {
      code: "vmid-unknown",
      severity: "unknown",
      path,
      message: `whether VMID ${planned.vmId} of ${planned.name} is free cannot be asked: ${taken.why}`,
      remedy: "Mend the connection first, then run doctor again.",
    } as const;
  }
}

/** VMIDs and names that others have. */
export const guests: Check = function* ({ plan, facts }) {
  const there = facts.guests.known ? facts.guests.value : [];
  if (!facts.guests.known) {
    yield {
      code: "guests-unknown",
      severity: "unknown",
      path: ["proxmox", "endpoint"],
      message: `the guests of the Proxmox cluster cannot be read: ${facts.guests.why}`,
      remedy: "Mend the connection first, then run doctor again.",
    };
  }
  for (const planned of plan.guests) {
    const guest = there.find(({ vmid }) => vmid === planned.vmId);
    yield* vmIds(planned, facts, guest);
    const namesake = there.find(({ name, vmid, template }) => name === planned.name && vmid !== planned.vmId && !template);
    if (namesake) {
      yield {
        code: "guest-name-taken",
        severity: "warning",
        path: [...planned.path, "name"],
        message: `the lab makes ${planned.name} with VMID ${planned.vmId}, but VMID ${namesake.vmid} on ${namesake.node} has that name already`,
        remedy: "Give the guest another name, or the VMID of the one that is there if it is meant.",
      };
    }
    const config = facts.configs.get(planned.vmId);
    const current = config?.known && guest && isSame(planned, guest) ? configuredAddresses(config.value)[0] : undefined;
    if (current && planned.address && current !== planned.address) {
      yield {
        code: "guest-address-differs",
        severity: planned.kind === "qemu" ? "error" : "warning",
        path: [...planned.path, "address"],
        message: `${planned.name} has the address ${current}, but the lab says ${planned.address}`,
        remedy:
          planned.kind === "qemu"
            ? `Write ${current}: cloud-init sets an address at the first boot only. docs/upgrades.md says how to rebuild a node.`
            : "Deploy it, or write the address that it has.",
      };
    }
  }
  if (plan.template) {
    const { vmId } = plan.template;
    const template = there.find(({ vmid }) => vmid === vmId);
    if (facts.guests.known && !template?.template) {
      yield {
        code: "vm-template-missing",
        severity: "error",
        path: ["cluster", "template", "vmId"],
        message: template
          ? `the lab clones VMID ${vmId}, but ${template.name} is no template`
          : `the lab clones the template ${vmId}, but this credential sees no guest with that VMID`,
        remedy: template ? `Run on ${template.node}: qm template ${vmId}` : "docs/cluster.md says how to make one.",
      };
    }
  }
  for (const pool of plan.pools) {
    if (!facts.pools.known || facts.pools.value.includes(pool)) continue;
    const path = plan.guests.find((guest) => guest.pool === pool)?.path ?? [];
    yield {
      code: "pool-missing",
      severity: "error",
      path: [...path, "pool"],
      message: `the lab puts guests into the pool ${pool}, but this credential sees ${facts.pools.value.join(", ") || "no pool"}`,
      remedy: `Run on a node: pvesh create /pools --poolid ${pool}`,
    };
  }
};
