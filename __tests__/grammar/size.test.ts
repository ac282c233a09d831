// The numbers that the schema of labs, the constructs and the rules share.
import * as size from "../../grammar/size";

const WEEK_SECONDS = 604_800;

test.each<[fact: string, given: unknown, value: unknown]>([
  ["VMs have Proxmox's bounds", size.VM_BOUNDS, { cores: [1, 512], memoryGiB: [1, 16_384], diskGiB: [4, 65_536] }],
  [
    "containers have Proxmox's bounds",
    size.CONTAINER_BOUNDS,
    { cores: [1, 128], memoryGiB: [1 / 16, 4096], swapMiB: [0, 1024 ** 2], diskGiB: [1, 65_536] },
  ],
  ["a container without a size serves a model of 7b", size.CONTAINER_SIZE, { cores: 8, memoryGiB: 16, swapMiB: 0, diskGiB: 50 }],
  [
    "a container nests, and has no keyctl, which only root@pam may set",
    size.CONTAINER_FEATURES,
    { nesting: true, keyctl: false },
  ],
  ["a K3s server without a size is small", size.SERVER_SIZE, { cores: 2, memoryGiB: 4, diskGiB: 40 }],
  ["a K3s worker without a size serves models", size.WORKER_SIZE, { cores: 8, memoryGiB: 32, diskGiB: 100 }],
  ["VLANs are those of IEEE 802.1Q", size.VLAN_BOUNDS, [1, 4094]],
  ["an unprivileged container has 65,536 groups", size.GID_BOUNDS, [0, 65_535]],
  ["IOMMU groups have up to four digits", size.IOMMU_GROUP_BOUNDS, [0, 9999]],
  ["a graphics card has half a GiB to 1 TiB", size.CARD_MEMORY_GIB_BOUNDS, [0.5, 1024]],
  ["ports have 16 bits, and 0 is none", size.PORT_BOUNDS, [1, 65_535]],
  ["Proxmox names PCI devices hostpci0 to hostpci15", size.MOST_PCI_DEVICES, 16],
  ["a deploy waits four hours for nodes at most", size.WAIT_MINUTES_BOUNDS, [1, 240]],
  ["a deploy waits an hour for nodes", size.WAIT_MINUTES, 60],
  ["Helm waits 20 minutes for a release", size.RELEASE_MINUTES, 20],
  ["models are pulled for six hours at most", size.PULL_MINUTES, 360],
  ["a claim has 64 Ti at most", size.CLAIM_GI_BOUNDS, [1, 65_536]],
  ["a claim without a size has 50 Gi", size.CLAIM_GI, 50],
  ["a release has 100 pods at most, or none", size.REPLICAS_BOUNDS, [0, 100]],
  ["a pod gets the cards of one node at most", size.POD_GPUS_BOUNDS, [0, 16]],
  ["a shared card has two shares at least", size.TIME_SLICING_BOUNDS, [2, 64]],
  ["the share keeps a release to go back to", size.KEEP_BOUNDS, [2, 1000]],
  ["a Job runs a week at most", size.TIMEOUT_SECONDS_BOUNDS, [1, WEEK_SECONDS]],
  ["Helm waits for the longest Job, and a minute for its start", size.HELM_WAIT_SECONDS_BOUNDS, [1, WEEK_SECONDS + 60]],
])("%s", (_, given, value) => expect(given).toEqual(value));

test("both bounds are allowed", () => {
  const check = size.checkNumber([0.5, 2]);
  expect([0.5, 2].map(check)).toEqual([undefined, undefined]);
});
test.each([0.4, 2.1, Number.NaN])("%p is refused, with the bounds", (value) => {
  expect(size.checkNumber([0.5, 2])(value)).toEqual({
    code: "out-of-range",
    message: `${value} is not a number from 0.5 to 2`,
    remedy: "Write a number from 0.5 to 2.",
  });
});
test.each([0, 3, 1.5])("%p is no whole number of 1 to 2", (value) => {
  expect(size.checkWhole([1, 2])(value)).toEqual({
    code: "out-of-range",
    message: `${value} is not a whole number from 1 to 2`,
    remedy: "Write a whole number from 1 to 2.",
  });
});
