// `init` against the simulated Proxmox, then `check`, `doctor` and `synth` with the file as it was written.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../cli";
import { examineProxmox } from "../../doctor/proxmox";
import { readLab } from "../../lab/read";
import { describeWithTool } from "../../testing/external-tool";
import { Simulation } from "../../testing/proxmox/simulation";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example";
const KINDS = ["container", "gpu-container", "gpu-cluster"] as const;

describeWithTool("python3", "init and a simulated Proxmox", () => {
  let folder: string;
  let proxmox: Simulation;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "init-simulation-"));
    mkdirSync(join(folder, ".ssh"));
    writeFileSync(join(folder, ".ssh/id_ed25519.pub"), `${KEY}\n`);
    // As docs/proxmox.md has it: no backups beside the lab's files.
    proxmox = await Simulation.start(folder, { nodes: ["pve1"], storages: ["local:dir:vztmpl,iso,import,snippets"] });
    await proxmox.byHand("PUT", "/cluster/firewall/options", { enable: "1" });
    await proxmox.addStranger(301, "mail");
  });
  afterAll(() => {
    proxmox?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const environment = () => ({
    HOME: folder,
    PATH: process.env["PATH"],
    PROXMOX_VE_API_TOKEN: proxmox.token,
    PROXMOX_VE_PASSWORD: proxmox.rootPassword,
    CDKTF_OUTDIR: join(folder, "cdktf.out"),
  });

  describe.each(KINDS)("a lab of the kind %s", (kind) => {
    let file: string;
    beforeAll(async () => {
      file = join(folder, `${kind}.yaml`);
      const more = kind === "container" ? [] : ["--gpu-memory", "24"];
      const driver = kind === "gpu-container" ? ["--driver-version", "580.95.05"] : [];
      const answer = await run(
        ["init", file, "--kind", kind, "--endpoint", proxmox.endpoint, "--insecure", "--yes"].concat(more, driver, [
          "--management",
          "10.0.0.77/32",
        ]),
        environment(),
      );
      if (answer.exitCode !== 0) throw new Error(answer.stderr);
    });

    test("passes the check; only the certificate is warned of", () => {
      expect(readLab(file).problems.map(({ code }) => code)).toEqual(["insecure"]);
    });
    test("passes the doctor against the same API", async () => {
      const { lab } = readLab(file);
      const { findings } = lab ? await examineProxmox(lab, environment()) : { findings: [] };
      // The simulation's token may do everything.
      expect(findings.map(({ code }) => code).filter((code) => code !== "superfluous-privilege")).toEqual([]);
    });
    test("is synthesized", async () => {
      expect(await run(["synth", file], environment())).toMatchObject({ exitCode: 0 });
    });
    test("has neither the token nor the password in it", () => {
      const text = readFileSync(file, "utf8");
      expect([proxmox.token.split("=")[1] ?? "", proxmox.rootPassword].filter((secret) => text.includes(secret))).toEqual([]);
    });
  });

  test("a VMID of a stranger is passed over", () => {
    const { lab } = readLab(join(folder, "gpu-cluster.yaml"));
    expect(lab?.cluster?.servers[0].vmId).toBe(302);
  });
  test("everything but the logins is asked by GET", () => {
    const others = proxmox
      .requests()
      .filter(({ user }) => user !== "root@pam")
      .filter(({ method, path }) => method !== "GET" && path !== "/access/ticket" && !path.startsWith("/_fake"));
    expect(others).toEqual([]);
  });
});
