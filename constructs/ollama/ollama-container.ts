import { Construct } from "constructs";
import { OLLAMA_PORT } from "../../catalog/ollama";
import { checkCidr } from "../../grammar/address";
import { checkProps, prop } from "../props-error";
import { Container, type ContainerProps } from "../proxmox/container";
import { GuestFirewall } from "../proxmox/guest-firewall";
import { ping } from "../proxmox/ping";

/** A container, and who may reach it. */
export interface OllamaContainerProps extends ContainerProps {
  /** Networks that may reach the API. Ollama has no authentication: whoever reaches it may also delete models. @default none */
  readonly clients?: readonly string[];
  /** Networks that may reach SSH, and ping. @default none */
  readonly management?: readonly string[];
}

/** A container for Ollama, with its firewall. Ansible installs Ollama in it. */
export class OllamaContainer extends Construct {
  /** The container. */
  readonly container: Container;
  /** Its ports. */
  readonly firewall: GuestFirewall;

  constructor(scope: Construct, id: string, props: OllamaContainerProps) {
    super(scope, id);
    const { clients = [], management = [] } = props;
    checkProps(scope, id, [
      ...clients.map((network) => prop("clients", network, checkCidr)),
      ...management.map((network) => prop("management", network, checkCidr)),
    ]);
    this.container = new Container(this, "Container", props);
    this.firewall = new GuestFirewall(this, "Firewall", {
      of: props,
      guest: this.container.resource,
      dhcp: props.network.address === "dhcp",
      open: [
        { service: "SSH", protocol: "tcp", port: "22", sources: management },
        ping(management),
        { service: "Ollama API", protocol: "tcp", port: String(OLLAMA_PORT), sources: clients },
      ],
    });
  }
}
