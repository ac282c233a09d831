import { Connection, type ConnectionProps } from "../../../constructs/proxmox/connection";
import { testRejectedProps } from "../../../testing/rejected-props";

const ssh = { username: "terraform", nodes: { pve1: "192.0.2.11" } };

testRejectedProps<ConnectionProps>(
  { endpoint: "https://pve1.lab.example:8006/", ssh },
  (stack, props) => new Connection(stack, "proxmox", props),
  [
    ["an endpoint without TLS", { endpoint: "http://pve1.lab.example:8006/" }, "endpoint: endpoint-not-https"],
    ["a user that Linux has not", { ssh: { ...ssh, username: "Admin" } }, "ssh.username: invalid-user"],
    ["a port above 65535", { ssh: { ...ssh, port: 65_536 } }, "ssh.port: out-of-range"],
    ["port 0", { ssh: { ...ssh, port: 0 } }, "ssh.port: out-of-range"],
    ["a node at a name", { ssh: { ...ssh, nodes: { pve1: "pve1.lab.example" } } }, "ssh.nodes: invalid-address"],
    ["a node with a name that is none", { ssh: { ...ssh, nodes: { pve_1: "192.0.2.11" } } }, "ssh.nodes: invalid-node-name"],
  ],
);
