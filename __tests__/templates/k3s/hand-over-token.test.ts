import * as fs from "node:fs";
import * as path from "node:path";
import type { ScriptResult } from "../../../testing/sandbox";
import { AGENT_PASSWORD, AGENT_TOKEN, OperatorMachine, SERVER_TOKEN } from "./operator-machine";

const FIRST = "192.0.2.31";
const SECOND = "192.0.2.32";
const WORKER = "192.0.2.41";
const SECRETS = [SERVER_TOKEN.slice(-64), AGENT_PASSWORD];

let machine: OperatorMachine;
beforeEach(() => {
  machine = new OperatorMachine();
});
afterEach(() => machine.remove());

const handOver = (env: Record<string, string> = {}): Promise<ScriptResult> =>
  machine.operate("hand-over-token.sh", { FIRST_SERVER: `k3s-1=${FIRST}`, WORKERS: `gpu-1=${WORKER}`, ...env });
const onNode = (address: string, file: string): string => machine.read(`nodes/${address}/etc/rancher/k3s/${file}`);
const hasToken = (address: string): boolean => machine.exists(`nodes/${address}/etc/rancher/k3s/token`);

describe("handing over", () => {
  beforeEach(() => machine.server(FIRST));

  test("gives a worker that waits the agents' token, mode 0600, and nothing else", async () => {
    machine.node(WORKER, "waiting-for-token");
    const { code, stdout, stderr } = await handOver();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("gpu-1: has the token\n");
    expect(stdout).toMatch(/Every node has its token\.\n$/);
    expect(onNode(WORKER, "token")).toBe(AGENT_TOKEN);
    expect(machine.mode(`nodes/${WORKER}/etc/rancher/k3s/token`)).toBe("600");
    expect(machine.files().filter((file) => file.startsWith(`nodes/${WORKER}/etc`))).toEqual([
      `nodes/${WORKER}/etc/rancher/k3s/token`,
    ]);
  });

  test("gives a server the server token, and the agents' password bare, as a server compares it", async () => {
    machine.node(SECOND, "waiting-for-token");
    const { code } = await handOver({ SERVERS: `k3s-2=${SECOND}`, WORKERS: "" });
    expect(code).toBe(0);
    expect(onNode(SECOND, "token")).toBe(SERVER_TOKEN);
    expect(onNode(SECOND, "agent-token")).toBe(AGENT_PASSWORD);
    expect(machine.mode(`nodes/${SECOND}/etc/rancher/k3s/agent-token`)).toBe("600");
  });

  test("never sends a worker the server token", async () => {
    machine.node(WORKER, "waiting-for-token");
    const { calls } = await handOver();
    const sent = calls.filter((call) => call.argv.includes(`ubuntu@${WORKER}`)).map((call) => call.stdin);
    expect(sent.join("")).toContain(AGENT_TOKEN);
    expect(sent.join("")).not.toContain(SERVER_TOKEN);
  });

  test("leaves no token on a command line, in the output, or in a file on the operator's machine", async () => {
    machine.node(SECOND, "waiting-for-token");
    machine.node(WORKER, "waiting-for-token");
    const { calls, stdout, stderr } = await handOver({ SERVERS: `k3s-2=${SECOND}` });
    const mine = path.join(machine.root, "..");
    const files = fs
      .readdirSync(mine, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\/nodes\/|\/calls$/.test(entry.parentPath))
      .map((entry) => fs.readFileSync(path.join(entry.parentPath, entry.name), "utf8"));
    const seen = [...calls.map((call) => call.argv.join(" ")), stdout, stderr, ...files];
    for (const secret of SECRETS) {
      expect(seen.filter((text) => text.includes(secret))).toEqual([]);
    }
  });

  test("prints no token under a trace of the shell either", async () => {
    machine.node(WORKER, "waiting-for-token");
    const script = path.join(__dirname, "../../../templates/k3s/hand-over-token.sh");
    machine.write("trace.sh", `exec bash -x "${script}"`);
    const env = { TIMEOUT_SECONDS: "0", FIRST_SERVER: `k3s-1=${FIRST}`, WORKERS: `gpu-1=${WORKER}` };
    const { code, stderr } = await machine.run(path.join(machine.root, "trace.sh"), { env });
    expect(code).toBe(0);
    expect(SECRETS.filter((secret) => stderr.includes(secret))).toEqual([]);
  });

  test("leaves nothing on a node whose connection breaks in the middle of the token", async () => {
    machine.node(WORKER, "waiting-for-token");
    machine.onNode(WORKER, "breaks", "");
    const { code, stderr } = await handOver();
    expect(code).toBe(4);
    expect(stderr).toContain("gpu-1: the token could not be written");
    expect(machine.files().filter((file) => file.startsWith(`nodes/${WORKER}/etc`))).toEqual([]);
  });

  test("leaves nothing on a node that cannot take the file into place", async () => {
    machine.node(WORKER, "waiting-for-token");
    machine.fake("mv", "exit 1");
    expect((await handOver()).code).toBe(4);
    expect(machine.files().filter((file) => file.startsWith(`nodes/${WORKER}/etc`))).toEqual([]);
  });

  test("waits for a worker that asks later", async () => {
    machine.node(WORKER);
    machine.atSecondPause(() => machine.node(WORKER, "waiting-for-token"));
    const { code, stdout } = await handOver({ TIMEOUT_SECONDS: "20" });
    expect(code).toBe(0);
    expect(onNode(WORKER, "token")).toBe(AGENT_TOKEN);
    // Each state is told once, however often the node was looked at.
    const told = stdout.match(/gpu-1: .*/g) ?? [];
    expect(told).toEqual([...new Set(told)]);
  });

  test("ends with code 4 for a worker that never asks, which gets no token, while the others get theirs", async () => {
    machine.node(WORKER);
    machine.node(SECOND, "waiting-for-token");
    const { code, stderr } = await handOver({ SERVERS: `k3s-2=${SECOND}` });
    expect(code).toBe(4);
    expect(stderr).toContain("  gpu-1: starting (Installing the driver)\n");
    expect(hasToken(WORKER)).toBe(false);
    expect(hasToken(SECOND)).toBe(true);
  });

  test("ends with code 4 for a node that cannot be reached, naming it", async () => {
    const { code, stderr } = await handOver();
    expect(code).toBe(4);
    expect(stderr).toContain(`gpu-1: unreachable (ssh: connect to host ${WORKER} port 22: No route to host)`);
  });

  test("ends with code 3 for a worker that failed, which gets no token", async () => {
    machine.node(WORKER, "failed", "reason=nvidia-smi failed\nexit_code=6\n");
    const { code, stderr } = await handOver();
    expect(code).toBe(3);
    expect(stderr).toContain("gpu-1 got no token: failed (nvidia-smi failed)");
    expect(hasToken(WORKER)).toBe(false);
  });

  test("gives a worker that gave up waiting its token, and says with code 3 what to run there", async () => {
    machine.node(WORKER, "failed", "reason=No join token arrived\nexit_code=4\n");
    const { code, stderr } = await handOver();
    expect(code).toBe(3);
    expect(onNode(WORKER, "token")).toBe(AGENT_TOKEN);
    expect(stderr).toContain("sudo /usr/local/lib/k3s-bootstrap/bootstrap-worker.sh");
  });

  test("has nothing to do for a cluster of one server", async () => {
    const { code, calls } = await handOver({ WORKERS: "" });
    expect(code).toBe(0);
    expect(calls).toEqual([]);
  });
});

