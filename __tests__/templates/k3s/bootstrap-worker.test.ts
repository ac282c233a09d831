import {
  AGENT_TOKEN,
  BINARY,
  BootstrapNode,
  describeOnLinux,
  lines,
  oneRunOf,
  position,
  sha256,
  VERSION,
} from "./bootstrap-node";

let node: BootstrapNode;
const worker = (parameters: Record<string, string> = {}): BootstrapNode => {
  node = new BootstrapNode("worker", parameters);
  return node;
};
const gpuWorker = (parameters: Record<string, string> = {}): BootstrapNode => worker({ GPU: "true", ...parameters });
/** Calls that only a node that joins makes. */
const joining = (calls: Parameters<typeof lines>[0]): string[] =>
  lines(calls).filter((line) => /readyz|k3s-install|systemctl restart/.test(line));
afterEach(() => node?.remove());

/** One run of each that goes well. */
const plainWorker = oneRunOf(() => new BootstrapNode("worker"));
const goodGpuWorker = oneRunOf(() => new BootstrapNode("worker", { GPU: "true" }));

describeOnLinux("a worker without a GPU", () => {
  test("ends with code 0 and a ready marker, once its node is in the cluster", async () => {
    const { node, code, calls } = await plainWorker();
    expect(code).toBe(0);
    expect(node.marker("ready")).toEqual({
      role: "worker",
      k3s_version: VERSION,
      k3s_sha256: sha256(BINARY),
      node: "node-1",
      gpu: "false",
    });
    expect(
      lines(calls)
        .filter((line) => line !== "sync")
        .at(-1),
    ).toBe(
      `k3s-binary kubectl --kubeconfig ${node.root}/var/lib/rancher/k3s/agent/kubelet.kubeconfig get --raw /api/v1/nodes/node-1`,
    );
  });

  test("installs an agent after the server answers", async () => {
    const { calls } = await plainWorker();
    const answered = position(calls, /readyz$/);
    const installed = position(calls, /^k3s-install agent true$/);
    expect(answered).toBeLessThan(installed);
    expect(installed).toBeLessThan(position(calls, /^systemctl restart --no-block k3s-agent$/));
  });

  test("touches no driver", async () => {
    const { calls } = await plainWorker();
    expect(lines(calls).filter((line) => /nvidia|modprobe|initramfs/.test(line))).toEqual([]);
  });

  test("that never registers ends with code 10, the journal shown", async () => {
    worker().fake("k3s-binary", "exit 1");
    node.fake("journalctl", "echo token rejected");
    expect((await node.bootstrap()).code).toBe(10);
    expect(node.log).toContain("token rejected");
  });

  test("that is in the cluster, but whose unit is not active, ends with code 10", async () => {
    worker().write("var/lib/rancher/k3s/agent/kubelet.kubeconfig", "");
    node.fake("systemctl", "[[ $1 != is-active ]]");
    expect((await node.bootstrap()).code).toBe(10);
  });

  test("without its token ends with code 3, and installs nothing", async () => {
    worker().withoutFile("etc/rancher/k3s/token");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(3);
    expect(lines(calls).filter((line) => line.startsWith("apt-get"))).toEqual([]);
  });

  test("needs no agent-token file", async () => {
    const { node, code } = await plainWorker();
    expect(node.exists("etc/rancher/k3s/agent-token")).toBe(false);
    expect(code).toBe(0);
  });

  test("without a server to join ends with code 64", async () => {
    expect((await worker({ JOIN_SERVER_URL: "" }).bootstrap()).code).toBe(64);
  });

  test("without its K3s configuration ends with code 3 before it installs anything", async () => {
    worker().withoutFile("etc/rancher/k3s/config.yaml");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(3);
    expect(lines(calls).filter((line) => line.startsWith("apt-get"))).toEqual([]);
  });

  test("gives up with code 9 when the server does not answer, naming it", async () => {
    worker().withoutFile(".fake/join-server-answers");
    expect((await node.bootstrap()).code).toBe(9);
    expect(node.marker("failed")?.["reason"]).toContain("https://192.0.2.31:6443");
  });
});

