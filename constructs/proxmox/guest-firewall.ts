import { Construct } from "constructs";
import { VirtualEnvironmentContainer } from "../../.gen/providers/proxmox/virtual-environment-container";
import { VirtualEnvironmentFirewallOptions } from "../../.gen/providers/proxmox/virtual-environment-firewall-options";
import { VirtualEnvironmentFirewallRules } from "../../.gen/providers/proxmox/virtual-environment-firewall-rules";
import type { VirtualEnvironmentVm } from "../../.gen/providers/proxmox/virtual-environment-vm";
import { checkCidr } from "../../grammar/address";
import { checkProps, prop } from "../props-error";
import { idOf } from "./guest";

/** One port that is open, and to whom. */
export interface OpenPort {
  /** What listens there; becomes the rule's comment. */
  readonly service: string;
  /** Absent: every protocol. */
  readonly protocol?: "tcp" | "udp";
  /** A port, such as `22`, or a range in Proxmox's form, such as `8000:8010`; needs a protocol. Absent: all ports. */
  readonly port?: string;
  /** Networks that may reach it. An empty list opens it to nobody. */
  readonly sources: readonly string[];
}

export interface GuestFirewallProps {
  /** Name of the resources in Terraform. */
  readonly resourceName: string;
  readonly node: string;
  /** The guest, in whose place among Terraform's resources the rules come after it. */
  readonly guest: VirtualEnvironmentContainer | VirtualEnvironmentVm;
  /** What is open. Everything else that comes in is dropped; answers to what the guest asked for come in. */
  readonly open: readonly OpenPort[];
  /** Let the guest lease its address. @default false */
  readonly dhcp?: boolean;
}

/**
 * The firewall of one guest: what is open, and everything else dropped.
 *
 * Three switches must be on for it to work: the guest's (here), that of its network card (the guest's construct sets it), and the
 * datacenter's, which this project does not touch: with it off, everything is open, in silence.
 */
export class GuestFirewall extends Construct {
  /** Absent when nothing is open: a guest without rules drops everything. */
  readonly rules?: VirtualEnvironmentFirewallRules;
  readonly options: VirtualEnvironmentFirewallOptions;

  constructor(scope: Construct, id: string, props: GuestFirewallProps) {
    super(scope, id);
    checkProps(
      scope,
      id,
      props.open.flatMap(({ service, sources }) => sources.map((source) => prop(`open ${service}`, source, checkCidr))),
    );
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