describe("a second run", () => {
  beforeEach(() => {
    machine.server(FIRST);
    machine.node(WORKER, "ready");
  });

  test("changes nothing on a node that has the token", async () => {
    machine.onNode(WORKER, "etc/rancher/k3s/token", AGENT_TOKEN);
    const file = path.join(machine.root, `nodes/${WORKER}/etc/rancher/k3s/token`);
    const before = fs.statSync(file);
    const { code, stdout, stderr } = await handOver();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("gpu-1: had the token already\n");
    expect(fs.statSync(file).ino).toBe(before.ino);
  });

  test("closes the mode of a token that others could read", async () => {
    machine.onNode(WORKER, "etc/rancher/k3s/token", AGENT_TOKEN, 0o644);
    await handOver();
    expect(machine.mode(`nodes/${WORKER}/etc/rancher/k3s/token`)).toBe("600");
  });

  test("brings a rotated token to a node, and says that K3s reads it when it restarts", async () => {
    machine.onNode(WORKER, "etc/rancher/k3s/token", "old");
    const { code, stderr } = await handOver();
    expect(code).toBe(0);
    expect(onNode(WORKER, "token")).toBe(AGENT_TOKEN);
    expect(stderr).toContain("gpu-1 was already a node with another token");
  });
});

describe("the first server", () => {
  beforeEach(() => machine.node(WORKER, "waiting-for-token"));

  test("that cannot be reached ends with code 4, naming it", async () => {
    const { code, stderr } = await handOver();
    expect(code).toBe(4);
    expect(stderr).toContain("the first server k3s-1 was not ready after 0 s; last: unreachable (ssh: connect");
    expect(hasToken(WORKER)).toBe(false);
  });

  test("is waited for", async () => {
    machine.atSecondPause(() => machine.server(FIRST));
    expect((await handOver({ TIMEOUT_SECONDS: "20" })).code).toBe(0);
  });

  test("that failed ends with code 3 and its reason", async () => {
    machine.node(FIRST, "failed", "reason=checksum\nexit_code=8\n");
    const { code, stderr } = await handOver();
    expect(code).toBe(3);
    expect(stderr).toContain("k3s-1 is failed (checksum)");
  });

  test("without an agent token of its own ends with code 5 rather than give workers the server token", async () => {
    machine.server(FIRST);
    machine.onNode(FIRST, "var/lib/rancher/k3s/server/agent-token", SERVER_TOKEN);
    const { code, stderr } = await handOver();
    expect(code).toBe(5);
    expect(stderr).toContain("has no agent token of its own");
    expect(hasToken(WORKER)).toBe(false);
  });

  test.each(["", "K10abc::server:with space", "short"])("whose token is '%s' ends with code 5", async (token) => {
    machine.server(FIRST);
    machine.onNode(FIRST, "var/lib/rancher/k3s/server/token", token);
    expect((await handOver()).code).toBe(5);
    expect(hasToken(WORKER)).toBe(false);
  });

  test("without a token file ends with code 5", async () => {
    machine.server(FIRST);
    fs.rmSync(path.join(machine.root, `nodes/${FIRST}/var/lib/rancher/k3s/server/token`));
    const { code, stderr } = await handOver();
    expect(code).toBe(5);
    expect(stderr).toContain("/var/lib/rancher/k3s/server/token could not be read on k3s-1");
  });
});

test.each([
  [{ FIRST_SERVER: "" }, "'' is no NAME=ADDRESS."],
  [{ WORKERS: "gpu-1" }, "'gpu-1' is no NAME=ADDRESS."],
  [{ TOKEN_FILE: "/etc/x; reboot" }, "'/etc/x; reboot' is no absolute path of letters, digits, '.', '_' and '-'."],
  [{ AGENT_TOKEN_FILE: "relative" }, "'relative' is no absolute path"],
])("parameters %j end with code 64 and ask nobody", async (env, message) => {
  const { code, stderr, calls } = await handOver(env as Record<string, string>);
  expect([code, stderr, calls]).toEqual([64, expect.stringContaining(message), []]);
});
