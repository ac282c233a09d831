import { valueOr } from "../../finding";
import { byPath, grantCommands, type Release, rightsOf } from "../../rights";
import type { Permissions } from "../facts";
import type { Check } from "./check";

/** The release that a version belongs to, as far as privileges go. */
export function releaseOf(version: string): Release {
  return Number.parseInt(version, 10) >= 9 ? 9 : 8;
}

/**
 * The privileges that hold on a path: those listed for it, else those of the nearest path above. An entry above that does not reach
 * further down is passed over, as Proxmox does (pve-access-control, `roles`).
 */
function heldOn(path: string, permissions: Permissions): ReadonlySet<string> {
  const own = permissions[path];
  if (own) return new Set(Object.keys(own));
  const parts = path.split("/").filter((part) => part !== "");
  for (let length = parts.length - 1; length >= 0; length -= 1) {
    const above = permissions[`/${parts.slice(0, length).join("/")}`];
    if (!above) continue;
    const inherited = Object.keys(above).filter((privilege) => above[privilege]);
    if (inherited.length > 0 || Object.keys(above).length === 0) return new Set(inherited);
  }
  return new Set();
}

/** Privileges that reach further than any lab needs, and what they open. */
const TOO_MUCH: Readonly<Record<string, string>> = {
  "Permissions.Modify": "grants any privilege to anybody",
  "User.Modify": "changes users and their groups",
  "Realm.Allocate": "changes how users log in",
  "Sys.PowerMgmt": "restarts and stops nodes",
  "Sys.Modify": "changes the configuration of nodes",
  "Sys.Console": "opens a shell on a node",
};

/** Each privilege that the lab needs, and what the caller has beyond any need. */
export const rights: Check = function* ({ lab, facts }) {
  if (lab.proxmox?.auth === "rootPassword") return;
  const { permissions, version, vnets } = facts;
  if (!permissions.known) {
    yield {
      code: "rights-unknown",
      severity: "unknown",
      path: ["proxmox", "endpoint"],
      message: `the privileges of this credential cannot be read: ${permissions.why}`,
      remedy: "Mend the connection first, then run doctor again.",
    };
    return;
  }
  const release = version.known ? releaseOf(version.value.version) : 9;
  const needed = rightsOf(lab, release, valueOr(vnets, []));
  const missing = needed.filter(({ path, privilege }) => !heldOn(path, permissions.value).has(privilege));
  const commands = grantCommands(needed, { user: "USER" });
  for (const [path, lacking] of byPath(missing)) {
    const names = lacking.map(({ privilege }) => privilege);
    // Everything that the lab needs on the path, because an entry there takes the place of what is inherited.
    const grant = commands.find((line) => line.startsWith(`pveum acl modify ${path} `)) ?? "";
    const role = commands.find((line) => line.startsWith(`pveum role add ${/--roles (\S+)/.exec(grant)?.[1]} `)) ?? "";
    yield {
      code: "missing-privilege",
      severity: "error",
      path: ["proxmox", "auth"],
      message: `the credential lacks ${names.join(", ")} on ${path}. ${lacking.map(({ reason }) => reason).join(" ")}`,
      remedy: `\`ollama-lab rights\` prints every command; for this path: ${role} && ${grant}`,
    };
  }
  const removable = new Set(
    needed.flatMap(({ path, privilege }) => (privilege === "Datastore.Allocate" ? [path.replace("/storage/", "")] : [])),
  );
  const withBackups = Object.values(facts.node)
    .flatMap(({ storages }) => valueOr(storages, []))
    .filter(({ storage, content }) => removable.has(storage) && content.split(",").includes("backup"));
  for (const storage of new Set(withBackups.map(({ storage }) => storage))) {
    const content =
      withBackups
        .find((one) => one.storage === storage)
        ?.content.split(",")
        .filter((one) => one !== "backup") ?? [];
    yield {
      code: "backups-in-reach",
      severity: "warning",
      path: ["storage", "files"],
      message: `the lab's files are on ${storage}, which keeps backups too: Datastore.Allocate, which the lab needs there, removes both`,
      remedy: `Where backups are kept elsewhere, run: pvesm set ${storage} --content ${content.join(",")}. Else give the lab's files a datastore of their own (docs/proxmox.md).`,
    };
  }
  const excess = Object.entries(permissions.value).flatMap(([path, held]) =>
    Object.keys(held)
      .filter((privilege) => TOO_MUCH[privilege])
      .map((privilege) => ({ path, privilege })),
  );
  const first = excess[0];
  if (first) {
    const names = [...new Set(excess.map(({ privilege }) => privilege))];
    yield {
      code: "superfluous-privilege",
      severity: "warning",
      path: ["proxmox", "auth"],
      message:
        `the credential has ${names.join(", ")} on ${[...new Set(excess.map(({ path }) => path))].join(", ")}, but no lab needs them: ` +
        `${first.privilege} ${TOO_MUCH[first.privilege]}`,
      remedy: "Give the token a user of its own, with what `ollama-lab rights` prints and nothing else.",
    };
  }
};
