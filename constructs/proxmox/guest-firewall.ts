import { Construct } from "constructs";
import { VirtualEnvironmentContainer } from "../../.gen/providers/proxmox/virtual-environment-container";
import { VirtualEnvironmentFirewallOptions } from "../../.gen/providers/proxmox/virtual-environment-firewall-options";
import { VirtualEnvironmentFirewallRules } from "../../.gen/providers/proxmox/virtual-environment-firewall-rules";
import type { VirtualEnvironmentVm } from "../../.gen/providers/proxmox/virtual-environment-vm";
import { checkCidr } from "../../grammar/address";
import { checkKey, checkNodeName } from "../../grammar/guest";
import { checkPorts } from "../../grammar/ports";
import { checkProps, prop, required } from "../props-error";
import { idOf } from "./guest";

/** One port that is open, and to whom. */
export interface OpenPort {
  /** What listens there. It becomes the comment of the rules. */
  readonly service: string;
  /** The protocol. @default every protocol */
  readonly protocol?: "tcp" | "udp" | "icmp" | "vrrp";
  /** A port, such as `22`, or a range in Proxmox's form, such as `8000:8010`. It needs a protocol. @default all ports */
  readonly port?: string;
  /** Networks that may reach it. An empty list opens it to nobody. */
  readonly sources: readonly string[];
}

export interface GuestFirewallProps {
  /** Name of the resources in Terraform. */
  readonly resourceName: string;
  /** The node that the guest is on. */
  readonly node: string;
  /** The guest. Its rules depend on it, so they are created after it, and again when it is replaced. */
  readonly guest: VirtualEnvironmentContainer | VirtualEnvironmentVm;
  /** What is open. Everything else that comes in is dropped, but for answers to what the guest asked for. */
  readonly open: readonly OpenPort[];
  /** Let the guest lease its address. @default false */
  readonly dhcp?: boolean;
}

/**
 * The firewall of one guest: some ports are open, and everything else is dropped.
 *
 * Three switches must be on for it to work: that of the guest, which this construct sets; that of its network card, which the guest's own
 * construct sets; and that of the datacenter, which this project does not touch. While the last is off, everything is open, and nothing says so.
 */
export class GuestFirewall extends Construct {
  /** The rules. Absent when nothing is open: a guest without rules drops everything. */
  readonly rules?: VirtualEnvironmentFirewallRules;
  /** The switch and the policies. Who depends on it finds the ports open. */
  readonly options: VirtualEnvironmentFirewallOptions;

  constructor(scope: Construct, id: string, props: GuestFirewallProps) {
    super(scope, id);
    checkProps(scope, id, [
      prop("resourceName", props.resourceName, checkKey),
      prop("node", props.node, checkNodeName),
      ...props.open.flatMap(({ service, protocol, port, sources }) => [
        ...sources.map((source) => prop("open.sources", source, checkCidr)),
        prop("open.port", port, checkPorts),
        required("open.port", port === undefined || protocol === "tcp" || protocol === "udp", {
          code: "port-without-protocol",
          message: `the port ${port} of ${service} is open, but ${protocol ? `its protocol is ${protocol}` : "no protocol is given"}, and only tcp and udp have ports`,
          remedy: "Give tcp or udp, or leave the port out.",
        }),
      ]),
    ]);
    const { vmId } = props.guest;
    const guest = {
      nodeName: props.node,
      ...(props.guest instanceof VirtualEnvironmentContainer ? { containerId: vmId } : { vmId }),
      lifecycle: { replaceTriggeredBy: [idOf(props.guest)] },
    };
    // One rule for each network: a plan then shows which one comes or goes.
    const rules = props.open.flatMap(({ service, protocol, port, sources }) =>
      [...sources]
        .sort()
        .map((source) => ({ type: "in", action: "ACCEPT", proto: protocol, dport: port, source, comment: service })),
    );
    if (rules.length > 0) {
      this.rules = new VirtualEnvironmentFirewallRules(this, "Rules", { ...guest, rule: rules });
      this.rules.overrideLogicalId(props.resourceName);
    }
    this.options = new VirtualEnvironmentFirewallOptions(this, "Options", {
      ...guest,
      enabled: true,
      inputPolicy: "DROP",
      outputPolicy: "ACCEPT",
      // What is not set is sent as off, though Proxmox's own default is on: without NDP no IPv6, without DHCP no lease.
      dhcp: props.dhcp ?? false,
      ndp: true,
      // The rules first: otherwise the guest is shut, for SSH too, until they are there.
      dependsOn: this.rules && [this.rules],
    });
    this.options.overrideLogicalId(props.resourceName);
  }
}
