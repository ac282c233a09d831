// The doctor against the simulated Proxmox, with the rights that `rights` prints and no others.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { grantCommands, type Right, rightsOf } from "../../doctor";
import { proxmoxPlan } from "../../doctor/plan";
import { examineProxmox } from "../../doctor/proxmox";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { describeWithTool } from "../../testing/external-tool";
import { clusterLab, labWith } from "../../testing/lab";
import { granted } from "../../testing/proxmox/granted";
import { Simulation } from "../../testing/proxmox/simulation";

const ROOT = join(__dirname, "../..");
const shipped = readdirSync(join(ROOT, "examples"))
  .map((file) => `examples/${file}`)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => ({ file, input: parse(readFileSync(join(ROOT, file), "utf8")) as LabInput }))
  .filter(({ input }) => input.proxmox && input.proxmox.auth !== "rootPassword");

/** Of a token with the rights of an apply: what it cannot ask. */
const UNASKED = ["firewall-unknown", "cards-unknown"];

function isSame(one: Right, other: Right | undefined): boolean {
  return one.path === other?.path && one.privilege === other.privilege;
}

describeWithTool("python3", "the doctor and a simulated Proxmox", () => {
  let folder: string;
  let proxmox: Simulation | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "doctor-simulation-"));
  });
  afterEach(() => {
    proxmox?.stop();
    proxmox = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts Proxmox for a lab; its token has the lab's rights but `without`. */
  async function startFor(
    input: LabInput,
    without?: string,
  ): Promise<{
    simulation: Simulation;
    codes: () => Promise<string[]>;
    rights: readonly Right[];
    grant: (missing: Right) => Promise<void>;
  }> {
    const plain = checkLab(input, ROOT).lab;
    const nodes = proxmoxPlan(plain)?.nodes ?? [];
    const grants = (missing?: Right) => granted(grantCommands(rightsOf(plain, 9).filter((right) => !isSame(right, missing))));
    const simulation = await Simulation.start(folder, {
      nodes,
      // The air-gapped example gives the guests of one node 132 GiB.
      memoryGiB: 256,
      // As docs/proxmox.md has it: no backups beside the lab's files.
      storages: ["local-zfs:zfspool:images,rootdir", "local:dir:vztmpl,iso,import,snippets"],
      ...grants(rightsOf(plain, 9).find(({ privilege }) => privilege === without)),
    });
    proxmox = simulation;
    await simulation.byHand("PUT", "/cluster/firewall/options", { enable: "1" });
    await simulation.plugIn(input);
    const { lab } = checkLab(labWith({ proxmox: { endpoint: simulation.endpoint, insecure: true } }, input), ROOT);
    const env = { PROXMOX_VE_API_TOKEN: simulation.token };
    const codes = async () =>
      (await examineProxmox(lab, env)).findings.map(({ code, severity, message }) => `${severity} ${code}: ${message}`);
    return { simulation, codes, rights: rightsOf(plain, 9), grant: (missing: Right) => simulation.grant(grants(missing)) };
  }

  test.each(shipped)("with any one privilege of $file taken away, the doctor names that one and its path", async ({ input }) => {
    const { codes, rights, grant } = await startFor(input);
    const wrong: string[] = [];
    for (const right of rights) {
      await grant(right);
      const expected = `error missing-privilege: the credential lacks ${right.privilege} on ${right.path}. ${right.reason}`;
      if (!(await codes()).includes(expected)) wrong.push(`${right.privilege} on ${right.path}`);
    }
    expect(wrong).toEqual([]);
  });

  test.each(shipped)("with the rights of $file, nothing stands in the way of it", async ({ input }) => {
    const { codes } = await startFor(input);
    expect((await codes()).filter((line) => !UNASKED.some((code) => line.startsWith(`unknown ${code}:`)))).toEqual([]);
  });

  test("without VM.Allocate, that is what is missing", async () => {
    const { codes } = await startFor(clusterLab, "VM.Allocate");
    expect((await codes()).filter((line) => line.startsWith("error"))).toEqual([
      "error missing-privilege: the credential lacks VM.Allocate on /vms. Creates and removes guests.",
    ]);
  });

  test("without VM.Audit, a guest that cannot be seen is found by its VMID", async () => {
    const { simulation, codes } = await startFor(clusterLab, "VM.Audit");
    await simulation.addStranger(301, "mail");
    expect(await codes()).toContain(
      "error vmid-taken-unseen: VMID 301 of test-k3s-1 is taken, by a guest that this credential may not see",
    );
  });

  test("a stranger with a VMID of the lab is named", async () => {
    const { simulation, codes } = await startFor(clusterLab);
    await simulation.addStranger(301, "mail");
    expect(await codes()).toContain("error vmid-taken: the lab makes the VM test-k3s-1 with VMID 301, but that is mail on pve1");
  });

  test("everything is asked by GET", async () => {
    const { simulation, codes } = await startFor(clusterLab);
    const before = simulation.requests().length;
    await codes();
    expect([
      ...new Set(
        simulation
          .requests()
          .slice(before)
          .map(({ method }) => method),
      ),
    ]).toEqual(["GET"]);
  });
});
