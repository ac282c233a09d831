import {
  contains,
  formatNetwork,
  type Network,
  networkOf,
  parseCidr,
  parseHostAddress,
  reservedRole,
} from "../../grammar/address";
import type { Path } from "../problem";
import { error, type Finding, rule, warning } from "./rule";

/** What is wrong with a guest's static address in its network; nothing when a host may have it. */
export function* misplaced(ip: string, network: Network, gateway: string | undefined, path: Path): Iterable<Finding> {
  const role = reservedRole(network, ip);
  if (role) {
    yield error(
      "reserved-address",
      path,
      `${ip} is the ${role} address of ${formatNetwork(network)}, which no guest can have`,
      "Choose an address between the two ends of the network.",
    );
  } else if (ip === gateway) {
    yield error(
      "address-is-gateway",
      path,
      `${ip} is the gateway of this guest`,
      "Choose another address; the gateway's is taken.",
    );
  }
}

/** A container's address must lie in its network, and be one that a host may have; a static one needs a gateway, a leased one must name none. */
export const containerAddresses = rule(["containers", "network"], function* ({ containers, network }, { declared }) {
  const labNetwork = parseCidr(network.cidr);
  for (const [key, container] of Object.entries(containers)) {
    const path = ["containers", key, "address"];
    const address = parseHostAddress(container.address);
    if (!address) {
      if (container.gateway) {
        yield error(
          "gateway-with-dhcp",
          ["containers", key, "gateway"],
          `the address comes by DHCP, and the gateway ${container.gateway} with it`,
          "Take the gateway away, or give a static address.",
        );
      }
      continue;
    }
    const gateway = container.gateway ?? network.gateway;
    if (!gateway && !declared(["network", "gateway"]) && !declared(["containers", key, "gateway"])) {
      yield error(
        "gateway-missing",
        path,
        `${address.ip} is static, and neither network.gateway nor a gateway of its own is given`,
        "Set network.gateway.",
      );
    }
    // Elsewhere than in the lab's network, a container must say which network it is in: by a prefix and a gateway of its own.
    const own = container.gateway && address.prefix !== undefined ? networkOf(address.ip, address.prefix) : labNetwork;
    if (!contains(own, address.ip)) {
      yield error(
        "address-outside-network",
        path,
        `${address.ip} is outside network.cidr ${network.cidr}`,
        "Choose an address inside it; on another network the container needs a prefix and a gateway of its own.",
      );
      continue;
    }
    if (gateway && !contains(own, gateway)) {
      yield error(
        "gateway-outside-network",
        container.gateway ? ["containers", key, "gateway"] : ["network", "gateway"],
        `the gateway ${gateway} is outside ${formatNetwork(own)}, the network of ${address.ip}, and cannot be reached from there`,
        "Name a gateway inside the network.",
      );
    }
    yield* misplaced(address.ip, own, gateway, path);
  }
});

/** With nobody allowed in, the firewall makes every guest useless; this is worth a word, not a refusal. */
export const reachable = rule(["network", "containers"], function* ({ network }) {
  const doors = [
    { list: "clients", what: "the Ollama API (11434)" },
    { list: "management", what: "SSH (22), which Ansible needs" },
  ] as const;
  for (const { list, what } of doors) {
    if (network[list].length > 0) continue;
    yield warning(
      `no-${list}`,
      ["network", list],
      `network.${list} is empty, so the firewall lets nobody reach ${what}`,
      `List the networks that may, for example [${network.cidr}].`,
    );
  }
});