describeOnLinux("a GPU worker", () => {
  test("is ready with the GPU in its marker", async () => {
    const { node, code } = await goodGpuWorker();
    expect(code).toBe(0);
    expect(node.marker("ready")?.["gpu"]).toBe("true");
  });

  test("installs headers, then the open driver of the branch and its utilities", async () => {
    const { calls } = await goodGpuWorker();
    const headers = position(calls, /^apt-get .* install .* linux-headers-6\.8\.0-60-generic linux-headers-virtual$/);
    expect(headers).toBeLessThan(position(calls, /^apt-get .* install .* nvidia-dkms-580-open nvidia-utils-580$/));
  });

  test("takes the branch that it is told", async () => {
    const { calls } = await gpuWorker({ NVIDIA_BRANCH: "570-server" }).bootstrap();
    position(calls, /nvidia-dkms-570-server-open nvidia-utils-570-server$/);
  });

  test("proves the GPU before it fetches K3s, looks for a server, or installs or starts anything of K3s", async () => {
    const { calls } = await goodGpuWorker();
    const proved = position(calls, /^nvidia-smi$/);
    expect(position(calls, /^modprobe nvidia$/)).toBeLessThan(proved);
    for (const later of [/^curl .*\/k3s$/, /readyz/, /^k3s-install/, /^systemctl restart/]) {
      expect(proved).toBeLessThan(position(calls, later));
    }
  });

  test("has the container runtime before K3s starts", async () => {
    const { calls } = await goodGpuWorker();
    expect(position(calls, /install .*nvidia-container-toolkit$/)).toBeLessThan(position(calls, /^systemctl restart/));
  });

  test("does not join when nvidia-smi fails: code 6, a marker that says why, and nothing of K3s", async () => {
    gpuWorker().fake("nvidia-smi", "echo 'NVIDIA-SMI has failed'; exit 9");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(6);
    expect(node.marker("failed")).toEqual({
      reason:
        "nvidia-smi failed with exit code 9: the driver sees no working GPU, so this node does not join. The kernel's last lines are above.",
      exit_code: "6",
    });
    expect(joining(calls)).toEqual([]);
    expect(node.exists("usr/local/bin/k3s")).toBe(false);
    expect(node.log).toContain("NVIDIA-SMI has failed");
  });

  test("joins in a second run, once the GPU works", async () => {
    gpuWorker().fake("nvidia-smi", "exit 9");
    expect((await node.bootstrap()).code).toBe(6);
    node.fake("nvidia-smi");
    expect((await node.bootstrap()).code).toBe(0);
    expect(node.marker("failed")).toBeUndefined();
  });

  test("does not join when the kernel refuses the driver, and logs what DKMS and the kernel said", async () => {
    gpuWorker().fake("modprobe", "exit 1");
    node.fake("dkms", "echo nvidia/580: broken");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(6);
    expect(node.log).toContain("nvidia/580: broken");
    expect(joining(calls)).toEqual([]);
  });

  test("does not join without the module that CUDA needs", async () => {
    gpuWorker().fake("modprobe", "[[ $1 != nvidia-uvm ]]");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(6);
    expect(node.marker("failed")?.["reason"]).toContain("nvidia-uvm");
    expect(joining(calls)).toEqual([]);
  });

  test("does not join with fewer GPUs than it was given", async () => {
    const { code, calls } = await gpuWorker({ GPU_COUNT: "2" }).bootstrap();
    expect(code).toBe(6);
    expect(node.marker("failed")?.["reason"]).toContain("nvidia-smi lists 1 GPUs, but this node was given 2");
    expect(joining(calls)).toEqual([]);
  });

  test("does not join without the runtime on its PATH", async () => {
    gpuWorker().withoutCommand("nvidia-container-runtime");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(6);
    expect(joining(calls)).toEqual([]);
  });

  test("does not join when the driver's packages are not to be had: code 5, the packages named", async () => {
    gpuWorker({ APT_ATTEMPTS: "1" }).fake(
      "apt-get",
      '[[ $* != *nvidia-dkms* ]] && for word in "$@"; do echo "$word x" >>"$SANDBOX/.fake/installed"; done',
    );
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(5);
    expect(node.marker("failed")?.["reason"]).toContain("nvidia-dkms-580-open nvidia-utils-580");
    expect(joining(calls)).toEqual([]);
  });

  test("is not ready when K3s did not find the runtime", async () => {
    gpuWorker().fake(
      "systemctl",
      'agent=$SANDBOX/var/lib/rancher/k3s/agent; mkdir -p "$agent/etc/containerd"; touch "$agent/kubelet.kubeconfig" "$agent/etc/containerd/config.toml"',
    );
    expect((await node.bootstrap()).code).toBe(6);
    expect(node.marker("failed")?.["reason"]).toContain("K3s started without the nvidia runtime");
  });

  test("writes no containerd template and calls no nvidia-ctk", async () => {
    const { node, calls } = await goodGpuWorker();
    expect(node.files().filter((file) => file.endsWith(".tmpl"))).toEqual([]);
    expect(lines(calls).filter((line) => line.includes("nvidia-ctk"))).toEqual([]);
  });

  test.each([
    [{ GPU: "yes" }],
    [{ NVIDIA_BRANCH: "580-open" }],
    [{ NVIDIA_BRANCH: "distribution-closed" }],
    [{ GPU_COUNT: "0" }],
    [{ NVIDIA_KEY_SHA256: "abc" }],
  ])("parameters %j end the run with code 64, and are repeated", async (parameters) => {
    const { code } = await gpuWorker(parameters as Record<string, string>).bootstrap();
    const [name, value] = Object.entries(parameters)[0] ?? [];
    expect([code, node.log]).toEqual([64, expect.stringContaining(`${name} is '${value}'; it must be`)]);
  });
});

