import { Construct } from "constructs";
import { VirtualEnvironmentContainer } from "../../.gen/providers/proxmox/virtual-environment-container";
import { VirtualEnvironmentFirewallOptions } from "../../.gen/providers/proxmox/virtual-environment-firewall-options";
import { VirtualEnvironmentFirewallRules } from "../../.gen/providers/proxmox/virtual-environment-firewall-rules";
import type { VirtualEnvironmentVm } from "../../.gen/providers/proxmox/virtual-environment-vm";
import { checkCidr } from "../../grammar/address";
import { checkKey, checkNodeName } from "../../grammar/guest";
import { checkPorts } from "../../grammar/ports";
import { checkProps, prop, required } from "../props-error";
import { TerraformData } from "../terraform-data";
import { type GuestProps, idOf, moved } from "./guest";

/** One open port, and who may reach it. */
export interface OpenPort {
  /** What listens there. It becomes the comment of the rules. */
  readonly service: string;
  /** The protocol. @default every protocol */
  readonly protocol?: "tcp" | "udp" | "icmp" | "vrrp";
  /** A port, such as `22`, or a range in Proxmox's form, such as `8000:8010`. It needs a protocol. @default all ports */
  readonly port?: string;
  /** Networks that may reach it. With an empty list it stays closed. */
  readonly sources: readonly string[];
}

/** Which guest is behind the firewall, and what is open. */
export interface GuestFirewallProps {
  /** The props of the guest's own construct. */
  readonly of: Pick<GuestProps, "resourceName" | "node" | "vmId" | "guard" | "formerName">;
  /** The resource of the guest. The firewall is made after it, and again when it is replaced. */
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
 *
 * The options close the guest, and the rules open ports after that, so a request that fails leaves the guest closed. With an `OwnershipGuard`
 * the next deploy imports rules that are incomplete and completes them. Without a guard the provider refuses them.
 */
export class GuestFirewall extends Construct {
  /** The rules. Absent when nothing is open: a guest without rules drops everything. */
  readonly rules?: VirtualEnvironmentFirewallRules;
  /** The switch and the policies. Who depends on it finds the ports open. */
  readonly options: VirtualEnvironmentFirewallOptions;
  /** What has to be there before somebody may count on the firewall: the rules or, where there are none, the options. */
  readonly complete: VirtualEnvironmentFirewallRules | VirtualEnvironmentFirewallOptions;

  constructor(scope: Construct, id: string, props: GuestFirewallProps) {
    super(scope, id);
    checkProps(scope, id, [
      prop("of.resourceName", props.of.resourceName, checkKey),
      prop("of.node", props.of.node, checkNodeName),
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
    const { guest, of } = props;
    const kind = guest instanceof VirtualEnvironmentContainer ? "container" : "vm";
    const trigger = new TerraformData(this, "Guest", { triggersReplace: `\${split("/", ${idOf(guest)})}` });
    trigger.overrideLogicalId(`${of.resourceName}_firewall`);
    moved(this, trigger, of, "_firewall");
    const common = {
      nodeName: of.node,
      ...(kind === "container" ? { containerId: guest.vmId } : { vmId: guest.vmId }),
      lifecycle: { replaceTriggeredBy: [`terraform_data.${of.resourceName}_firewall.triggers_replace${A_NEW_GUEST}`] },
    };
    this.options = new VirtualEnvironmentFirewallOptions(this, "Options", {
      ...common,
      enabled: true,
      inputPolicy: "DROP",
      outputPolicy: "ACCEPT",
      // An absent value is sent as off, but Proxmox's own default is on. Without NDP there is no IPv6, without DHCP no lease.
      dhcp: props.dhcp ?? false,
      ndp: true,
      // On by default. The guest could tell its network then that it is the router.
      radv: false,
    });
    const rules = fewestRules(props.open);
    if (rules.length > 0)
      this.rules = new VirtualEnvironmentFirewallRules(this, "Rules", { ...common, rule: rules, dependsOn: [this.options] });
    this.complete = this.rules ?? this.options;
    for (const resource of [this.options, ...(this.rules ? [this.rules] : [])]) {
      resource.overrideLogicalId(of.resourceName);
      moved(this, resource, of);
      of.guard?.import(of, resource, `${kind}/NODE/${of.vmId}`);
    }
  }
}

/**
 * What the firewall is replaced by: the second part of the guest's id. Proxmox drops a firewall with its guest, so both are made anew together.
 * `replace_triggered_by` on the guest itself does not do it: Terraform has no eye for a guest that is only created, because somebody deleted it
 * by hand. So a resource of its own stays in the state and keeps the parts of the id. A known id has one part. There is no second one, before and
 * after, and nothing is replaced. Of a guest that will be made the id is unknown, and so is whether it has a second part: that is a change.
 *
 * A reference to the whole resource counts also that this resource itself is created, next to a guest and a firewall that are there already
 * (adopted, or from before there was such a resource). OpenTofu replaces the firewall then, since 1.12, and its plan ends with a cycle where the
 * state has the former order of rules and options.
 */
const A_NEW_GUEST = "[1]";

/**
 * The fewest rules that open these ports, because each rule is a request that may fail: one rule for all ports of a protocol that are open
 * to the same sources.
 */
function fewestRules(open: readonly OpenPort[]) {
  const rules = new Map<string, { protocol?: string; source: string; ports: string[]; services: string[] }>();
  for (const { service, protocol, port, sources } of open) {
    const source = [...new Set(sources)].sort().join(",");
    if (source === "") continue;
    const key = JSON.stringify([protocol, port === undefined, source]);
    const rule = rules.get(key) ?? { protocol, source, ports: [], services: [] };
    rules.set(key, rule);
    if (port !== undefined && !rule.ports.includes(port)) rule.ports.push(port);
    if (!rule.services.includes(service)) rule.services.push(service);
  }
  return [...rules.values()].map(({ protocol, source, ports, services }) => ({
    type: "in",
    action: "ACCEPT",
    proto: protocol,
    dport: ports.length > 0 ? ports.join(",") : undefined,
    source,
    comment: services.join(", "),
  }));
}
