// What a GPU worker says when the card, the driver or the kernel do not go together, and how it keeps a driver that works.
import { BootstrapNode, describeOnLinux, INSTALL_URL, lines, oneRunOf, position, RELEASE, VERSION } from "./bootstrap-node";

let node: BootstrapNode;
const gpuWorker = (parameters: Record<string, string> = {}): BootstrapNode => {
  node = new BootstrapNode("worker", { GPU: "true", ...parameters });
  return node;
};
const reason = (): string | undefined => node.marker("failed")?.["reason"];
afterEach(() => node?.remove());

const OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build";
const CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Release Build";

/** The machine has the driver with closed kernel modules, and runs it. */
function closedDriver(): void {
  node.write("proc/driver/nvidia/version", CLOSED);
  node.fake("modinfo", "[[ $2 == license ]] && echo NVIDIA || echo 580.95.05");
}

describeOnLinux("a worker with a GPU", () => {
  test("tells each step in its log, and the branch that it took", async () => {
    gpuWorker({ NVIDIA_BRANCH: "distribution" }).graphicsCard("2684");
    node.fake("ubuntu-drivers", "echo nvidia-driver-580-server-open; echo nvidia-driver-590-open");
    await node.bootstrap();
    expect(node.said).toEqual([
      "Installing qemu-guest-agent nfs-common curl ca-certificates (attempt 1 of 6)",
      "Installing ubuntu-drivers-common (attempt 1 of 6)",
      "ubuntu-drivers offers the open branch 580-server.",
      "Installing linux-headers-6.8.0-60-generic linux-headers-virtual (attempt 1 of 6)",
      "Installing nvidia-dkms-580-server-open nvidia-utils-580-server (attempt 1 of 6)",
      "Downloading https://nvidia.github.io/libnvidia-container/gpgkey",
      "Installing nvidia-container-toolkit (attempt 1 of 6)",
      `Downloading ${RELEASE}/sha256sum-amd64.txt`,
      `Downloading ${RELEASE}/k3s`,
      `Downloading ${INSTALL_URL}`,
      "Waiting up to 0 s for https://192.0.2.31:6443",
      `Installing the unit of k3s agent ${VERSION}`,
      "Waiting up to 0 s for node named node-1 in the cluster",
      "Ready.",
    ]);
  });
});

describeOnLinux("a GPU before Turing", () => {
  test("is told by its device id before a driver is built: code 6, the card and the setting named", async () => {
    gpuWorker().graphicsCard("1b80");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(6);
    expect(reason()).toMatch(
      /^This GPU is older than Turing and has no open kernel module \(10de:1b80\)\. Set NVIDIA_BRANCH='580-closed'/,
    );
    expect(lines(calls).filter((line) => line.includes("nvidia-dkms"))).toEqual([]);
  });

  test("is told by the kernel's log, too", async () => {
    gpuWorker().fake("nvidia-smi", "exit 6");
    node.fake("dmesg", "echo 'NVRM: is not supported by open nvidia.ko because it does not include the'");
    expect((await node.bootstrap()).code).toBe(6);
    expect(reason()).toContain("older than Turing and has no open kernel module (the kernel's log says so)");
  });

  test("works with closed kernel modules, which are installed without the open ones", async () => {
    gpuWorker({ NVIDIA_BRANCH: "580-closed" }).graphicsCard("1b80");
    closedDriver();
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(0);
    position(calls, /install .* nvidia-dkms-580 nvidia-utils-580$/);
  });

  test("may be of a server branch", async () => {
    gpuWorker({ NVIDIA_BRANCH: "580-server-closed" }).graphicsCard("1db6");
    closedDriver();
    const { calls } = await node.bootstrap();
    position(calls, /install .* nvidia-dkms-580-server nvidia-utils-580-server$/);
  });

  const NEWER = ["1e02", "1f82", "20b0", "2684", "2b85"];
  const withNewerCards = oneRunOf(() => {
    const made = new BootstrapNode("worker", { GPU: "true" });
    NEWER.forEach((id, index) => {
      made.graphicsCard(id, index + 1);
    });
    made.graphicsCard("1b80", NEWER.length + 1);
    return made;
  });

  test.each(NEWER)("is not what the device %s is", async (id) => {
    expect((await withNewerCards()).node.marker("failed")?.["reason"]).not.toContain(id);
  });

  test("is the only one named among newer cards", async () => {
    expect((await withNewerCards()).node.marker("failed")?.["reason"]).toContain("no open kernel module (10de:1b80).");
  });
});

