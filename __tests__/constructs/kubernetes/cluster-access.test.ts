import { ClusterAccess, type ClusterAccessProps } from "../../../constructs/kubernetes/cluster-access";
import { testRejectedProps } from "../../../testing/rejected-props";

testRejectedProps<ClusterAccessProps>(
  { kubeconfig: "../../../kubeconfig" },
  (stack, changed) => new ClusterAccess(stack, "access", changed),
  [["a kubeconfig in a home folder", { kubeconfig: "~/.kube/config" }, "kubeconfig: invalid-file-path"]],
);
