import { kubeconfig, OperatorMachine } from "./operator-machine";

const SERVER = "192.0.2.31";
const WORKER = "192.0.2.41";
const NODES = `k3s-1=${SERVER}\ngpu-1=${WORKER}`;

let machine: OperatorMachine;
beforeEach(() => {
  machine = new OperatorMachine();
});
afterEach(() => machine.remove());

describe("waiting", () => {
  test("ends with code 0 when every node has its ready marker", async () => {
    machine.server(SERVER);
    machine.node(WORKER, "ready");
    const { code, stdout } = await machine.operate("wait-for-nodes.sh", { NODES });
    expect(code).toBe(0);
    expect(stdout).toContain("k3s-1: ready\ngpu-1: ready\nAll nodes are ready.\n");
  });

  test("goes on while a node is not ready, and shows what its bootstrap does", async () => {
    machine.server(SERVER);
    machine.node(WORKER);
    machine.atSecondPause(() => machine.node(WORKER, "ready"));
    const { code, stdout } = await machine.operate("wait-for-nodes.sh", { NODES, TIMEOUT_SECONDS: "20" });
    expect(code).toBe(0);
    expect(stdout).toContain("gpu-1: starting (Installing the driver)\n");
    expect(stdout.match(/gpu-1: starting/g)).toHaveLength(1);
  });

  test("ends with code 3 when a node failed, naming it, its reason and the end of its log, and no other's", async () => {
    machine.server(SERVER);
    machine.node(WORKER, "failed", "reason=nvidia-smi failed\nexit_code=6\n");
    machine.onNode(WORKER, "var/log/bootstrap-worker.log", "long ago\nNVIDIA-SMI has failed\n");
    const { code, stdout, stderr } = await machine.operate("wait-for-nodes.sh", { NODES, LOG_LINES: "1" });
    expect(code).toBe(3);
    expect(stdout).toContain("gpu-1: failed (nvidia-smi failed)");
    expect(stderr).toContain("--- the end of the bootstrap log of gpu-1 ---\nNVIDIA-SMI has failed\n--- end ---\n");
    expect(stderr).not.toContain("long ago");
    expect(stderr).toContain("not going to be: gpu-1.");
  });

  test("does not wait for the others once one has failed", async () => {
    machine.node(SERVER);
    machine.node(WORKER, "failed", "reason=x\nexit_code=6\n");
    expect((await machine.operate("wait-for-nodes.sh", { NODES, TIMEOUT_SECONDS: "600" })).code).toBe(3);
  });

  test("ends with code 4 when time is up, naming who never answered and who was not done, each with its last state", async () => {
    machine.node(SERVER);
    const { code, stderr } = await machine.operate("wait-for-nodes.sh", { NODES });
    expect(code).toBe(4);
    expect(stderr).toContain("  k3s-1: starting (Installing the driver)\n");
    expect(stderr).toContain(`  gpu-1: unreachable (ssh: connect to host ${WORKER} port 22: No route to host)\n`);
    expect(stderr).toContain("2 of 2 node(s) are not ready");
  });

  test("says so when a node has no log yet", async () => {
    machine.onNode(SERVER, "var/log/syslog", "");
    const { stderr } = await machine.operate("wait-for-nodes.sh", { NODES: `k3s-1=${SERVER}` });
    expect(stderr).toContain("k3s-1: starting (no bootstrap log yet)");
  });

  test("ends with code 3 at once, with the remedy, when a node shows another host key", async () => {
    machine.onNode(SERVER, "other-host-key", "");
    const { code, stdout } = await machine.operate("wait-for-nodes.sh", { NODES: `k3s-1=${SERVER}`, TIMEOUT_SECONDS: "600" });
    expect(code).toBe(3);
    expect(stdout).toContain(`ssh-keygen -R ${SERVER}`);
  });

  test("never asks for a password, limits each attempt and trusts only new hosts", async () => {
    machine.server(SERVER);
    const { calls } = await machine.operate("wait-for-nodes.sh", { NODES: `k3s-1=${SERVER}`, SSH_USER: "admin" });
    expect(calls[0]?.argv.slice(0, -1)).toEqual(
      "-o BatchMode=yes -o LogLevel=ERROR -o ConnectTimeout=10 -o StrictHostKeyChecking=accept-new -o ServerAliveInterval=5 -o ServerAliveCountMax=3 admin@192.0.2.31".split(
        " ",
      ),
    );
  });

  test("gives ssh the user's options before its own, and the file of known hosts", async () => {
    machine.server(SERVER);
    const { calls } = await machine.operate("wait-for-nodes.sh", {
      NODES: `k3s-1=${SERVER}`,
      SSH_OPTIONS: "-i /keys/lab -p 2222",
      SSH_HOST_KEYS: "yes",
      SSH_KNOWN_HOSTS: "known_hosts",
    });
    const command = calls[0]?.argv.join(" ");
    expect(command).toMatch(/^-i \/keys\/lab -p 2222 -o BatchMode=yes /);
    expect(command).toContain("-o StrictHostKeyChecking=yes ");
    expect(command).toContain("-o UserKnownHostsFile=known_hosts ");
  });

  test.each([
    [{ NODES: "" }, "NODES is empty"],
    [{ NODES: "k3s-1" }, "'k3s-1' is no NAME=ADDRESS"],
    [{ NODES: "k3s-1=-oProxyCommand=x" }, "is no address and no host name"],
    [{ NODES, TIMEOUT_SECONDS: "1h" }, "TIMEOUT_SECONDS is '1h'"],
    [{ NODES, SSH_USER: "-v" }, "SSH_USER is '-v'"],
    [{ NODES, LOG_LINES: "many" }, "LOG_LINES is 'many'"],
  ])("with %j ends with code 64 and asks nobody", async (env, message) => {
    const { code, stderr, calls } = await machine.operate("wait-for-nodes.sh", env as Record<string, string>);
    expect(code).toBe(64);
    expect(stderr).toContain(message);
    expect(calls).toEqual([]);
  });
});

