import { PlaybookRun, type PlaybookRunProps } from "../../../constructs/ollama/playbook-run";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: PlaybookRunProps = { resourceName: "configure", inventory: "ollama_containers: {}\n", guests: [] };

testRejectedProps<PlaybookRunProps>(props, (stack, changed) => new PlaybookRun(stack, "playbook", changed), [
  ["a resource's name with a space", { resourceName: "run playbook" }, "resourceName: invalid-resource-name"],
  ["an inventory that Linux does not hand over", { inventory: "#".repeat(128 * 1024) }, "inventory: inventory-too-long"],
]);
