import { readdirSync } from "node:fs";
import { join } from "node:path";
import { grantCommands, mappingCommands, type Release, type Right, rightsOf } from "../../doctor";
import { known } from "../../doctor/finding";
import { proxmoxPlan } from "../../doctor/plan";
import { findingsIn } from "../../doctor/proxmox/checks";
import type { Permissions } from "../../doctor/proxmox/facts";
import type { Lab } from "../../lab/lab";
import { checkLab, readLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { baseLab, clusterLab, labWith, ollamaLab, stackOf } from "../../testing/lab";
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

  test("VM.Clone with a template, on that one, and may read it there, since an entry hides those above it", () => {
    expect(rightsFor(template).filter((right) => right.startsWith("/vms/"))).toEqual([
      "/vms/9000 VM.Audit",
      "/vms/9000 VM.Clone",
    ]);
  });
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

  test("nothing on all guests but to read them, where each has a pool", () => {
    const rights = rightsFor(labWith({ containers: { "ollama-1": { pool: "lab" } } }));
    expect(rights.filter((right) => right.startsWith("/vms"))).toEqual(["/vms VM.Audit"]);
    expect(rights).toContain("/pool/lab VM.Allocate");
  });
  test("for VMs in a pool their privileges on the pool, too", () => {
    const rights = rightsFor(labWith({ cluster: { pool: "k3s" } }, clusterLab));
    expect(rights.filter((right) => right.startsWith("/vms"))).toEqual(["/vms VM.Audit"]);
    expect(rights).toEqual(expect.arrayContaining(["/pool/k3s VM.Migrate", "/pool/k3s VM.Config.HWType"]));
  });
  test("for containers in a pool beside VMs in none no privileges of VMs on the pool", () => {
    const beside = { defaults: { container: { ...baseLab.defaults?.container } } };
    const both = labWith(
      { ...beside, containers: { "ollama-1": { vmId: 201, address: "192.0.2.21", pool: "lab" } } },
      clusterLab,
    );
    const rights = rightsFor(both);
    expect(rights).not.toContain("/pool/lab VM.Config.HWType");
    expect(rights).toContain("/vms VM.Config.HWType");
  });
  test("no rights to change a pool or its members", () => {
    expect(
      privileges(labWith({ containers: { "ollama-1": { pool: "lab" } } })).filter((name) => name.startsWith("Pool")),
    ).toEqual([]);
  });
  test("no rights on pools without one", () => expect(privileges(baseLab).filter((name) => name.startsWith("Pool"))).toEqual([]));

  test("Mapping.Modify for a card whose mapping it makes", () => {
    expect(rightsFor(clusterLab)).toContain("/mapping/pci Mapping.Modify");
  });
  test("no Mapping.Modify for a mapping that is there already", () => expect(privileges(mapped)).not.toContain("Mapping.Modify"));
  test("Mapping.Use for a mapping that is there already, on that one", () => {
    expect(rightsFor(mapped).filter((right) => right.includes("Mapping"))).toEqual(["/mapping/pci/cards Mapping.Use"]);
  });
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

test("root's own commands make the mappings that the cluster's stack would make, under its names", () => {
  expect(mappingCommands(checkLab(clusterLab, "/lab").lab)).toEqual([
    "pvesh create /cluster/mapping/pci --id test-pve1-rtx --map " +
      "node=pve1,path=0000:01:00,id=10de:2684,subsystem-id=1043:88e2,iommugroup=12",
  ]);
  const { resource } = stackOf(clusterLab, "cluster");
  expect(resource["proxmox_hardware_mapping_pci"]?.["pve1_rtx"]).toMatchObject({ name: "test-pve1-rtx" });
});

describe("the commands", () => {
  test("make the lab's pools before they grant anything on them", () => {
    const pooled = checkLab(labWith({ containers: { "ollama-1": { pool: "lab" } } }), "/lab").lab;
    expect(grantCommands(rightsOf(pooled, 9)).slice(0, 2)).toEqual([
      'pveum user add terraform@pve --comment "Terraform"',
      "pveum pool add lab",
    ]);
  });
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
