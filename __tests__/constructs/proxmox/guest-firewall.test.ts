import { TerraformStack, Testing } from "cdktf";
import { Container } from "../../../constructs/proxmox/container";
import { GuestFirewall, type GuestFirewallProps } from "../../../constructs/proxmox/guest-firewall";
import { guestProps } from "../../../testing/guest-props";
import type { StackJson } from "../../../testing/lab";
import { testRejectedProps } from "../../../testing/rejected-props";

type Props = Omit<GuestFirewallProps, "guest">;

const ssh = { service: "SSH", protocol: "tcp", port: "22", sources: ["192.0.2.0/24"] } as const;

function make(stack: TerraformStack, props: Props): void {
  const template = "local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst";
  const { resource: guest } = new Container(stack, "container", { ...guestProps, template });
  new GuestFirewall(stack, "firewall", { ...props, guest });
}

const of = { resourceName: "guest", node: "pve1", vmId: guestProps.vmId };

test("a port of UDP opens", () => {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  make(stack, { of, open: [{ service: "DNS", protocol: "udp", port: "53", sources: ["192.0.2.0/24"] }] });
  const { resource } = JSON.parse(Testing.synth(stack)) as StackJson;
  expect(resource["proxmox_virtual_environment_firewall_rules"]?.["guest"]?.["rule"]).toEqual([
    expect.objectContaining({ proto: "udp", dport: "53" }),
  ]);
});
test("what to do about a port without a protocol is said", () => {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  const open = [{ ...ssh, protocol: undefined }];
  expect(() => make(stack, { of, open })).toThrow("Give tcp or udp, or leave the port out.");
});

testRejectedProps<Props>({ of, open: [ssh] }, make, [
  ["a resource's name in capitals", { of: { ...of, resourceName: "Guest" } }, "of.resourceName: invalid-key"],
  ["a node that is no host name", { of: { ...of, node: "pve_1" } }, "of.node: invalid-node-name"],
  ["a source with host bits", { open: [{ ...ssh, sources: ["192.0.2.7/24"] }] }, "open.sources: network-host-bits"],
  ["port 0", { open: [{ ...ssh, port: "0" }] }, "open.port: invalid-port"],
  ["a port above 65535", { open: [{ ...ssh, port: "65536" }] }, "open.port: invalid-port"],
  ["a range that runs backwards", { open: [{ ...ssh, port: "8010:8000" }] }, "open.port: invalid-port"],
  ["a range with a hyphen", { open: [{ ...ssh, port: "8000-8010" }] }, "open.port: invalid-port"],
  ["a port of no protocol", { open: [{ ...ssh, protocol: undefined }] }, "open.port: port-without-protocol"],
]);
