import { Construct } from "constructs";
import { OLLAMA_PORT } from "../../catalog/ollama";
import { checkCidr } from "../../grammar/address";
import { checkWhole, PORT_BOUNDS } from "../../grammar/size";
import { checkProps, prop } from "../props-error";
import { Container, type ContainerProps } from "../proxmox/container";
import { GuestFirewall } from "../proxmox/guest-firewall";
import { ping } from "../proxmox/ping";

/** A container, and who may reach it. */
export interface OllamaContainerProps extends ContainerProps {
  /** Networks that may reach the API. Ollama has no authentication: whoever reaches it may also delete models. @default none */
  readonly clients?: readonly string[];
  /**
   * Port of the API that clients reach, 1 to 65535: another one where a door with a lock stands before Ollama. @default 11434: Ollama's
   */
  readonly apiPort?: number;
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
    const { clients = [], management = [], apiPort = OLLAMA_PORT } = props;
    checkProps(scope, id, [
      ...clients.map((network) => prop("clients", network, checkCidr)),
      ...management.map((network) => prop("management", network, checkCidr)),
      prop("apiPort", apiPort, checkWhole(PORT_BOUNDS)),
    ]);
    this.container = new Container(this, "Container", props);
    this.firewall = new GuestFirewall(this, "Firewall", {
      of: props,
      guest: this.container.resource,
      dhcp: props.network.address === "dhcp",
      open: [
        { service: "SSH", protocol: "tcp", port: "22", sources: management },
        ping(management),
        { service: "Ollama API", protocol: "tcp", port: String(apiPort), sources: clients },
      ],
    });
  }
}
