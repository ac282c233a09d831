// The commands of docs/upgrades.md and docs/cluster.md that run on a node, run on one that is as the bootstrap left it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type ServerConfig, serverConfig } from "../../constructs/k3s/k3s-config";
import { Sandbox, type ScriptResult } from "../../testing/sandbox";
import { BINARY, BootstrapNode, describeOnLinux, lines, sha256 } from "../templates/k3s/bootstrap-node";

const ROOT = join(__dirname, "../..");
const page = (name: string): string => readFileSync(join(ROOT, "docs", name), "utf8");

/** The blocks of shell on a page that hold a text. */
function blocks(name: string, text: string): string[] {
  return [...page(name).matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .map(([, block = ""]) => block)
    .filter((block) => block.includes(text));
}

/** The only such block; its paths are the sandbox's, and it ends at the first command that fails. */
function run(sandbox: Sandbox, name: string, text: string): Promise<ScriptResult> {
  const [block = "", ...others] = blocks(name, text);
  if (block === "" || others.length > 0) throw new Error(`${others.length + (block ? 1 : 0)} blocks of ${name} hold ${text}`);
  sandbox.fake(
    "sudo",
    `for word in "$@"; do
       word=\${word//\\/etc\\//$SANDBOX/etc/}; word=\${word//\\/var\\//$SANDBOX/var/}
       words+=("\${word//\\/usr\\/local\\/lib\\/k3s-bootstrap\\//${ROOT}/templates/k3s/}")
     done
     [[ \${words[0]} != *.sh ]] || words=(bash "\${words[@]}")
     exec "\${words[@]}"`,
  );
  sandbox.write("page.sh", `set -e\n${block}`);
  return sandbox.run(join(sandbox.root, "page.sh"), { env: { ROOT: sandbox.root } });
}

let node: BootstrapNode;
let sandbox: Sandbox | undefined;
afterEach(() => {
  node?.remove();
  sandbox?.remove();
  sandbox = undefined;
});

/** A GPU worker that has joined; its server is gone by now, and Ubuntu offers another driver. */
async function runningWorker(parameters: Record<string, string> = {}): Promise<void> {
  node = new BootstrapNode("worker", { GPU: "true", NVIDIA_BRANCH: "distribution", K3S_SHA256: sha256(BINARY), ...parameters });
  node.fake("ubuntu-drivers", "echo nvidia-driver-580-open");
  node.fake("reboot");
  expect((await node.bootstrap()).code).toBe(0);
  node.fake("ubuntu-drivers", "echo nvidia-driver-590-open");
  node.withoutFile(".fake/join-server-answers");
}

describeOnLinux("K3s in place", () => {
  const TAG = "v1.36.4%2Bk3s1";
  const NEW = "#!/usr/bin/env bash\n# of the new release\n";

  test("puts the new release in place and leaves the driver, without waiting for a server", async () => {
    await runningWorker();
    const release = `https://github.com/k3s-io/k3s/releases/download/${TAG}`;
    node.publish(`${release}/k3s`, NEW);
    node.publish(`${release}/sha256sum-amd64.txt`, `${sha256(NEW)}  k3s\n`);
    node.publish(`https://raw.githubusercontent.com/k3s-io/k3s/${TAG}/install.sh`, "true");
    const { code, calls } = await run(node, "upgrades.md", "K3S_VERSION=");
    expect(code).toBe(0);
    expect(node.marker("ready")?.["k3s_version"]).toBe("v1.36.4+k3s1");
    expect(node.read("usr/local/bin/k3s")).toBe(NEW);
    expect(lines(calls).filter((line) => /^(apt-get|ubuntu-drivers|curl .*readyz)/.test(line))).toEqual([]);
  });
});

describeOnLinux("the NVIDIA driver in place", () => {
  test("a patch of the branch is installed before the restart, and proved by the unit after it", async () => {
    await runningWorker();
    const { code, calls } = await run(node, "upgrades.md", "--only-upgrade");
    expect(code).toBe(0);
    expect(lines(calls).filter((line) => /^(apt-get|reboot)/.test(line))).toEqual([
      "apt-get update",
      "apt-get install --yes --only-upgrade nvidia-*-580* libnvidia-*-580*",
      "reboot",
    ]);
    expect(node.marker("ready")).toBeUndefined();
    expect((await node.runScript()).code).toBe(0);
  });

  test("another branch is installed by the unit after the restart", async () => {
    await runningWorker({ NVIDIA_BRANCH: "580" });
    expect((await run(node, "upgrades.md", "NVIDIA_BRANCH=")).code).toBe(0);
    expect(node.marker("ready")).toBeUndefined();
    const { code, calls } = await node.runScript();
    expect(code).toBe(0);
    expect(lines(calls)).toContainEqual(expect.stringMatching(/^apt-get .* nvidia-dkms-590-open nvidia-utils-590$/));
  });
});

describeOnLinux("etcd restored", () => {
  const CONFIG = "etc/rancher/k3s/config.yaml";
  const OTHER = "https://192.0.2.33:6443";

  function server(membership: ServerConfig["membership"]): Sandbox {
    const made = new Sandbox();
    made.write(
      CONFIG,
      serverConfig({ name: "k3s-1", address: "192.0.2.31", labels: {}, taints: [], tlsSan: [], disable: [], membership }),
    );
    made.write("var/lib/rancher/k3s/server/db/etcd/member/wal/0.wal", "");
    made.fake(
      "k3s",
      `if grep -q ^server: "$SANDBOX/${CONFIG}"; then echo "cannot perform cluster-reset while server URL is set" >&2; exit 1; fi`,
    );
    made.fake("systemctl");
    return made;
  }

  test.each([
    ["that founded the cluster", "first"],
    ["that was rebuilt, and so has joined another", { join: OTHER }],
  ] as const)("on a server %s: it is reset as the founder, and then started", async (_, membership) => {
    sandbox = server(membership);
    const { code, stderr, calls } = await run(sandbox, "upgrades.md", "--cluster-reset-restore-path");
    expect([code, stderr]).toEqual([0, ""]);
    expect(sandbox.read("etc/rancher/k3s/config.yaml.d/etcd.yaml")).toBe("cluster-init: true\n");
    expect(parse(sandbox.read(CONFIG))).not.toHaveProperty("server");
    expect(lines(calls).filter((line) => /^(k3s|systemctl) /.test(line))).toEqual([
      expect.stringMatching(/^k3s server --cluster-reset /),
      "systemctl start k3s",
    ]);
  });

  test.each([
    ["founded the cluster", "first"],
    ["joined another", { join: OTHER }],
  ] as const)("on a server that once %s and has lost its part: it joins the restored one", async (_, membership) => {
    sandbox = server(membership);
    sandbox.write("etc/rancher/k3s/config.yaml.d/etcd.yaml", "cluster-init: true\n");
    const { code } = await run(sandbox, "upgrades.md", "server|cluster-init");
    expect(code).toBe(0);
    const config = parse(sandbox.read(CONFIG)) as Record<string, unknown>;
    expect([config["server"], config["cluster-init"]]).toEqual(["https://192.0.2.31:6443", undefined]);
    expect(sandbox.files().filter((file) => file.includes("server/db") || file.includes("config.yaml.d"))).toEqual([]);
  });
});

test("the host keys of VMs, as Proxmox gives them, become lines that ssh knows", async () => {
  sandbox = new Sandbox();
  sandbox.fake("qm", `printf '{\\n   "exitcode" : 0,\\n   "out-data" : "ssh-ed25519 AAAAkey%s root@vm\\\\n"\\n}\\n' "$3"`);
  sandbox.fake("npx");
  const { stdout } = await run(sandbox, "cluster.md", "qm guest exec");
  expect(stdout).toBe("192.0.2.31 ssh-ed25519 AAAAkey301\n192.0.2.41 ssh-ed25519 AAAAkey311\n");
});
