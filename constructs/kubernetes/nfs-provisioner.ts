import { StorageClassV1 } from "@cdktf/provider-kubernetes/lib/storage-class-v1";
import { Construct } from "constructs";
import { CSI_DRIVER_NFS_CHART, NFS_MOUNT_OPTIONS, NFS_PROVISIONER } from "../../catalog/csi-driver-nfs";
import { checkAddress } from "../../grammar/address";
import { checkDomainName } from "../../grammar/domain-name";
import { checkAbsolutePath } from "../../grammar/file-path";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkMountOption } from "../../grammar/nfs";
import { checkProps, prop } from "../props-error";
import { terraformName, verbatim } from "../terraform-text";
import { type ChartChoice, HelmChart } from "./helm-chart";

/** The StorageClass, and the share that its volumes are folders of. */
export interface NfsProvisionerProps extends ChartChoice {
  /** Name of the StorageClass, and of the resource in Terraform. Changing it, or any other prop of the StorageClass, replaces it; volumes stay. */
  readonly storageClass: string;
  /** Address or name of the NFS server. Nodes need nfs-common, which the cluster stack installs. */
  readonly server: string;
  /** Absolute path that it exports. */
  readonly path: string;
  /** Options of mount.nfs. @default NFS_MOUNT_OPTIONS of catalog/csi-driver-nfs.ts */
  readonly mountOptions?: readonly string[];
}

/** csi-driver-nfs and a StorageClass whose volumes are folders of one export (docs/decisions/0010-nfs-provisioner.md). */
export class NfsProvisioner extends Construct {
  /** The driver. */
  readonly driver: HelmChart;
  /** The StorageClass. */
  readonly storageClass: StorageClassV1;

  constructor(scope: Construct, id: string, props: NfsProvisionerProps) {
    super(scope, id);
    checkProps(scope, id, [
      prop("storageClass", props.storageClass, checkKubernetesName),
      prop("server", props.server, (server) => checkAddress(server) && checkDomainName(server)),
      prop("path", props.path, checkAbsolutePath),
      ...(props.mountOptions ?? []).map((option) => prop("mountOptions", option, checkMountOption)),
    ]);
    this.driver = new HelmChart(this, "driver", {
      name: "csi-driver-nfs",
      namespace: "kube-system",
      chart: CSI_DRIVER_NFS_CHART.name,
      source: props.source,
      version: props.version,
      values: {},
      moreValues: props.moreValues,
    });
    this.storageClass = new StorageClassV1(this, "Resource", {
      metadata: { name: props.storageClass },
      storageProvisioner: NFS_PROVISIONER,
      parameters: {
        server: props.server,
        share: props.path,
        // The folder has the name of the claim, not its id: a claim that is made again finds its models.
        subDir: verbatim("${pvc.metadata.namespace}-${pvc.metadata.name}"),
        onDelete: "retain",
      },
      mountOptions: [...(props.mountOptions ?? NFS_MOUNT_OPTIONS)],
      reclaimPolicy: "Retain",
      volumeBindingMode: "Immediate",
      allowVolumeExpansion: true,
      dependsOn: [this.driver.resource],
    });
    this.storageClass.overrideLogicalId(terraformName(props.storageClass));
  }
}
