import { NfsProvisioner, type NfsProvisionerProps } from "../../../constructs/kubernetes/nfs-provisioner";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: NfsProvisionerProps = { storageClass: "nfs-client", server: "192.0.2.5", path: "/volume1/k8s" };

testRejectedProps<NfsProvisionerProps>(props, (stack, changed) => new NfsProvisioner(stack, "nfs", changed), [
  ["a StorageClass with an underscore", { storageClass: "nfs_client" }, "storageClass: invalid-kubernetes-name"],
  ["a server of one label", { server: "nas" }, "server: invalid-host"],
  ["a relative path", { path: "volume1/k8s" }, "path: invalid-path"],
  ["two mount options in one", { mountOptions: ["nfsvers=4.1,nolock"] }, "mountOptions: invalid-mount-option"],
]);
