// Pools of containers: what their members are, and what is refused about them.
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { addresses, baseLab, clusterLab, labWith, problemsOf, stackOf } from "../../testing/lab";

const farm = {
  count: 3,
  nodes: ["pve1"],
  firstVmId: 500,
  addresses: { from: "192.0.2.100", to: "192.0.2.119" },
};
type Pool = NonNullable<LabInput["containerPools"]>[string];
const withFarm = (changes: Partial<Pool> = {}, lab: LabInput = baseLab): LabInput => ({
  ...lab,
  containerPools: { farm: { ...farm, ...changes } },
});
const codes = (lab: LabInput) => problemsOf(lab).map(({ code, path }) => `${path.join(".")} ${code}`);
const containersOf = (lab: LabInput) => checkLab(lab, "/lab").lab.containers ?? {};

describe("the members of a pool", () => {
  const twoNodes = labWith({ proxmox: { nodes: { pve2: { address: "192.0.2.12" } } } });
  const spread = containersOf(withFarm({ nodes: ["pve1", "pve2"], models: ["mistral:7b"], cores: 4 }, twoNodes));

  test("have the pool's name and their number as their keys, beside the other containers", () => {
    expect(Object.keys(spread)).toEqual(["farm-1", "farm-2", "farm-3", "ollama-1"]);
  });
  test("have VMIDs, addresses and nodes by their numbers", () => {
    const places = ["farm-1", "farm-2", "farm-3"].map((key) => [
      spread[key]?.vmId,
      spread[key]?.network.address,
      spread[key]?.node,
    ]);
    const at = (ip: string) => expect.objectContaining({ ip, prefix: 24, gateway: "192.0.2.1" });
    expect(places).toEqual([
      [500, at("192.0.2.100"), "pve1"],
      [501, at("192.0.2.101"), "pve2"],
      [502, at("192.0.2.102"), "pve1"],
    ]);
  });
  test("have the host names of the lab and their keys", () => expect(spread["farm-2"]?.name).toMatch(/-farm-2$/));
  test("have the settings of the pool", () =>
    expect([spread["farm-2"]?.cores, spread["farm-2"]?.models]).toEqual([4, ["mistral:7b"]]));
  test("take the rest from defaults.container", () => expect(spread["farm-2"]?.memoryGiB).toBe(16));
  test("stay what they are when the pool grows", () => {
    const [before, after] = [containersOf(withFarm()), containersOf(withFarm({ count: 4 }))];
    expect(["farm-1", "farm-2", "farm-3"].map((key) => after[key])).toEqual(
      ["farm-1", "farm-2", "farm-3"].map((key) => before[key]),
    );
  });
  test("are the only containers of a lab without others", () => {
    const { containers: _, ...without } = withFarm();
    expect(Object.keys(containersOf(without))).toEqual(["farm-1", "farm-2", "farm-3"]);
  });
  test("have resources at addresses of their own", () => {
    expect(addresses(stackOf(withFarm(), "containers"))).toContain("proxmox_virtual_environment_container.farm-3");
  });
  test("do not exist in a pool of none", () => expect(Object.keys(containersOf(withFarm({ count: 0 })))).toEqual(["ollama-1"]));
});

describe("what is refused", () => {
  test.each<[string, LabInput, string]>([
    ["a range with too few addresses", withFarm({ count: 21 }), "containerPools.farm.addresses pool-range-too-small"],
    [
      "a range outside the network",
      withFarm({ addresses: { from: "198.51.100.1", to: "198.51.100.9" } }),
      "containerPools.farm.addresses address-outside-network",
    ],
    [
      "a range with the address of a container behind its members",
      withFarm({ addresses: { from: "192.0.2.15", to: "192.0.2.40" } }),
      "containerPools.farm.addresses pool-range-overlaps",
    ],
    [
      "a range with the gateway",
      withFarm({ addresses: { from: "192.0.2.1", to: "192.0.2.4" } }),
      "containerPools.farm.addresses pool-range-overlaps",
    ],
    ["the VMID of another guest", withFarm({ firstVmId: 200 }), "containers.ollama-1.vmId duplicate-vmid"],
    ["a node that the lab does not have", withFarm({ nodes: ["pve9"] }), "containerPools.farm.nodes unknown-node"],
    [
      "a container with the key of a member",
      labWith({ containers: { "farm-2": { vmId: 203, address: "192.0.2.23" } } }, withFarm()),
      "containers.farm-2 duplicate-key",
    ],
  ])("%s", (_, lab, problem) => expect(codes(lab)).toContain(problem));

  test("a range that a pool of workers has, too", () => {
    const workers = { count: 1, nodes: ["pve1"], firstVmId: 700, addresses: { from: "192.0.2.110", to: "192.0.2.130" } };
    const lab = withFarm({}, labWith({ cluster: { pools: { cpu: workers } } }, clusterLab));
    expect(codes(lab)).toContain("cluster.pools.cpu.addresses pool-range-overlaps");
  });
  test("a pool without a gateway of the network, once for all of its members", () => {
    const lab = labWith({ network: { gateway: undefined }, containers: { "ollama-1": { gateway: "192.0.2.1" } } }, withFarm());
    expect(codes(lab).filter((problem) => problem.includes("farm"))).toEqual(["containerPools.farm.addresses gateway-missing"]);
  });
  test("what members share is told once, at the pool", () => {
    const found = problemsOf(withFarm({ models: ["mistral:7b", "mistral:7b"] })).filter(({ code }) => code === "duplicate-entry");
    expect(found.map(({ path }) => path.join("."))).toEqual(["containerPools.farm.models.1"]);
  });
  test("a claim of a member names the pool and the member", () => {
    const [problem] = problemsOf(withFarm({ firstVmId: 200 })).filter(({ code }) => code === "duplicate-vmid");
    expect(problem?.message).toContain("containerPools.farm (farm-2)");
  });
});
