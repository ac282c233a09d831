/** A graphics card, as its vendor sells it. */
export interface KnownGpu {
  readonly name: string;
  /** Its memory in GiB. Where cards of one id were sold with several sizes, the largest. */
  readonly memoryGiB: number;
}

/**
 * Cards by vendor and device id: the names are those of the PCI ID database (github.com/pciutils/pciids), the memory is that of the vendors' data
 * sheets (nvidia.com, amd.com, intel.com). An id whose cards differ much, such as that of the RTX 5060 Ti, is left out: a lab states its memory.
 */
const GPUS: ReadonlyMap<string, KnownGpu> = new Map(
  (
    [
      ["GeForce GTX 1060 6GB", 6, "10de:1c03"],
      ["GeForce GTX 1070", 8, "10de:1b81"],
      ["GeForce GTX 1070 Ti", 8, "10de:1b82"],
      ["GeForce GTX 1080", 8, "10de:1b80"],
      ["GeForce GTX 1080 Ti", 11, "10de:1b06"],
      ["GeForce RTX 2060 12GB", 12, "10de:1f03"],
      ["GeForce RTX 2060 SUPER", 8, "10de:1f06"],
      ["GeForce RTX 2070", 8, "10de:1f02", "10de:1f07"],
      ["GeForce RTX 2070 SUPER", 8, "10de:1e84"],
      ["GeForce RTX 2080", 8, "10de:1e82", "10de:1e87"],
      ["GeForce RTX 2080 SUPER", 8, "10de:1e81"],
      ["GeForce RTX 2080 Ti", 11, "10de:1e04", "10de:1e07"],
      ["GeForce RTX 3060", 12, "10de:2503", "10de:2504", "10de:2487"],
      ["GeForce RTX 3060 Ti", 8, "10de:2486", "10de:2489", "10de:24c9"],
      ["GeForce RTX 3070", 8, "10de:2484", "10de:2488"],
      ["GeForce RTX 3070 Ti", 8, "10de:2482"],
      ["GeForce RTX 3080", 10, "10de:2206", "10de:2216"],
      ["GeForce RTX 3080 12GB", 12, "10de:220a"],
      ["GeForce RTX 3080 Ti", 12, "10de:2208"],
      ["GeForce RTX 3090", 24, "10de:2204"],
      ["GeForce RTX 3090 Ti", 24, "10de:2203"],
      ["GeForce RTX 4060", 8, "10de:2882"],
      ["GeForce RTX 4060 Ti 16GB", 16, "10de:2805"],
      ["GeForce RTX 4070", 12, "10de:2786"],
      ["GeForce RTX 4070 SUPER", 12, "10de:2783"],
      ["GeForce RTX 4070 Ti", 12, "10de:2782"],
      ["GeForce RTX 4070 Ti SUPER", 16, "10de:2705"],
      ["GeForce RTX 4080", 16, "10de:2704"],
      ["GeForce RTX 4080 SUPER", 16, "10de:2702"],
      ["GeForce RTX 4090", 24, "10de:2684"],
      ["GeForce RTX 5070", 12, "10de:2f04"],
      ["GeForce RTX 5070 Ti", 16, "10de:2c05"],
      ["GeForce RTX 5080", 16, "10de:2c02"],
      ["GeForce RTX 5090", 32, "10de:2b85"],
      ["Tesla P4", 8, "10de:1bb3"],
      ["Tesla P40", 24, "10de:1b38"],
      ["Tesla P100 16GB", 16, "10de:15f8", "10de:15f9"],
      ["Tesla V100 16GB", 16, "10de:1db1", "10de:1db4"],
      ["Tesla V100 32GB", 32, "10de:1db5", "10de:1db6"],
      ["Tesla T4", 16, "10de:1eb8"],
      ["A2 or A16", 16, "10de:25b6"],
      ["A10", 24, "10de:2236"],
      ["A30", 24, "10de:20b7"],
      ["A40", 48, "10de:2235"],
      ["A100 40GB", 40, "10de:20b0", "10de:20f1"],
      ["A100 80GB", 80, "10de:20b2", "10de:20b5"],
      ["L4", 24, "10de:27b8"],
      ["L40", 48, "10de:26b5"],
      ["L40S", 48, "10de:26b9"],
      ["H100 80GB", 80, "10de:2330", "10de:2331"],
      ["RTX A2000 12GB", 12, "10de:2571"],
      ["RTX A4000", 16, "10de:24b0"],
      ["RTX A5000", 24, "10de:2231"],
      ["RTX A6000", 48, "10de:2230"],
      ["RTX 4000 SFF Ada", 20, "10de:27b0"],
      ["RTX 4000 Ada", 20, "10de:27b2"],
      ["RTX 5000 Ada", 32, "10de:26b2"],
      ["RTX 6000 Ada", 48, "10de:26b1"],
      ["RTX PRO 6000 Blackwell", 96, "10de:2bb1", "10de:2bb5"],
      ["Radeon RX 6800 or 6900 XT", 16, "1002:73bf", "1002:73af"],
      ["Radeon RX 7900", 24, "1002:744c"],
      ["Radeon RX 7700 XT or 7800 XT", 16, "1002:747e"],
      ["Radeon RX 9070", 16, "1002:7550"],
      ["Radeon VII", 16, "1002:66af"],
      ["Instinct MI50", 32, "1002:66a1"],
      ["Instinct MI100", 32, "1002:738c"],
      ["Instinct MI210", 64, "1002:740f"],
      ["Instinct MI300X", 192, "1002:74a1"],
      ["Arc A770", 16, "8086:56a0"],
      ["Arc B570", 10, "8086:e20c"],
      ["Arc B580", 12, "8086:e20b"],
    ] as const
  ).flatMap(([name, memoryGiB, ...ids]) => ids.map((id) => [id, { name, memoryGiB }] as const)),
);

/** The card with these ids, such as `10de:2684`; `undefined` when it is not known here. */
export function gpuOf(id: string): KnownGpu | undefined {
  return GPUS.get(id);
}
