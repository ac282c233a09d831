import { volumesKey } from "../facts";
import { type Check, gib } from "./check";

/** The content type of a guest's disks. */
const DISK_CONTENT = { lxc: "rootdir", qemu: "images" } as const;

/** Storages: there, active, allowed to hold what the lab puts on them, and large enough; and the volumes that have to be there. */
export const storages: Check = function* ({ plan, facts }) {
  const existing = new Set(facts.guests.known ? facts.guests.value.map(({ vmid }) => vmid) : []);
  for (const node of plan.nodes) {
    const known = facts.node[node]?.storages;
    if (!known?.known) {
      yield {
        code: "storages-unknown",
        severity: "unknown",
        path: ["proxmox", "nodes", node],
        message: `the storages of ${node} cannot be read: ${known?.why ?? "the node was not asked"}`,
        remedy: "Give the credential Datastore.Audit on the storages, or mend the connection.",
      };
      continue;
    }
    const there = new Map(known.value.map((storage) => [storage.storage, storage]));
    const uses = [
      ...plan.guests
        .filter((guest) => guest.node === node)
        .flatMap(({ kind, disks, path, vmId }) =>
          disks.map(({ storage, sizeGiB }) => ({
            storage,
            content: DISK_CONTENT[kind] as string,
            path,
            bytes: existing.has(vmId) ? 0 : sizeGiB * 1024 ** 3,
          })),
        ),
      ...plan.volumes
        .filter((volume) => volume.node === node)
        .map(({ storage, content, path }) => ({ storage, content: content as string, path, bytes: 0 })),
    ];
    for (const name of new Set(uses.map(({ storage }) => storage))) {
      const here = uses.filter(({ storage }) => storage === name);
      const path = here[0]?.path ?? [];
      const storage = there.get(name);
      if (!storage) {
        yield {
          code: "storage-missing",
          severity: "error",
          path,
          message: `the lab uses the datastore ${name} on ${node}, but this credential sees ${[...there.keys()].sort().join(", ") || "none"} there`,
          remedy: "Name one of those, or give the credential Datastore.Audit on it: what it may not audit is left out.",
        };
        continue;
      }
      if (!storage.enabled || !storage.active) {
        yield {
          code: "storage-inactive",
          severity: "error",
          path,
          message: `the datastore ${name} on ${node} is ${storage.enabled ? "not active" : "disabled"}, but the lab uses it`,
          remedy: storage.enabled ? `Look at \`pvesm status\` on ${node}.` : `Run: pvesm set ${name} --disable 0`,
        };
        continue;
      }
      const allowed = storage.content.split(",").map((content) => content.trim());
      const lacking = [...new Set(here.map(({ content }) => content))].filter((content) => !allowed.includes(content));
      if (lacking.length > 0) {
        yield {
          code: "storage-content",
          severity: "error",
          path,
          message: `the lab puts ${lacking.join(" and ")} on ${name}, but the datastore takes ${storage.content || "nothing"}`,
          remedy: `Run on a node: pvesm set ${name} --content ${[...allowed.filter((content) => content !== ""), ...lacking].join(",")}`,
        };
      }
      const wanted = here.reduce((sum, { bytes }) => sum + bytes, 0);
      if (storage.avail !== undefined && wanted > storage.avail) {
        yield {
          code: "storage-space",
          severity: "warning",
          path,
          message: `the new disks on ${name} of ${node} take up to ${gib(wanted)}, but ${gib(storage.avail)} are free`,
          remedy: "Free space, take smaller disks, or make sure that the datastore is thin and stays so.",
        };
      }
    }
  }
  for (const { node, storage, content, existing: wanted, path } of plan.volumes) {
    const volumes = facts.volumes.get(volumesKey(node, storage, content));
    if (!wanted || !volumes?.known || volumes.value.includes(wanted)) continue;
    yield {
      code: "volume-missing",
      severity: "error",
      path,
      message: `the lab takes ${wanted} on ${node}, but there ${volumes.value.length > 0 ? `are ${volumes.value.join(", ")}` : "is none"}`,
      remedy: `Run on ${node}: pveam update && pveam download ${storage} ${wanted.split("/").at(-1)}`,
    };
  }
};