describe("the kubeconfig", () => {
  const wait = (env: Record<string, string> = {}): ReturnType<OperatorMachine["operate"]> =>
    machine.operate("wait-for-nodes.sh", {
      NODES: `k3s-1=${SERVER}`,
      SERVER_ADDRESS: SERVER,
      KUBECONFIG_PATH: "made/kubeconfig",
      ...env,
    });

  beforeEach(() => machine.server(SERVER));

  test("is written with the server's address and mode 0600, its folder made", async () => {
    expect((await wait()).code).toBe(0);
    expect(machine.read("made/kubeconfig")).toBe(kubeconfig("CLUSTER-A", `https://${SERVER}:6443`));
    expect(machine.mode("made/kubeconfig")).toBe("600");
  });

  test("bears the address of the API when that is another one", async () => {
    await wait({ KUBERNETES_API_ADDRESS: "k3s.home.example" });
    expect(machine.read("made/kubeconfig")).toContain("server: https://k3s.home.example:6443\n");
  });

  test("puts an IPv6 address into brackets", async () => {
    await wait({ KUBERNETES_API_ADDRESS: "2001:db8::31" });
    expect(machine.read("made/kubeconfig")).toContain("server: https://[2001:db8::31]:6443\n");
  });

  test("is not fetched when no path is given", async () => {
    expect((await wait({ KUBECONFIG_PATH: "" })).code).toBe(0);
    expect(machine.files().filter((file) => !file.startsWith("nodes/"))).toEqual([]);
  });

  test("is not fetched while a node is not ready", async () => {
    expect((await wait({ NODES })).code).toBe(4);
    expect(machine.exists("made/kubeconfig")).toBe(false);
  });

  test("of the same cluster is replaced, an open mode closed", async () => {
    machine.write("made/kubeconfig", kubeconfig("CLUSTER-A", "https://192.0.2.99:6443"), 0o644);
    await wait();
    expect(machine.read("made/kubeconfig")).toContain(SERVER);
    expect(machine.mode("made/kubeconfig")).toBe("600");
    expect(machine.exists("made/kubeconfig.backup-1")).toBe(false);
  });

  test("of another cluster is kept as a backup, and so is the next", async () => {
    machine.write("made/kubeconfig", kubeconfig("CLUSTER-B"));
    const { code, stdout } = await wait();
    expect(code).toBe(0);
    expect(stdout).toContain("kept as made/kubeconfig.backup-1");
    machine.write("made/kubeconfig", kubeconfig("CLUSTER-C"), 0o644);
    await wait();
    expect(machine.read("made/kubeconfig.backup-1")).toBe(kubeconfig("CLUSTER-B"));
    expect(machine.read("made/kubeconfig.backup-2")).toBe(kubeconfig("CLUSTER-C"));
    expect(machine.mode("made/kubeconfig.backup-2")).toBe("600");
  });

  test("that holds this cluster among others is kept too", async () => {
    const both = kubeconfig("CLUSTER-A") + kubeconfig("CLUSTER-B");
    machine.write("made/kubeconfig", both);
    await wait();
    expect(machine.read("made/kubeconfig.backup-1")).toBe(both);
  });

  test("that cannot be read ends with code 5 and leaves the old one alone", async () => {
    machine.write("made/kubeconfig", "mine");
    machine.onNode(SERVER, "etc/rancher/k3s/k3s.yaml", "");
    const { code, stderr } = await wait();
    expect(code).toBe(5);
    expect(stderr).toContain("is not the kubeconfig that K3s writes");
    expect(machine.read("made/kubeconfig")).toBe("mine");
    expect(machine.files().filter((file) => !file.startsWith("nodes/"))).toEqual(["made/kubeconfig"]);
  });

  test("can be fetched alone", async () => {
    const { code, stdout } = await machine.operate("fetch-kubeconfig.sh", {
      SERVER_ADDRESS: SERVER,
      KUBECONFIG_PATH: "kubeconfig",
    });
    expect([code, stdout]).toEqual([0, expect.stringContaining(`The kubeconfig for https://${SERVER}:6443 is kubeconfig\n`)]);
    expect(machine.read("kubeconfig")).toContain(`server: https://${SERVER}:6443\n`);
  });

  test("of a server that cannot be reached ends with code 5", async () => {
    const { code, stderr } = await machine.operate("fetch-kubeconfig.sh", {
      SERVER_ADDRESS: "192.0.2.9",
      KUBECONFIG_PATH: "kubeconfig",
    });
    expect([code, stderr]).toEqual([5, expect.stringContaining("k3s.yaml could not be read on 192.0.2.9.")]);
    expect(machine.exists("kubeconfig")).toBe(false);
  });

  test.each([
    [{ SERVER_ADDRESS: "", KUBECONFIG_PATH: "k" }, "SERVER_ADDRESS: '' is no address"],
    [
      { SERVER_ADDRESS: "-oProxyCommand=a", KUBERNETES_API_ADDRESS: "a", KUBECONFIG_PATH: "k" },
      "SERVER_ADDRESS: '-oProxyCommand=a' is no address",
    ],
    [{ SERVER_ADDRESS: SERVER, KUBECONFIG_PATH: "" }, "KUBECONFIG_PATH is empty"],
    [{ SERVER_ADDRESS: SERVER, KUBECONFIG_PATH: "nodes" }, "KUBECONFIG_PATH is nodes, which is a folder"],
    [
      { SERVER_ADDRESS: SERVER, KUBECONFIG_PATH: "k", KUBERNETES_API_ADDRESS: "a/b" },
      "KUBERNETES_API_ADDRESS: 'a/b' is no address",
    ],
  ])("with %j ends with code 64", async (env, message) => {
    const { code, stderr, calls } = await machine.operate("fetch-kubeconfig.sh", env as Record<string, string>);
    expect([code, stderr, calls]).toEqual([64, expect.stringContaining(message), []]);
  });
});
