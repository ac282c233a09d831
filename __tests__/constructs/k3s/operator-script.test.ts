import { OperatorScript, type OperatorScriptProps } from "../../../constructs/k3s/operator-script";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: OperatorScriptProps = { resourceName: "ready", script: "wait-for-nodes.sh", environment: {}, triggers: {} };

testRejectedProps<OperatorScriptProps>(props, (stack, changed) => new OperatorScript(stack, "script", changed), [
  ["a resource's name with a space", { resourceName: "nodes ready" }, "resourceName: invalid-resource-name"],
  ["a script that is not there", { script: "wait-for-node.sh" }, "script: unknown-script"],
]);
