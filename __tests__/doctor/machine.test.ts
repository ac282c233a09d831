import type { Finding } from "../../doctor/finding";
import type { ProgramResult, Run } from "../../doctor/program";
import { examineSsh } from "../../doctor/ssh";
import { examineTools } from "../../doctor/tools";
import type { ProxmoxLab } from "../../lab/lab";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { baseLab, clusterLab, labWith } from "../../testing/lab";

const MISSING: ProgramResult = { status: "missing", stdout: "", stderr: "" };
const said = (stdout: string, stderr = ""): ProgramResult => ({ status: 0, stdout, stderr });
const failed = (status: number, stderr: string): ProgramResult => ({ status, stdout: "", stderr });

/** What programs say on a machine that has all of them. */
const ALL: Readonly<Record<string, ProgramResult>> = {
  terraform: said('{\n  "terraform_version": "1.11.4"\n}'),
  tofu: said('{\n  "terraform_version": "1.12.6"\n}'),
  ssh: said("", "OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19"),
  "ansible-playbook": said("ansible-playbook [core 2.19.14]\n  config file = None"),
  kubectl: said('{"clientVersion": {"gitVersion": "v1.36.3"}}'),
  helm: said("v3.19.0+g3d8990f"),
};
const machine =
  (changes: Readonly<Record<string, ProgramResult>> = {}): Run =>
  async (command) =>
    changes[command] ?? ALL[command] ?? MISSING;

const configured = labWith({ configure: true }, baseLab);
const withOllama = labWith({ ollama: { releases: { ollama: {} } }, kubernetes: { storageClass: "local-path" } }, clusterLab);

describe("the programs on this machine", () => {
  const examined = async (lab: LabInput, changes = {}, env = {}) => {
    const { findings } = await examineTools(checkLab(lab, "/lab").lab, env, machine(changes));
    return findings.map(({ severity, code, message, remedy }) => `${severity} ${code}: ${message} → ${remedy}`);
  };

  test("are no finding where all are there", async () => {
    expect([await examined(configured), await examined(withOllama)]).toEqual([[], []]);
  });
  test("have their versions told", async () => {
    expect((await examineTools(checkLab(withOllama, "/lab").lab, {}, machine())).versions).toEqual({
      terraform: "1.11.4",
      tofu: "1.12.6",
      ssh: "9.2p1",
      kubectl: "1.36.3",
      helm: "3.19.0",
    });
  });

  test.each([
    [
      "terraform and tofu",
      baseLab,
      { terraform: MISSING, tofu: MISSING },
      /^error tool-missing: terraform or tofu applies .* → Install it: https/,
    ],
    ["ssh", clusterLab, { ssh: MISSING }, /^error tool-missing: ssh waits for the nodes .*openssh-client$/],
    ["ansible", configured, { "ansible-playbook": MISSING }, /^error tool-missing: ansible-playbook .*requirements\.txt$/],
    ["kubectl", clusterLab, { kubectl: MISSING }, /^warning tool-missing: kubectl asks the cluster/],
    ["helm", withOllama, { helm: MISSING }, /^warning tool-missing: helm shows and removes releases/],
  ])("without %s, that alone is found", async (_, lab, changes, line) => {
    expect(await examined(lab, changes)).toEqual([expect.stringMatching(line)]);
  });

  test("are no finding where only one of terraform and tofu is there", async () => {
    expect(await examined(baseLab, { terraform: MISSING })).toEqual([]);
  });
  test("include the one that TERRAFORM_BINARY_NAME names", async () => {
    expect(await examined(baseLab, {}, { TERRAFORM_BINARY_NAME: "/opt/terraform" })).toEqual([
      expect.stringContaining("/opt/terraform applies the stacks, but it cannot be run"),
    ]);
  });
  test.each([
    [
      "terraform",
      { terraform: said('"terraform_version": "1.6.6"'), tofu: MISSING },
      "terraform on this machine is 1.6.6, but the stacks need 1.7.0",
    ],
    [
      "tofu",
      { terraform: MISSING, tofu: said('"terraform_version": "1.9.4"') },
      "tofu on this machine is 1.9.4, but the stacks need 1.10.0",
    ],
  ])("that are too old for the stacks are told: %s", async (_, changes, message) => {
    expect(await examined(baseLab, changes)).toEqual([expect.stringContaining(`error tool-old: ${message}`)]);
  });
  test("include a kubectl that is too far from the cluster", async () => {
    const old = said('{"clientVersion": {"gitVersion": "v1.32.4"}}');
    expect(await examined(clusterLab, { kubectl: old })).toEqual([
      expect.stringMatching(/^warning kubectl-skew: kubectl .* 1\.32\.4, but/),
    ]);
  });
  test("that answer with something else count as there", async () => {
    expect(await examined(baseLab, { terraform: said("Terraform!"), tofu: MISSING })).toEqual([]);
  });
});

