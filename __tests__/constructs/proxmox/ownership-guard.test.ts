import { TerraformStack, Testing } from "cdktf";
import { OwnershipGuard, type OwnershipGuardProps } from "../../../constructs/proxmox/ownership-guard";
import { testRejectedProps } from "../../../testing/rejected-props";

testRejectedProps<OwnershipGuardProps>({ node: "pve1" }, (stack, props) => new OwnershipGuard(stack, "guests", props), [
  ["a node with a name that is none", { node: "pve_1" }, "node: invalid-node-name"],
]);

describe("a plan is refused, and says what to do,", () => {
  let refused: string;
  beforeAll(() => {
    const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
    new OwnershipGuard(stack, "guests");
    refused = JSON.parse(Testing.synth(stack)).locals.guests_refused;
  });

  test.each([
    ["while a node does not answer", "Deploy when the node is back, or leave ${key} out of the lab until then."],
    ["where a VMID is another guest's", "VMID ${guest.vm_id} of ${key} belongs to another guest: ${guest.found.name}, a "],
    ["where that guest has no mark", 'guest.found.mark.state == "" && !(guest.found.kind == guest.kind && '],
    ["where a lost state had downloaded a file", "The file ${volume_id} is there already, if the state was lost: "],
    ["where that file can be used as it is", "with adopt, write in the lab, so that the file is used as it is: ${instead}"],
    ["where a key became another", "write at ${key} in the lab, and deploy: formerKey: ${guest.found.mark.name}."],
    ["where a VM was moved", "Somebody moved it, and this plan would stop it and move it back."],
    ["where a container was moved", "Or move it to ${guest.node}, then run the same; run on ${guest.found.node}: pct migrate"],
    ["where a protected guest leaves the lab", "Put it back with protect: false, deploy, and then take it out."],
  ])("%s", (_, words) => {
    expect(refused).toContain(words);
  });
});
