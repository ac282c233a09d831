import { OwnershipGuard, type OwnershipGuardProps } from "../../../constructs/proxmox/ownership-guard";
import { testRejectedProps } from "../../../testing/rejected-props";

testRejectedProps<OwnershipGuardProps>({ node: "pve1" }, (stack, props) => new OwnershipGuard(stack, "guests", props), [
  ["a node with a name that is none", { node: "pve_1" }, "node: invalid-node-name"],
]);
