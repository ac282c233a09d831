import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

const SCRIPT = join(__dirname, "../../templates/proxmox/gpu-facts.sh");

describe("gpu-facts.sh", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gpu-facts-"));
    mkdirSync(join(folder, "devices"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A PCI device as the kernel shows it. */
  function device(path: string, kind: string, group?: number, driver?: string): void {
    const at = join(folder, "devices", path);
    mkdirSync(at);
    const facts = { class: kind, vendor: "0x10de", device: "0x2684", subsystem_vendor: "0x1043", subsystem_device: "0x88e2" };
    for (const [name, text] of Object.entries(facts)) writeFileSync(join(at, name), `${text}\n`);
    const link = (name: string, target: string) => {
      mkdirSync(join(folder, target), { recursive: true });
      symlinkSync(join(folder, target), join(at, name));
    };
    if (group !== undefined) link("iommu_group", `groups/${group}`);
    if (driver !== undefined) link("driver", `drivers/${driver}`);
  }
  const printed = () => execFileSync("sh", [SCRIPT, join(folder, "devices")], { encoding: "utf8" });

  test("prints the four facts of a card as the lab takes them", () => {
    device("0000:01:00.0", "0x030000", 12);
    expect(parse(printed())).toEqual({ gpu: { path: "0000:01:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 } });
  });
  test("leaves out what is no graphics card", () => {
    device("0000:01:00.1", "0x040300", 12);
    expect(printed()).toBe("# no graphics card\n");
  });
  test("says which driver holds the card", () => {
    device("0000:01:00.0", "0x030000", 12, "vfio-pci");
    expect(printed()).toContain("# driver: vfio-pci\n");
  });
  test("says which other devices are in its IOMMU group, but neither its own functions nor bridges", () => {
    device("0000:00:01.0", "0x060400", 12);
    device("0000:01:00.0", "0x030000", 12);
    device("0000:01:00.1", "0x040300", 12);
    device("0000:03:00.0", "0x010802", 12);
    device("0000:04:00.0", "0x010802", 13);
    expect(printed()).toContain("# driver: none; in its group too: 0000:03:00.0\n");
  });
  test("says where the IOMMU is off", () => {
    device("0000:01:00.0", "0x030000");
    expect(printed()).toBe("# 0000:01:00: no IOMMU group; switch on VT-d or AMD-Vi in the firmware\n");
  });
});
