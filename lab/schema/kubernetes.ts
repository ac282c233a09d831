import * as z from "zod";
import { ACME_SERVER, CERT_MANAGER_CHART } from "../../catalog/cert-manager";
import { CSI_DRIVER_NFS_CHART, NFS_MOUNT_OPTIONS } from "../../catalog/csi-driver-nfs";
import { K3S_INGRESS_CLASS } from "../../catalog/k3s";
import { CUDA_IMAGE, DEVICE_PLUGIN_CHART } from "../../catalog/nvidia";
import { checkImage } from "../../grammar/container-image";
import { checkEmail } from "../../grammar/email";
import { checkAbsolutePath, checkFilePath } from "../../grammar/file-path";
import { checkKey } from "../../grammar/guest";
import { checkKubernetesName } from "../../grammar/kubernetes-name";
import { checkMountOption } from "../../grammar/nfs";
import { checkServer } from "../../grammar/server";
import { TIME_SLICING_BOUNDS } from "../../grammar/size";
import { checkHttpUrl } from "../../grammar/url";
import { text, whole } from "./field";
import { chart, chartValues } from "./helm";

const devicePlugin = z
  .strictObject({
    chart: chart(DEVICE_PLUGIN_CHART, "The chart nvidia-device-plugin."),
    timeSlicing: whole(
      ...TIME_SLICING_BOUNDS,
      "Into how many shares each GPU is split. Shares have no memory of their own. Default: not split.",
      4,
    ).optional(),
    smokeTest: z
      .boolean()
      .default(false)
      .describe("Run nvidia-smi on one GPU when the plugin has been installed, and fail the deploy when it fails."),
    smokeTestImage: text(checkImage, "Image of the smoke test.", CUDA_IMAGE).default(CUDA_IMAGE),
    values: chartValues,
  })
  .meta({ description: "NVIDIA's device plugin, which makes GPUs schedulable.", examples: [{ timeSlicing: 4 }] });

/** What `devicePlugin: {}` says. */
export const defaultDevicePlugin = devicePlugin.parse({});

const nfs = z
  .strictObject({
    server: text(checkServer, "The NFS server: its address or its name.", "192.0.2.5"),
    path: text(checkAbsolutePath, "Path that the server exports, as `showmount -e` shows it.", "/volume1/k8s"),
    mountOptions: z
      .array(text(checkMountOption, "An option."))
      .default([...NFS_MOUNT_OPTIONS])
      .describe("How nodes mount it. Changing them makes the StorageClass anew; volumes that exist keep theirs."),
    chart: chart(CSI_DRIVER_NFS_CHART, "The chart csi-driver-nfs."),
    values: chartValues,
  })
  .describe("An NFS provisioner for kubernetes.storageClass. Leave it out where the cluster has that StorageClass.");

const certManager = z
  .strictObject({
    email: text(checkEmail, "Where the certificate authority writes to."),
    server: text(checkHttpUrl, "The ACME server.").default(ACME_SERVER),
    dns01: z
      .record(z.string(), z.json())
      .meta({
        description:
          "DNS-01 solver as cert-manager takes it, for hosts that the internet does not reach; its secrets by reference.",
        examples: [{ cloudflare: { apiTokenSecretRef: { name: "cloudflare-api-token", key: "api-token" } } }],
      })
      .optional(),
    chart: chart(CERT_MANAGER_CHART, "The chart cert-manager."),
    values: chartValues,
  })
  .describe("cert-manager and the ClusterIssuer kubernetes.issuer. Leave it out where the cluster has that issuer.");

/** `kubernetes:` — how to reach the cluster, what it has, and what it is to get. */
export const kubernetes = z
  .strictObject({
    kubeconfig: text(
      checkFilePath,
      "The kubeconfig of the cluster, relative to this file. The cluster stack writes it, the Kubernetes stacks read it. Default: ./kubeconfig-NAME, with the lab's name.",
    ).optional(),
    storageClass: text(checkKubernetesName, "StorageClass of the models. Changing it replaces their claims.").default(
      "nfs-client",
    ),
    issuer: text(checkKey, "ClusterIssuer of the certificates.").default("letsencrypt-prod"),
    ingressClass: text(checkKubernetesName, "Ingress class that answers HTTP-01 challenges.").default(K3S_INGRESS_CLASS),
    devicePlugin: z
      .union([devicePlugin, z.literal(false)])
      .describe("Default: installed when the lab's cluster has GPU workers. false where the cluster has it already.")
      .optional(),
    nfs: nfs.optional(),
    certManager: certManager.optional(),
  })
  .prefault({})
  .describe("The Kubernetes cluster.");
