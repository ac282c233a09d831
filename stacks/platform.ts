import { TerraformOutput } from "cdktf";
import type { Construct } from "constructs";
import { GPU_NODE, GPU_RESOURCE, GPU_SELECTOR } from "../catalog/nvidia";
import { CertManager } from "../constructs/kubernetes/cert-manager";
import { DevicePlugin } from "../constructs/kubernetes/device-plugin";
import { NfsProvisioner } from "../constructs/kubernetes/nfs-provisioner";
import { ObjectsChart } from "../constructs/kubernetes/objects";
import type { Lab } from "../lab/lab";
import type { Problem } from "../lab/problem";
import { chartSource, clusterAccess } from "./kubernetes";
import { LabStack } from "./lab-stack";

/** Stack `platform`: what the cluster needs before Ollama, as far as the lab asks for it. */
export class PlatformStack extends LabStack {
  /** NVIDIA's device plugin. Absent where the lab has none. */
  readonly devicePlugin?: DevicePlugin;
  /** The NFS provisioner. Absent where the lab has none. */
  readonly nfs?: NfsProvisioner;
  /** cert-manager. Absent where the lab has none. */
  readonly certManager?: CertManager;

  constructor(scope: Construct, lab: Lab, warnings: readonly Problem[]) {
    super(scope, "platform", lab, warnings);
    clusterAccess(this, lab);
    const objects = new ObjectsChart(this);
    const { devicePlugin: plugin, nfs, certManager, issuer, storageClass, ingressClass } = lab.kubernetes;
    if (plugin) {
      this.devicePlugin = new DevicePlugin(this, "device-plugin", {
        partOf: lab.name,
        source: chartSource(this, lab, "nvidia-device-plugin", plugin.chart),
        version: plugin.chart.version,
        nodeSelector: GPU_SELECTOR,
        taintKey: GPU_NODE.taint.key,
        timeSlicing: plugin.timeSlicing,
        smokeTestImage: plugin.smokeTest ? plugin.smokeTestImage : undefined,
        objects,
        moreValues: plugin.values,
      });
    }
    if (nfs) {
      this.nfs = new NfsProvisioner(this, "nfs", {
        storageClass,
        server: nfs.server,
        path: nfs.path,
        mountOptions: nfs.mountOptions,
        source: chartSource(this, lab, "csi-driver-nfs", nfs.chart),
        version: nfs.chart.version,
        moreValues: nfs.values,
      });
    }
    if (certManager) {
      this.certManager = new CertManager(this, "cert-manager", {
        partOf: lab.name,
        source: chartSource(this, lab, "cert-manager", certManager.chart),
        version: certManager.chart.version,
        issuer,
        email: certManager.email,
        server: certManager.server,
        solver: certManager.dns01 ? { dns01: certManager.dns01 } : { ingressClass },
        objects,
        moreValues: certManager.values,
      });
    }
    new TerraformOutput(this, "check_commands", {
      value: [
        ...(plugin
          ? [
              `kubectl get nodes -o custom-columns='NAME:.metadata.name,GPUS:.status.allocatable.${GPU_RESOURCE.replace(".", "\\.")}'`,
            ]
          : []),
        ...(nfs ? [`kubectl get storageclass ${storageClass}`] : []),
        ...(certManager ? [`kubectl get clusterissuer ${issuer}`] : []),
      ],
      description: "What shows that the platform works.",
    });
  }
}