describe("SSH to the nodes", () => {
  const AGENT = { SSH_AUTH_SOCK: "/run/agent", HOME: "/home/operator" };
  const viaSsh = labWith({ proxmox: { ssh: { username: "terraform", port: 2222 } } }, clusterLab);

  function examined(
    input: LabInput,
    result: ProgramResult,
    env: Readonly<Record<string, string>> = AGENT,
    asked: string[][] = [],
  ): Promise<readonly Finding[]> {
    // as: the labs of these tests have guests on Proxmox.
    const lab = checkLab(input, "/lab").lab as ProxmoxLab;
    return examineSsh(lab, env, async (command, args) => {
      asked.push([command, ...args]);
      return result;
    });
  }
  const summary = (findings: readonly Finding[]) =>
    findings.map(({ code, severity, path, message, remedy }) => ({
      code,
      severity,
      path: path.join("."),
      text: `${message} → ${remedy}`,
    }));

  test("finds nothing where the user may log in and write snippets", async () =>
    expect(await examined(viaSsh, said(""))).toEqual([]));
  test("is asked of each node once, at its address and port", async () => {
    const asked: string[][] = [];
    await examined(viaSsh, said(""), AGENT, asked);
    expect(asked.map((args) => args.slice(-4, -1))).toEqual([["-p", "2222", "terraform@192.0.2.11"]]);
  });
  test("takes keys from the agent alone, and reads no configuration, as the provider does", async () => {
    const asked: string[][] = [];
    await examined(viaSsh, said(""), AGENT, asked);
    expect([asked[0]?.slice(1, 3), asked[0]?.includes("IdentityFile=none")]).toEqual([["-F", "none"], true]);
  });
  test("never asks for a password", async () => {
    const asked: string[][] = [];
    await examined(viaSsh, said(""), AGENT, asked);
    expect(asked[0]).toContain("BatchMode=yes");
  });
  test("remembers no host: new keys would go to /dev/null, and those that are known are compared", async () => {
    const asked: string[][] = [];
    await examined(viaSsh, said(""), AGENT, asked);
    expect(asked[0]).toEqual(
      expect.arrayContaining([
        "StrictHostKeyChecking=accept-new",
        "UserKnownHostsFile=/dev/null /home/operator/.ssh/known_hosts",
      ]),
    );
  });
  test("asks sudo on the node, and only whether it would", async () => {
    const asked: string[][] = [];
    await examined(viaSsh, said(""), AGENT, asked);
    expect(asked[0]?.at(-1)).toMatch(
      /^path=\$\(sudo -n pvesm path local:snippets\/k3s-\d+-user-data\.yaml\) .*sudo -n -l tee "\$path"/,
    );
  });
  test("asks nothing of sudo as root, who needs none", async () => {
    const asked: string[][] = [];
    await examined(labWith({ proxmox: { ssh: { username: "root" } } }, clusterLab), said(""), AGENT, asked);
    expect(asked[0]?.at(-1)).toBe("true");
  });
  test("is not asked for a lab of containers alone, which has no snippets", async () => {
    const asked: string[][] = [];
    await examined(labWith({ proxmox: { ssh: { username: "terraform" } } }, baseLab), said(""), AGENT, asked);
    expect(asked).toEqual([]);
  });

  test.each([
    [
      "a key that the node does not take",
      failed(255, "terraform@192.0.2.11: Permission denied (publickey)."),
      "ssh-failed",
      "proxmox.nodes.pve1.address",
      ["Permission denied (publickey)", "~terraform/.ssh/authorized_keys on pve1"],
    ],
    [
      "a node with another host key",
      failed(255, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed."),
      "ssh-failed",
      "proxmox.nodes.pve1.address",
      ["ssh-keygen -R '[192.0.2.11]:2222'"],
    ],
    [
      "a node that does not answer",
      failed(255, "ssh: connect to host 192.0.2.11 port 2222: Connection refused"),
      "ssh-failed",
      "proxmox.nodes.pve1.address",
      ["Connection refused", "Check the address, the port"],
    ],
    [
      "a user who may not run pvesm",
      failed(10, "sudo: a password is required"),
      "sudo-missing",
      "proxmox.ssh.username",
      ["sudo does not let it run pvesm without a password: sudo: a password is required", "docs/cluster.md"],
    ],
    [
      "a user who may not write snippets",
      failed(11, "sudo: a password is required"),
      "sudo-missing",
      "proxmox.ssh.username",
      ["tee for k3s-301-user-data.yaml on local"],
    ],
  ] as const)("finds %s, with its place and what to do", async (_, result, code, path, words) => {
    const [finding, ...others] = summary(await examined(viaSsh, result));
    expect([finding, others]).toEqual([{ code, severity: "error", path, text: expect.any(String) }, []]);
    expect(words.filter((word) => !finding?.text.includes(word))).toEqual([]);
  });

  test("finds that no agent runs, and tries nothing", async () => {
    const asked: string[][] = [];
    const found = summary(await examined(viaSsh, said(""), {}, asked));
    expect([asked, found]).toEqual([[], [expect.objectContaining({ code: "ssh-key-missing", path: "proxmox.ssh.agent" })]]);
  });
  test("finds that the variable with the key is missing", async () => {
    const lab = labWith({ proxmox: { ssh: { username: "terraform", agent: false } } }, clusterLab);
    expect(summary(await examined(lab, said(""), {}))).toEqual([
      expect.objectContaining({ code: "ssh-key-missing", text: expect.stringContaining("PROXMOX_VE_SSH_PRIVATE_KEY") }),
    ]);
  });
  test("says that a key in a variable was not tried, and never what it is", async () => {
    const lab = labWith({ proxmox: { ssh: { username: "terraform", agent: false } } }, clusterLab);
    const found = summary(await examined(lab, said(""), { PROXMOX_VE_SSH_PRIVATE_KEY: "the-key" }));
    expect([found[0]?.code, JSON.stringify(found).includes("the-key")]).toEqual(["ssh-unknown", false]);
  });
});
