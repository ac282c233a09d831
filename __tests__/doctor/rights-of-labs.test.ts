import { readdirSync } from "node:fs";
import { join } from "node:path";
import { grantCommands, type Release, type Right, rightsOf } from "../../doctor";
import { known } from "../../doctor/finding";
import { proxmoxPlan } from "../../doctor/plan";
import { findingsIn } from "../../doctor/proxmox/checks";
import type { Permissions } from "../../doctor/proxmox/facts";
import type { Lab } from "../../lab/lab";
import { checkLab, readLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { baseLab, clusterLab, labWith, ollamaLab } from "../../testing/lab";
import { factsFor, permissionsFor } from "../../testing/proxmox/facts";

const ROOT = join(__dirname, "../..");
const examples = readdirSync(join(ROOT, "examples"))
  .map((file) => `examples/${file}`)
  .filter((file) => file.endsWith(".yaml"))
  .flatMap((file) => {
    const { lab } = readLab(join(ROOT, file));
    return lab ? [{ file, lab }] : [];
  });
const withRights = examples.filter(({ lab }) => rightsOf(lab, 9).length > 0);

const pair = ({ path, privilege }: Pick<Right, "path" | "privilege">): string => `${path} ${privilege}`;

function rightsFor(input: LabInput, release: Release = 9, vnets: readonly string[] = []): string[] {
  return rightsOf(checkLab(input, "/lab").lab, release, vnets).map(pair);
}

const privileges = (input: LabInput, release: Release = 9): string[] =>
  rightsFor(input, release).map((right) => right.split(" ")[1] ?? "");

/** What the printed commands grant, read back as a shell and pveum would: a pair for each path and privilege. */
function granted(commands: readonly string[]): string[] {
  const roles = new Map<string, string[]>();
  const pairs: string[] = [];
  for (const command of commands) {
    const role = /^pveum role add (\S+) --privs "([^"]*)"$/.exec(command);
    if (role) roles.set(role[1] ?? "", (role[2] ?? "").split(" "));
    const entry = /^pveum acl modify (\S+) --users \S+ --roles (\S+)(?: --propagate 0)?$/.exec(command);
    if (entry) pairs.push(...(roles.get(entry[2] ?? "") ?? []).map((privilege) => `${entry[1]} ${privilege}`));
  }
  return pairs.sort();
}

test("there are examples that need rights, with containers and with a cluster", () => {
  expect(withRights.filter(({ lab }) => lab.cluster).length).toBeGreaterThan(0);
  expect(withRights.filter(({ lab }) => Object.keys(lab.containers ?? {}).length > 0).length).toBeGreaterThan(0);
});

describe.each(withRights.flatMap(({ file, lab }) => ([8, 9] as const).map((release) => ({ file, lab, release }))))(
  "the rights of $file on Proxmox VE $release",
  ({ lab, release }) => {
    const rights = rightsOf(lab, release);
    const commands = grantCommands(rights);

    test("are what the printed commands grant", () => expect(granted(commands)).toEqual(rights.map(pair).sort()));
    test("stand once each", () => expect(new Set(rights.map(pair)).size).toBe(rights.length));
    test("have a reason each", () => expect(rights.filter(({ reason }) => !/^[A-Z].*\.$/.test(reason))).toEqual([]));
    test("have one entry for each path, because another for the same user would be a second role", () => {
      const paths = commands.filter((line) => line.startsWith("pveum acl")).map((line) => line.split(" ")[3]);
      expect(new Set(paths).size).toBe(paths.length);
    });
    test("come from roles with different names", () => {
      const names = commands.filter((line) => line.startsWith("pveum role")).map((line) => line.split(" ")[3]);
      expect(new Set(names).size).toBe(names.length);
    });
  },
);

/** The messages of the check of rights on a Proxmox cluster that grants these. */
function lackingWith(lab: Lab, permissions: Permissions): string[] {
  const plan = proxmoxPlan(lab);
  if (!plan) throw new Error("the lab has no guests on Proxmox");
  const facts = { ...factsFor(lab, plan), permissions: known(permissions) };
  return findingsIn({ lab, plan, facts }).map(({ code, message }) => `${code}: ${message}`);
}

test.each(withRights)(
  "with any one privilege of $file taken away, the check names that one, its path and its reason",
  ({ lab }) => {
    const all = permissionsFor(lab);
    const wrong = rightsOf(lab, 9).filter(({ path, privilege, reason }) => {
      const { [privilege]: _, ...rest } = all[path] ?? {};
      const expected = `missing-privilege: the credential lacks ${privilege} on ${path}. ${reason}`;
      return lackingWith(lab, { ...all, [path]: rest }).join("\n") !== expected;
    });
    expect(wrong).toEqual([]);
  },
);