describeOnLinux("a driver that does not go with the parameters", () => {
  test("closed where an open one is asked for: code 6, and how to take it away", async () => {
    gpuWorker();
    closedDriver();
    expect((await node.bootstrap()).code).toBe(6);
    expect(reason()).toContain("an NVIDIA driver with closed kernel modules, but NVIDIA_BRANCH is '580': purge that driver");
  });

  test("open where a closed one is asked for: code 6", async () => {
    expect((await gpuWorker({ NVIDIA_BRANCH: "580-closed" }).bootstrap()).code).toBe(6);
    expect(reason()).toContain("an NVIDIA driver with open kernel modules, but NVIDIA_BRANCH is '580-closed'");
  });

  test("closed for a card that works with open ones only: code 6, and the branch to set", async () => {
    gpuWorker({ NVIDIA_BRANCH: "580-closed" }).fake("nvidia-smi", "exit 6");
    closedDriver();
    node.fake("dmesg", "echo 'NVRM: installed in this system requires use of the NVIDIA open kernel modules.'");
    expect((await node.bootstrap()).code).toBe(6);
    expect(reason()).toContain("This GPU works with open kernel modules only: set NVIDIA_BRANCH='580'");
  });

  test("loaded in another version than the installed one: code 11, both versions named", async () => {
    gpuWorker().write("sys/module/nvidia/version", "580.65.06\n");
    expect((await node.bootstrap()).code).toBe(11);
    expect(reason()).toContain(
      "runs NVIDIA's open module 580.65.06, but the open module 580.95.05 is installed: restart this VM",
    );
  });

  test("loaded as closed after the open one was installed: code 11", async () => {
    gpuWorker().write("proc/driver/nvidia/version", CLOSED);
    expect((await node.bootstrap()).code).toBe(11);
    node.write("proc/driver/nvidia/version", OPEN);
    expect((await node.bootstrap()).code).toBe(0);
  });
});

describeOnLinux("a module that the kernel refuses", () => {
  const SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

  test("because Secure Boot is on is said so", async () => {
    gpuWorker().fake("modprobe", "[[ $1 != nvidia ]]");
    node.write(SECURE_BOOT, "\x06\0\0\0\x01");
    expect((await node.bootstrap()).code).toBe(6);
    expect(reason()).toContain("Secure Boot is on, and the kernel takes no module that DKMS has built: switch it off");
  });

  test("leaves what DKMS says and the last words of the kernel in the log", async () => {
    gpuWorker().fake("modprobe", "[[ $1 != nvidia ]]");
    node.fake("dkms", "echo nvidia/580, 6.8.0-60-generic: built");
    node.fake("dmesg", "for i in {1..30}; do echo word $i; done");
    await node.bootstrap();
    expect(node.said).toContain("nvidia/580, 6.8.0-60-generic: built");
    expect(node.said.filter((line) => line.startsWith("word "))).toEqual(Array.from({ length: 20 }, (_, i) => `word ${i + 11}`));
  });

  test("while Secure Boot is off is not blamed on it", async () => {
    gpuWorker().fake("modprobe", "[[ $1 != nvidia ]]");
    node.write(SECURE_BOOT, "\x06\0\0\0\0");
    expect((await node.bootstrap()).code).toBe(6);
    expect(reason()).not.toContain("Secure Boot");
  });

  test("because there is no card is said so", async () => {
    gpuWorker().fake("modprobe", "[[ $1 != nvidia ]]");
    node.write("sys/bus/pci/devices/0000:01:00.0/vendor", "0x1af4\n");
    expect((await node.bootstrap()).code).toBe(6);
    expect(reason()).toContain("This VM has no NVIDIA device: is the GPU passed through?");
  });
});

describeOnLinux("a driver that was proved", () => {
  test("is held back from unattended upgrades, before it is installed", async () => {
    gpuWorker().cutPowerAt("nvidia-dkms");
    await node.bootstrap();
    expect(node.read("etc/apt/apt.conf.d/52k3s-bootstrap-nvidia")).toBe(
      'Unattended-Upgrade::Package-Blacklist { "nvidia-"; "libnvidia-"; "linux-modules-nvidia-"; };\n',
    );
  });

  test("keeps its branch in a second run, also when the distribution offers a newer one by then", async () => {
    gpuWorker({ NVIDIA_BRANCH: "distribution" }).fake("ubuntu-drivers", "echo nvidia-driver-580-open");
    await node.bootstrap();
    node.fake("ubuntu-drivers", "echo nvidia-driver-590-open");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(0);
    expect(lines(calls).filter((line) => /^(ubuntu-drivers|apt-get)/.test(line))).toEqual([]);
  });

  test("does not keep a branch that was chosen and never worked", async () => {
    gpuWorker({ NVIDIA_BRANCH: "distribution" }).fake("ubuntu-drivers", "echo nvidia-driver-580-open");
    node.fake("nvidia-smi", "exit 9");
    await node.bootstrap();
    node.fake("nvidia-smi");
    node.fake("ubuntu-drivers", "echo nvidia-driver-590-open");
    const { calls } = await node.bootstrap();
    position(calls, /nvidia-dkms-590-open nvidia-utils-590$/);
  });

  test("gives way to a branch that is named", async () => {
    await gpuWorker().bootstrap();
    node.set({ NVIDIA_BRANCH: "590" });
    const { calls } = await node.bootstrap();
    position(calls, /nvidia-dkms-590-open nvidia-utils-590$/);
  });
});
