import { TerraformStack, Testing } from "cdktf";
import { Container, type ContainerProps } from "../../../constructs/proxmox/container";
import { guestProps, rejectedGuestProps } from "../../../testing/guest-props";
import type { StackJson } from "../../../testing/lab";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: ContainerProps = { ...guestProps, template: "local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst" };
const { network } = guestProps;
const device = { path: "/dev/dri/renderD128" };
const volume = { path: "/var/lib/ollama/models", sizeGiB: 100 };

function made(changes: Partial<ContainerProps> = {}): Record<string, unknown> | undefined {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  new Container(stack, "container", { ...props, ...changes });
  const json = JSON.parse(Testing.synth(stack)) as StackJson;
  return json.resource["proxmox_virtual_environment_container"]?.["guest"];
}

describe("what is left out", () => {
  test("of the size is what a lab has by default", () => {
    expect(made()).toMatchObject({
      cpu: { cores: 8 },
      memory: { dedicated: 16_384, swap: 0 },
      disk: { datastore_id: "local-lvm", size: 50 },
    });
  });
  test("of the network is the bridge of Proxmox's installer", () => {
    expect(made()).toMatchObject({ network_interface: [{ bridge: "vmbr0" }] });
  });
  test("of SSH keys is no account", () => {
    expect(made({ sshPublicKeys: [] })?.["initialization"]).not.toHaveProperty("user_account");
  });
  test("of a device is the group video, which may read and write", () => {
    expect(made({ devices: [device] })).toMatchObject({ device_passthrough: [{ ...device, gid: 44, mode: "0660" }] });
  });
  test("of a device and a volume is what the container in Proxmox is compared with", () => {
    expect(JSON.stringify(made({ devices: [device], volumes: [volume] })?.["lifecycle"])).not.toContain("undefined");
  });
  test("of a volume is the datastore of the root disk", () => {
    expect(made({ disks: "fast", volumes: [volume] })).toMatchObject({ mount_point: [{ volume: "fast", size: "100G" }] });
  });
});

describe("what a plan compares with Proxmox", () => {
  /** The postconditions about devices and about volumes. */
  const compared = (changes: Partial<ContainerProps> = {}) => {
    // as: the construct writes them so.
    const lifecycle = made(changes)?.["lifecycle"] as
      | { postcondition: Record<"condition" | "error_message", string>[] }
      | undefined;
    const [devices, volumes] = lifecycle?.postcondition ?? [];
    if (!devices || !volumes) throw new Error("a postcondition is missing");
    return { devices, volumes };
  };
  test("of a container without devices is that Proxmox has none", () => {
    expect(compared().devices.condition).toBe("${length(self.device_passthrough) == 0}");
  });
  test("of a container without devices names the command that takes all of them away", () => {
    expect(compared().devices.error_message).toContain(
      'pct set 201 --delete ${join(",", [for i, device in self.device_passthrough : "dev${i}"])} && pct reboot 201. Then run',
    );
  });
  test("of a container with a device is each device, and the command adds what is missing", () => {
    expect(compared({ devices: [device] }).devices.error_message).toContain('"pct set 201 ${join(" ", [for i, device in');
    expect(compared({ devices: [device] }).devices.error_message).toContain(
      ': "--dev${length(self.device_passthrough) + i} ${device[0]},${device[1]}"])}"]',
    );
  });
  test("of a container without volumes is the datastore of the root disk", () => {
    expect(compared().volumes.condition).toBe('${self.disk[0].datastore_id == "local-lvm"}');
  });
  test("of a container without volumes names the command that moves the root disk", () => {
    expect(compared().volumes.error_message).toMatch(/: pct move-volume 201 rootfs local-lvm --delete 1$/);
  });
  test("of a container with a volume is the root disk's datastore and the volume", () => {
    const { condition } = compared({ volumes: [volume] }).volumes;
    expect(condition).toContain('self.disk[0].datastore_id == "local-lvm" ? [] : ["pct move-volume 201');
    expect(condition).toContain('["pct set 201 --mp0 local-lvm:100,mp=/var/lib/ollama/models,backup=0"]');
  });
});

describe("rejected props", () => {
  testRejectedProps<ContainerProps>(props, (stack, changed) => new Container(stack, "container", changed), [
    ...rejectedGuestProps({ cores: 129, memoryGiB: 4097, diskGiB: 65_537 }),
    ["less memory than 64 MiB", { memoryGiB: 0.06 }, "memoryGiB: out-of-range"],
    ["negative swap", { swapMiB: -1 }, "swapMiB: out-of-range"],
    ["a template that is a URL", { template: "https://lab.example/t.tar.zst" }, "template: invalid-template-volume"],
    ["a MAC address in small letters", { network: { ...network, mac: "bc:24:11:00:00:21" } }, "network.mac: invalid-mac"],
    ["a static address without a gateway", { network: { address: "192.0.2.21/24" } }, "network.gateway: gateway"],
    ["a gateway with dhcp", { network: { address: "dhcp", gateway: "192.0.2.1" } }, "network.gateway: gateway"],
    ["a key that is none", { sshPublicKeys: ["ssh-ed25519"] }, "sshPublicKeys: invalid-ssh-key"],
    ["a device outside /dev", { devices: [{ path: "/etc/passwd" }] }, "devices.path: invalid-device"],
    ["a device's group that Linux has not", { devices: [{ ...device, gid: 65_536 }] }, "devices.gid: out-of-range"],
    ["a device's mode of three digits", { devices: [{ ...device, mode: "660" }] }, "devices.mode: invalid-mode"],
    ["a volume at a relative path", { volumes: [{ ...volume, path: "models" }] }, "volumes.path: invalid-path"],
    ["a volume of no size", { volumes: [{ ...volume, sizeGiB: 0 }] }, "volumes.sizeGiB: out-of-range"],
    [
      "a volume on a datastore that is none",
      { volumes: [{ ...volume, datastore: "-" }] },
      "volumes.datastore: invalid-datastore",
    ],
  ]);
});