describeOnLinux("NVIDIA's package source", () => {
  test("is signed by a key that apt's own user can read", async () => {
    const { node } = await goodGpuWorker();
    expect(node.read("etc/apt/sources.list.d/nvidia-container-toolkit.list")).toBe(
      "deb [signed-by=/etc/apt/keyrings/nvidia-container-toolkit.asc] https://nvidia.github.io/libnvidia-container/stable/deb/amd64 /\n",
    );
    expect(node.read("etc/apt/keyrings/nvidia-container-toolkit.asc")).toContain("BEGIN PGP PUBLIC KEY BLOCK");
    expect(node.mode("etc/apt/keyrings/nvidia-container-toolkit.asc")).toBe("644");
  });

  test("with another key than the pinned one is not added", async () => {
    expect((await gpuWorker({ NVIDIA_KEY_SHA256: sha256("other") }).bootstrap()).code).toBe(8);
    expect(node.exists("etc/apt/keyrings/nvidia-container-toolkit.asc")).toBe(false);
  });

  test("replaces another version of the toolkit by the pinned one", async () => {
    gpuWorker({ NVIDIA_TOOLKIT_VERSION: "1.19.0-1" });
    await node.bootstrap();
    node.set({ NVIDIA_TOOLKIT_VERSION: "1.20.0-1" });
    const { calls } = await node.bootstrap();
    expect(lines(calls)).toContainEqual(expect.stringMatching(/^apt-get .* install .*nvidia-container-toolkit=1\.20\.0-1 /));
  });

  test("gives all packages of the toolkit in the pinned version", async () => {
    const { calls } = await gpuWorker({ NVIDIA_TOOLKIT_VERSION: "1.20.0-1" }).bootstrap();
    position(
      calls,
      /install .*nvidia-container-toolkit=1\.20\.0-1 nvidia-container-toolkit-base=1\.20\.0-1 libnvidia-container-tools=1\.20\.0-1 libnvidia-container1=1\.20\.0-1$/,
    );
  });

  test("may be a mirror", async () => {
    gpuWorker({ NVIDIA_APT_URL: "https://mirror.lab.example/nvidia/", NVIDIA_KEY_URL: "https://mirror.lab.example/key" });
    node.publish("https://mirror.lab.example/key", "KEY");
    const { calls } = await node.bootstrap();
    expect(node.read("etc/apt/sources.list.d/nvidia-container-toolkit.list")).toContain("] https://mirror.lab.example/nvidia /");
    expect(lines(calls).filter((line) => line.includes("nvidia.github.io"))).toEqual([]);
  });
});

