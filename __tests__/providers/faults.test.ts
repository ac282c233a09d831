// What Proxmox refuses, or fails to do, in the middle of a deploy, with the real provider: the next deploy ends well, and plans nothing
// after that. Where a person must run a command first, the failure prints it.
import { clusterLab, labWith } from "../../testing/lab";
import { describeWithProviders } from "../../testing/proxmox/providers";
import { describeRun } from "../../testing/terraform/process";
import { planned, refusal, withRig } from "./rig";

interface Fault {
  /** Requests that are answered with an error: `METHOD /path=STATUS:HOW MANY:message`. */
  readonly request?: string;
  /** A task that is accepted and then fails: `type:id=message`. */
  readonly task?: string;
}

/** What fails, how, and what the failed deploy says. */
type Row = readonly [what: string, fault: Fault, says: string];

const template = { url: "https://mirror.lab.example/ubuntu-22.04.tar.zst", sha256: "a".repeat(64) };
const oneContainer = labWith({
  network: { management: ["192.0.2.0/26"] },
  defaults: { container: { template } },
  containers: { "ollama-1": { pool: "lab" } },
});
const oneWorker = labWith({ cluster: { pool: "lab" } }, clusterLab);

const CONTAINER_FAULTS: readonly Row[] = [
  ["the list of guests is refused", { request: "GET /nodes/pve1/lxc$=500:*:no quorum" }, "no quorum"],
  ["the template's URL can't be asked", { request: "GET /nodes/pve1/query-url-metadata=500:*:no route" }, "no route"],
  ["the template's download is refused", { request: "POST /nodes/pve1/storage/local/download-url=500:*:no lock" }, "no lock"],
  ["the template's download fails", { task: "download:=checksum mismatch" }, "checksum mismatch"],
  ["the container's creation is refused", { request: "POST /nodes/pve1/lxc$=500:*:no quorum" }, "no quorum"],
  ["the container's creation fails", { task: "vzcreate:201=out of space" }, "out of space"],
  [
    "the pool is refused",
    { request: "POST /nodes/pve1/lxc$=403:*:Permission check failed (/pool/lab, Pool.Allocate)" },
    "Pool.Allocate",
  ],
  // The creation starts the container, in a task of its own. Where that fails, the provider asks for the start once more.
  [
    "the container's start fails twice",
    { task: "vzstart:201=startup failed", request: "POST /nodes/pve1/lxc/201/status/start=500:*:no lock" },
    "no lock",
  ],
  ["the container can't be read back", { request: "GET /nodes/pve1/lxc/201/config=500:*:no lock" }, "no lock"],
  ["the firewall's options are refused", { request: "PUT /nodes/pve1/lxc/201/firewall/options=500:*:no lock" }, "no lock"],
  ["a rule is refused", { request: "POST /nodes/pve1/lxc/201/firewall/rules=500:*:no lock" }, "no lock"],
];

const VM_FAULTS: readonly Row[] = [
  ["the image's download fails", { task: "download:=checksum mismatch" }, "checksum mismatch"],
  ["a card's mapping is refused", { request: "POST /cluster/mapping/pci=500:*:no lock" }, "no lock"],
  ["the snippets' storage can't be asked", { request: "GET /storage/local$=403:*:no permission" }, "no permission"],
  ["the snippets can't be read back", { request: "GET /nodes/pve1/storage/local/content=403:*:no permission" }, "no permission"],
  ["the VM's creation is refused", { request: "POST /nodes/pve1/qemu$=500:*:no quorum" }, "no quorum"],
  ["the VM's creation fails", { task: "qmcreate:311=out of space" }, "out of space"],
  ["the VM's disk can't grow", { request: "PUT /nodes/pve1/qemu/311/resize=500:*:no lock" }, "no lock"],
  ["the VM's start is refused", { request: "POST /nodes/pve1/qemu/311/status/start=500:*:no lock" }, "no lock"],
  ["the VM's start fails", { task: "qmstart:311=PCI device is in use" }, "PCI device is in use"],
  ["the firewall's options are refused", { request: "PUT /nodes/pve1/qemu/311/firewall/options=500:*:no lock" }, "no lock"],
  ["a rule is refused", { request: "POST /nodes/pve1/qemu/311/firewall/rules=500:*:no lock" }, "no lock"],
];

describeWithProviders("a deploy that fails is completed by the next one", () => {
  const world = withRig();

  const recovers = async (name: "containers" | "cluster", fault: Fault, says: string) => {
    const { proxmox } = world.rig;
    await proxmox.byHand("POST", "/pools", { poolid: "lab" });
    if (fault.request) await proxmox.failRequests(fault.request);
    if (fault.task) await proxmox.failTask(fault.task);
    const stack = (await world.rig.open(name === "containers" ? oneContainer : oneWorker)).stack(name);
    expect(await refusal(stack, "apply")).toContain(says);
    await proxmox.clearFaults();
    const second = await stack.apply();
    expect(second.succeeded || describeRun(second)).toBe(true);
    expect(await planned(stack)).toEqual({});
    const { guests } = await proxmox.state();
    const made = Object.values(guests).filter(({ config }) => !config["template"]);
    expect(made.map(({ running, pool }) => ({ running, pool }))).toEqual(made.map(() => ({ running: true, pool: "lab" })));
    for (const { firewall } of made)
      expect(firewall).toMatchObject({ options: { enable: 1, policy_in: "DROP" }, rules: [{}, {}] });
  };

  test.each(CONTAINER_FAULTS)("containers: %s", (_, fault, says) => recovers("containers", fault, says));
  test.each(VM_FAULTS)("cluster: %s", (_, fault, says) => recovers("cluster", fault, says));
});
