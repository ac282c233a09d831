import { valueOr } from "../../finding";
import { grantCommands, type Release, type Right, rightsOf } from "../../rights";
import type { Permissions } from "../facts";
import type { Check } from "./check";

/** The release that a version belongs to, as far as privileges go. */
export function releaseOf(version: string): Release {
  return Number.parseInt(version, 10) >= 9 ? 9 : 8;
}

/** The privileges that hold on a path: those of the nearest path above it that has any. */
function heldOn(path: string, permissions: Permissions): ReadonlySet<string> {
  const parts = path.split("/").filter((part) => part !== "");
  for (let length = parts.length; length >= 0; length -= 1) {
    const held = permissions[`/${parts.slice(0, length).join("/")}`];
    if (held) return new Set(Object.keys(held).filter((privilege) => held[privilege]));
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
  const byPath = new Map<string, Right[]>();
  for (const right of missing) byPath.set(right.path, [...(byPath.get(right.path) ?? []), right]);
  for (const [path, lacking] of byPath) {
    const names = lacking.map(({ privilege }) => privilege);
    const command = grantCommands(lacking).find((line) => line.startsWith("pveum role add")) ?? "";
    yield {
      code: "missing-privilege",
      severity: "error",
      path: ["proxmox", "auth"],
      message: `the credential lacks ${names.join(", ")} on ${path}. ${lacking.map(({ reason }) => reason).join(" ")}`,
      remedy: `\`ollama-lab rights\` prints every command; for this path: ${command} && pveum acl modify ${path} --users USER --roles ${command.split(" ")[3]}`,
    };
  }
  const excess = Object.entries(permissions.value).flatMap(([path, held]) =>
    Object.keys(held)
      .filter((privilege) => held[privilege] && TOO_MUCH[privilege])
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