describeOnLinux("the distribution's pick of the driver", () => {
  const offered = (list: string): Promise<Awaited<ReturnType<BootstrapNode["bootstrap"]>>> => {
    gpuWorker({ NVIDIA_BRANCH: "distribution" }).fake("ubuntu-drivers", `cat <<'END'\n${list}\nEND`);
    return node.bootstrap();
  };

  test("is the newest server branch with open modules", async () => {
    const { calls } = await offered(
      [
        "nvidia-driver-590-open, (kernel modules provided by nvidia-dkms-590-open)",
        "nvidia-driver-570-server-open, (kernel modules provided by linux-modules-nvidia-570-server-open-generic)",
        "nvidia-driver-580-server, (kernel modules provided by linux-modules-nvidia-580-server-generic)",
        "nvidia-driver-535-server-open, (kernel modules provided by linux-modules-nvidia-535-server-open-generic)",
      ].join("\n"),
    );
    position(calls, /^ubuntu-drivers list --gpgpu$/);
    position(calls, /nvidia-dkms-570-server-open nvidia-utils-570-server$/);
  });

  test("is the newest open branch when no server branch is open", async () => {
    const { calls } = await offered("nvidia-driver-570-open\nnvidia-driver-580-open\nnvidia-driver-590");
    position(calls, /nvidia-dkms-580-open nvidia-utils-580$/);
  });

  test("is also read from the headless packages that some versions list", async () => {
    const { calls } = await offered("nvidia-headless-no-dkms-575-server-open, (kernel modules provided by None)");
    position(calls, /nvidia-dkms-575-server-open nvidia-utils-575-server$/);
  });

  test("that is none ends the run with code 6 and says what was offered", async () => {
    const { code, calls } = await offered("nvidia-driver-470");
    expect(code).toBe(6);
    expect(node.marker("failed")?.["reason"]).toContain("It said: nvidia-driver-470");
    expect(joining(calls)).toEqual([]);
  });
});

