import { Construct } from "constructs";
import { OLLAMA_PORT } from "../../catalog/ollama";
import { Container, type ContainerProps } from "../proxmox/container";
import { GuestFirewall } from "../proxmox/guest-firewall";
import { ping } from "../proxmox/ping";

export interface OllamaContainerProps extends ContainerProps {
  /** Networks that may reach the API. Ollama has no authentication: whoever reaches it may also delete models. */
  readonly clients: readonly string[];
  /** Networks that may reach SSH, and ping. */
  readonly management: readonly string[];
}

/** A container for Ollama and the firewall around it; Ansible installs Ollama in it. */
export class OllamaContainer extends Construct {
  readonly container: Container;
  readonly firewall: GuestFirewall;

  constructor(scope: Construct, id: string, props: OllamaContainerProps) {
    super(scope, id);
    this.container = new Container(this, "Container", props);
    this.firewall = new GuestFirewall(this, "Firewall", {
      of: props,
      guest: this.container.resource,
      dhcp: props.network.address === "dhcp",
      open: [
        { service: "SSH", protocol: "tcp", port: "22", sources: props.management },
        ping(props.management),
        { service: "Ollama API", protocol: "tcp", port: String(OLLAMA_PORT), sources: props.clients },
      ],
    });
  }
}