describe("a lab needs", () => {
  const template = labWith({ cluster: { image: undefined, template: { vmId: 9000 } } }, clusterLab);
  const mapped = labWith(
    {
      proxmox: { nodes: { pve1: { gpus: { rtx: undefined, pool: { mapping: "cards" } } } } },
      cluster: { workers: { "gpu-1": { gpus: ["pool"] } } },
    },
    clusterLab,
  );
  const withoutCards = labWith({ cluster: { workers: { "gpu-1": { gpus: undefined } } } }, clusterLab);

  test("no rights where it logs in as root", () => {
    expect(rightsFor(labWith({ proxmox: { auth: "rootPassword" } }))).toEqual([]);
  });
  test("no rights where it has nothing on Proxmox", () => expect(rightsFor(ollamaLab)).toEqual([]));

  test("VM.Clone with a template", () => expect(rightsFor(template)).toContain("/vms VM.Clone"));
  test("no VM.Clone with an image", () => expect(privileges(clusterLab)).not.toContain("VM.Clone"));

  test("VM.Monitor for VMs on Proxmox VE 8", () => expect(rightsFor(clusterLab, 8)).toContain("/vms VM.Monitor"));
  test("no VM.GuestAgent.Audit on Proxmox VE 8, which does not know it", () => {
    expect(privileges(clusterLab, 8)).not.toContain("VM.GuestAgent.Audit");
  });
  test("VM.GuestAgent.Audit for VMs on Proxmox VE 9", () => expect(rightsFor(clusterLab)).toContain("/vms VM.GuestAgent.Audit"));
  test("no VM.Monitor on Proxmox VE 9, which does not know it", () => expect(privileges(clusterLab)).not.toContain("VM.Monitor"));
  test("neither for containers", () => {
    expect(privileges(baseLab).filter((name) => /Monitor|GuestAgent/.test(name))).toEqual([]);
  });

  test("rights on its pool", () => {
    const pool = rightsFor(labWith({ containers: { "ollama-1": { pool: "lab" } } })).filter((right) => right.startsWith("/pool"));
    expect(pool).toEqual(["/pool/lab Pool.Allocate", "/pool/lab Pool.Audit"]);
  });
  test("no rights on pools without one", () => expect(privileges(baseLab).filter((name) => name.startsWith("Pool"))).toEqual([]));

  test("Mapping.Modify for a card whose mapping it makes", () => {
    expect(rightsFor(clusterLab)).toContain("/mapping/pci Mapping.Modify");
  });
  test("no Mapping.Modify for a mapping that is there already", () => expect(privileges(mapped)).not.toContain("Mapping.Modify"));
  test("Mapping.Use for a mapping that is there already", () => expect(privileges(mapped)).toContain("Mapping.Use"));
  test("no rights on mappings without cards", () => {
    expect(privileges(withoutCards).filter((name) => name.startsWith("Mapping"))).toEqual([]);
  });

  test("SDN.Use on its bridge", () => expect(rightsFor(baseLab)).toContain("/sdn/zones/localnetwork/vmbr0 SDN.Use"));
  test("SDN.Use on its VLAN of the bridge", () => {
    expect(rightsFor(labWith({ network: { vlan: 20 } }))).toContain("/sdn/zones/localnetwork/vmbr0/20 SDN.Use");
  });

  test("no right to download where the template is there already", () => {
    expect(privileges(baseLab).filter((name) => /AllocateTemplate|AccessNetwork/.test(name))).toEqual([]);
  });
  test("Sys.AccessNetwork on each node that downloads", () => {
    expect(rightsFor(clusterLab)).toContain("/nodes/pve1 Sys.AccessNetwork");
  });
  test("no right that reaches far, in any example", () => {
    const far = /^(Permissions\.|User\.|Realm\.|Sys\.(Modify|PowerMgmt|Console))/;
    expect(withRights.flatMap(({ lab }) => rightsOf(lab, 9)).filter(({ privilege }) => far.test(privilege))).toEqual([]);
  });
});

describe("the commands", () => {
  const rights = rightsOf(checkLab(baseLab, "/lab").lab, 9);

  test("begin with the user and end with a token that has all of the user's rights", () => {
    const commands = grantCommands(rights, { user: "lab@pve", token: "ci" });
    expect([commands[0], commands.at(-1)]).toEqual([
      'pveum user add lab@pve --comment "Terraform"',
      "pveum user token add lab@pve ci --privsep 0",
    ]);
  });
  test("give every path to that user", () => {
    const entries = grantCommands(rights, { user: "lab@pve" }).filter((line) => line.startsWith("pveum acl"));
    expect(entries.filter((line) => !line.includes(" --users lab@pve "))).toEqual([]);
  });
});