describeOnLinux("the kernel's own driver", () => {
  test("is kept out of the kernel and of the initramfs", async () => {
    const { node, calls } = await goodGpuWorker();
    expect(node.read("etc/modprobe.d/k3s-bootstrap-nouveau.conf")).toBe(
      "blacklist nouveau\nblacklist nova_drm\nblacklist nova_core\noptions nouveau modeset=0\n",
    );
    expect(position(calls, /^update-initramfs -u$/)).toBeLessThan(position(calls, /^modprobe nvidia$/));
  });

  test("that is loaded is taken off its console and unloaded before the driver", async () => {
    gpuWorker().write("sys/module/nouveau/refcnt", "1");
    node.write("sys/class/vtconsole/vtcon0/name", "(S) dummy device");
    node.write("sys/class/vtconsole/vtcon0/bind", "1");
    node.write("sys/class/vtconsole/vtcon1/name", "(M) frame buffer device");
    node.write("sys/class/vtconsole/vtcon1/bind", "1");
    const { calls } = await node.bootstrap();
    expect(position(calls, /^modprobe -r nouveau$/)).toBeLessThan(position(calls, /^modprobe nvidia$/));
    expect([0, 1].map((n) => node.read(`sys/class/vtconsole/vtcon${n}/bind`).trim())).toEqual(["1", "0"]);
  });

  test("that cannot be unloaded stops the node with code 11 and the remedy", async () => {
    gpuWorker().write("sys/module/nouveau/refcnt", "1");
    node.fake("modprobe", "[[ $1 != -r ]]");
    expect((await node.bootstrap()).code).toBe(11);
    expect(node.marker("failed")?.["reason"]).toContain("nouveau is in use and cannot be unloaded.");
    expect(node.marker("failed")?.["reason"]).toContain("restart this VM");
  });

  test("nova_core, that of newer kernels, is unloaded after the driver that uses it", async () => {
    gpuWorker().write("sys/module/nova_core/refcnt", "1");
    node.write("sys/module/nova_drm/refcnt", "0");
    const { calls } = await node.bootstrap();
    expect(position(calls, /^modprobe -r nova_drm$/)).toBeLessThan(position(calls, /^modprobe -r nova_core$/));
    expect(position(calls, /^modprobe -r nova_core$/)).toBeLessThan(position(calls, /^modprobe nvidia$/));
  });

  test("is taken out of an initramfs that an interrupted run did not build", async () => {
    gpuWorker().cutPowerAt("^update-initramfs");
    await node.bootstrap();
    expect(node.exists("etc/modprobe.d/k3s-bootstrap-nouveau.conf")).toBe(true);
    const { calls } = await node.bootstrap();
    expect(lines(calls)).toContain("update-initramfs -u");
  });

  test("costs no second initramfs in a second run", async () => {
    await gpuWorker().bootstrap();
    const { calls } = await node.bootstrap();
    expect(lines(calls)).not.toContain("update-initramfs -u");
  });
});

describeOnLinux("a token that arrives later", () => {
  const LATE = { TOKEN_WAIT_SECONDS: "10" };

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  test("is waited for with one log line and a marker, and then used", async () => {
    worker(LATE).withoutFile("etc/rancher/k3s/token");
    const run = node.bootstrap();
    await until(() => node.marker("waiting-for-token") !== undefined);
    node.write("etc/rancher/k3s/token", AGENT_TOKEN);
    expect((await run).code).toBe(0);
    expect(node.log.match(/Waiting up to 10 s for the join token: \/etc\/rancher\/k3s\/token/g)).toHaveLength(1);
    expect(node.log).toContain("The join token has arrived.");
    expect(node.marker("waiting-for-token")).toBeUndefined();
  });

  test("is asked for only after the GPU is proved", async () => {
    gpuWorker(LATE).withoutFile("etc/rancher/k3s/token");
    node.fake("nvidia-smi", "[[ ! -e $SANDBOX/var/lib/k3s-bootstrap/waiting-for-token ]] && exit 9");
    expect((await node.bootstrap()).code).toBe(6);
    expect(node.log).not.toContain("join token");
  });

  test("that never arrives ends the run with code 4 and no unit", async () => {
    worker({ TOKEN_WAIT_SECONDS: "1" }).withoutFile("etc/rancher/k3s/token");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(4);
    expect(node.marker("failed")).toEqual({
      reason: expect.stringContaining("No join token arrived within 1 s"),
      exit_code: "4",
    });
    expect(node.marker("waiting-for-token")).toBeUndefined();
    expect(joining(calls)).toEqual([]);
  });

  test("with an open mode ends the run with code 3", async () => {
    worker(LATE).withoutFile("etc/rancher/k3s/token");
    const run = node.bootstrap();
    await until(() => node.marker("waiting-for-token") !== undefined);
    node.write("etc/rancher/k3s/token.new", AGENT_TOKEN, 0o640);
    node.renameFile("etc/rancher/k3s/token.new", "etc/rancher/k3s/token");
    expect((await run).code).toBe(3);
  });
});
