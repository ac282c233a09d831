// A node that loses its power, restarts or is stopped while it makes itself, and what the unit does at the next boot.
import * as fs from "node:fs";
import * as path from "node:path";
import { AGENT_TOKEN, BINARY, BootstrapNode, describeOnLinux, lines } from "./bootstrap-node";

let node: BootstrapNode;
afterEach(() => node.remove());

const JOIN = "https://192.0.2.31:6443";

describeOnLinux("a GPU worker whose power is cut", () => {
  test.each([
    ["while the base packages are installed", "^apt-get .* qemu-guest-agent"],
    ["while the initramfs is built", "^update-initramfs"],
    ["while the driver is installed", "^apt-get .* nvidia-dkms"],
    ["while the module is loaded", "^modprobe nvidia$"],
    ["while NVIDIA's key is downloaded", "^curl .*gpgkey"],
    ["while the toolkit is installed", "^apt-get .* nvidia-container-toolkit"],
    ["while K3s is downloaded", "^curl .*/k3s$"],
    ["while it looks for its server", "^curl .*readyz"],
    ["while K3s starts", "^systemctl restart"],
    ["while it waits for its place in the cluster", "^k3s-binary"],
  ])("%s is ready after the next boot", async (_, moment) => {
    node = new BootstrapNode("worker", { GPU: "true" });
    node.cutPowerAt(moment);
    expect((await node.bootstrap()).code).toBeNull();
    expect([node.marker("ready"), node.marker("failed")]).toEqual([undefined, undefined]);
    expect((await node.bootstrap()).code).toBe(0);
    expect(node.marker("ready")?.["gpu"]).toBe("true");
    expect(node.read("usr/local/bin/k3s")).toBe(BINARY);
    expect(node.files().filter((file) => /part$|k3s\..*|token\./.test(path.basename(file)))).toEqual([]);
  });

  test("while it waits for its token waits again, and is ready when that has come", async () => {
    node = new BootstrapNode("worker", { TOKEN_WAIT_SECONDS: "10" });
    node.withoutFile("etc/rancher/k3s/token");
    node.fake("sleep", "cut_power; exec /bin/sleep $1");
    node.cutPowerAt("^sleep");
    expect((await node.bootstrap()).code).toBeNull();
    const again = node.bootstrap();
    node.write("etc/rancher/k3s/token", AGENT_TOKEN);
    expect((await again).code).toBe(0);
    expect(node.marker("waiting-for-token")).toBeUndefined();
  });
});

describeOnLinux("a first server whose power is cut", () => {
  test.each([
    ["while it writes its tokens", "^sync"],
    ["while the list of checksums is downloaded", "^curl .*sha256sum"],
    ["while the API comes up", "^k3s-binary"],
  ])("%s is ready after the next boot, with private tokens", async (_, moment) => {
    node = new BootstrapNode("server", { GENERATE_TOKENS: "true" });
    node.withoutFile("etc/rancher/k3s/token");
    node.withoutFile("etc/rancher/k3s/agent-token");
    node.cutPowerAt(moment);
    expect((await node.bootstrap()).code).toBeNull();
    expect((await node.bootstrap()).code).toBe(0);
    expect(node.marker("ready")?.["role"]).toBe("server");
    for (const file of ["token", "agent-token"]) {
      expect(node.read(`etc/rancher/k3s/${file}`)).toMatch(/^[0-9a-f]{64}$/);
      expect(node.mode(`etc/rancher/k3s/${file}`)).toBe("600");
    }
  });
});

describeOnLinux("a run that is cut short", () => {
  test("during an upgrade leaves no ready marker, so that the unit goes on", async () => {
    node = new BootstrapNode("worker");
    await node.bootstrap();
    node.cutPowerAt("^systemctl restart");
    await node.bootstrap();
    expect(node.marker("ready")).toBeUndefined();
  });

  test.each([
    ["TERM", "as a shutdown sends it", 143],
    ["HUP", "as a closed terminal sends it", 129],
    ["INT", "as Ctrl-C sends it", 130],
    ["PIPE", "when its log has ended", 141],
  ])("by %s, %s, leaves no failed marker: whoever waits goes on waiting", async (signal, _, code) => {
    node = new BootstrapNode("worker");
    node.fake("apt-get", `kill -${signal} $caller; exit 1`);
    expect((await node.bootstrap()).code).toBe(code);
    expect(node.marker("failed")).toBeUndefined();
  });
});

describeOnLinux("a node that has joined", () => {
  test("waits neither for the server that it joined at, which may be gone, nor for a token", async () => {
    node = new BootstrapNode("worker", { TOKEN_WAIT_SECONDS: "3600", WAIT_FOR_SERVER_SECONDS: "3600" });
    await node.bootstrap();
    node.withoutFile(".fake/join-server-answers");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(0);
    expect(lines(calls).filter((line) => line.includes("readyz") && line.startsWith("curl"))).toEqual([]);
    expect(node.log).toContain(`This node joined its cluster earlier; it does not wait for ${JOIN}.`);
  });

  test("and whose token file is gone says so at once, since K3s would not start", async () => {
    node = new BootstrapNode("worker", { TOKEN_WAIT_SECONDS: "3600" });
    await node.bootstrap();
    node.withoutFile("etc/rancher/k3s/token");
    expect((await node.bootstrap()).code).toBe(3);
  });

  test("as a server does not wait for the server before it", async () => {
    node = new BootstrapNode("server", { JOIN_SERVER_URL: JOIN, WAIT_FOR_SERVER_SECONDS: "3600" });
    node.write("var/lib/rancher/k3s/server/db/etcd/member/wal/0.wal", "");
    node.withoutFile(".fake/join-server-answers");
    expect((await node.bootstrap()).code).toBe(0);
  });

  test("as a server whose data was taken away joins again, so it waits", async () => {
    node = new BootstrapNode("server", { JOIN_SERVER_URL: JOIN });
    node.write("var/lib/rancher/k3s/agent/client-kubelet.crt", "certificate");
    node.write("var/lib/rancher/k3s/agent/client-kubelet.key", "key");
    node.withoutFile(".fake/join-server-answers");
    expect((await node.bootstrap()).code).toBe(9);
  });
});

describe("the unit", () => {
  const text = fs.readFileSync(path.join(__dirname, "../../../templates/k3s/k3s-bootstrap@.service"), "utf8");
  const settings = text.split("\n").filter((line) => /^[A-Z]\w+=/.test(line));

  test("runs the script of its role at each boot until the node is ready, after the network is up", () => {
    expect(settings).toEqual(
      expect.arrayContaining([
        "ConditionPathExists=!/var/lib/k3s-bootstrap/ready",
        "After=network-online.target",
        "ExecStart=/usr/local/lib/k3s-bootstrap/bootstrap-%i.sh",
        "WantedBy=multi-user.target",
      ]),
    );
  });

  test("counts as started at once, so that the boot and cloud-init do not wait for it", () => {
    expect(settings).toContain("Type=exec");
  });
});
