import { Snippet, type SnippetProps } from "../../../constructs/proxmox/snippet";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: SnippetProps = {
  resourceName: "user",
  node: "pve1",
  datastore: "local",
  fileName: "user.yaml",
  text: "#cloud-config\n",
};

testRejectedProps<SnippetProps>(props, (stack, changed) => new Snippet(stack, "snippet", changed), [
  ["a resource's name with a dot", { resourceName: "user.yaml" }, "resourceName: invalid-resource-name"],
  ["a node that is no host name", { node: "pve_1" }, "node: invalid-node-name"],
  ["a datastore with a space", { datastore: "my files" }, "datastore: invalid-datastore"],
  ["a file in a folder", { fileName: "snippets/user.yaml" }, "fileName: invalid-snippet-name"],
  ["a file that is no YAML", { fileName: "user.txt" }, "fileName: invalid-snippet-name"],
]);
