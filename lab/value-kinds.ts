import { NFS_MOUNT_OPTIONS } from "../catalog/csi-driver-nfs";
import { K3S_EXAMPLE } from "../catalog/k3s";
import { DRIVER_EXAMPLE } from "../catalog/nvidia";
import { OLLAMA_CHART, OLLAMA_VERSION, ollamaImage } from "../catalog/ollama";
import { DEFAULT_REGISTRY } from "../catalog/registries";
import type { FaultCode } from "../grammar/fault";
import { type ProblemKind, STACK_IDS } from "./problem";

/** A value is refused wherever it is; the place tells which stacks it concerns. */
const error = { severity: "error", stacks: STACK_IDS } as const;

/** What is true of each fault that a single value can have. `grammar/` finds them. */
export const valueKinds: Readonly<Record<FaultCode, ProblemKind>> = {
  "invalid-adopt": {
    ...error,
    meaning: "A value is neither the mark of a state nor the word unmarked.",
    example: "containers:\n  ollama-1: { adopt: yes please }",
    remedy: "Write the eight hexadecimal digits that the refused plan prints, or unmarked.",
  },
  "invalid-address": {
    ...error,
    meaning: "A value is not an IPv4 address.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.300 }
    `,
    remedy: "Write four numbers from 0 to 255, such as 192.0.2.21.",
  },
  "invalid-network": {
    ...error,
    meaning: "A value is not an IPv4 network.",
    example: `
      network:
        cidr: everywhere
    `,
    remedy: "Write a network such as 192.0.2.0/24.",
  },
  "network-host-bits": {
    ...error,
    meaning: "A value is an address inside a network, not the network itself.",
    example: `
      network:
        cidr: 192.0.2.7/24
    `,
    remedy: "Write the network's first address, such as 192.0.2.0/24.",
  },
  "invalid-mac": {
    ...error,
    meaning: "A value is not a MAC address in capitals, or it is a multicast address. Proxmox stores capitals.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, mac: "bc:24:11:00:00:21" }
    `,
    remedy: "Write six pairs of hexadecimal digits in capitals, such as BC:24:11:00:00:21.",
  },
  "invalid-host": {
    ...error,
    meaning: "A value is not a DNS name in lower case, or not a host.",
    example: `
      ollama:
        releases:
          ollama: { host: https://ollama.home.example }
    `,
    remedy: "Write the name alone, such as ollama.home.example.",
  },
  "invalid-domain": {
    ...error,
    meaning: "A value is not a DNS domain in lower case.",
    example: `
      network:
        searchDomain: Home_Net
    `,
    remedy: "Write it in lower case, such as home.example.",
  },
  "invalid-url": {
    ...error,
    meaning: "A value is not an http or https URL.",
    example: `
      defaults:
        container:
          ollama: { url: mirror.lab.example/ollama }
    `,
    remedy: "Write the whole URL, with https:// before it.",
  },
  "credential-in-environment": {
    ...error,
    meaning:
      "A variable of Ollama holds a credential, such as OLLAMA_API_KEY or the password of a proxy. Everything in the lab is written to the output.",
    example: `
      ollama:
        releases:
          ollama: { environment: { OLLAMA_API_KEY: not-a-real-key } }
    `,
    remedy:
      "Take it out: on Kubernetes values.extraEnvFrom takes it from a Secret, and in a container a file in ollama.service.d has it. Make a new one in its place.",
  },
  "credential-in-url": {
    ...error,
    meaning: "A URL has a user name or a password in it, which would be written to the output.",
    example: `
      defaults:
        container:
          template: { url: "https://a:b@mirror.lab.example/u.tar.zst" }
    `,
    remedy: "Take the credential out, and use a mirror that needs none.",
  },
  "not-https": {
    ...error,
    meaning: "A mirror is not served over https. Anyone on the way can change what comes over http.",
    example: `
      mirrors:
        k3s: http://mirror.lab.example/k3s
    `,
    remedy: "Serve it over https.",
  },
  "endpoint-not-https": {
    ...error,
    meaning: "The endpoint of Proxmox is not https, but Proxmox serves its API over TLS only.",
    example: `
      proxmox:
        endpoint: http://pve1.lab.example:8006/
    `,
    remedy: "Write https.",
  },
  "endpoint-path": {
    ...error,
    meaning: "The endpoint of Proxmox has a path, but the provider adds the path of the API itself.",
    example: `
      proxmox:
        endpoint: https://pve1.lab.example:8006/api2/json
    `,
    remedy: "Remove the path.",
  },
  "invalid-key": {
    ...error,
    meaning: "A key becomes part of the names of guests and Terraform resources, but it is no name that both take.",
    example: `
      containers:
        Ollama_2: { vmId: 202, address: 192.0.2.22 }
    `,
    remedy: "Begin with a lower-case letter and go on with letters, digits and hyphens; at most 40 characters.",
  },
  "invalid-name": {
    ...error,
    meaning: "A guest's name is not a host name.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, name: ollama_1 }
    `,
    remedy: "Use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.",
  },
  "invalid-vmid": {
    ...error,
    meaning: "A number is not a VMID. Proxmox keeps the numbers below 100 for itself.",
    example: `
      containers:
        ollama-1: { vmId: 99, address: 192.0.2.21 }
    `,
    remedy: "Choose a whole number from 100 to 999999999.",
  },
  "invalid-tag": {
    ...error,
    meaning: "A value is not a tag that Proxmox stores unchanged.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, tags: [Prod] }
    `,
    remedy: "Use lower-case letters, digits and _ . + -, and begin with a letter, a digit or _.",
  },
  "invalid-node-name": {
    ...error,
    meaning: "A value cannot be the name of a Proxmox node.",
    example: `
      defaults:
        container: { node: pve_1 }
    `,
    remedy: "Write the name as `pvesh get /nodes` shows it.",
  },
  "invalid-bridge": {
    ...error,
    meaning: "A value cannot be the name of a network bridge.",
    example: `
      network:
        bridge: a-bridge-with-a-long-name
    `,
    remedy: "Write the bridge as `ip link` on the node shows it, such as vmbr0.",
  },
  "invalid-pool": {
    ...error,
    meaning: "A value cannot be the name of a Proxmox pool.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, pool: "my pool" }
    `,
    remedy: "Write the pool as `pvesh get /pools` shows it.",
  },
  "invalid-user": {
    ...error,
    meaning: "A value cannot be the name of a Linux user.",
    example: `
      proxmox:
        ssh: { username: Terraform User }
    `,
    remedy: "Use lower-case letters, digits, _ and -, at most 32 characters.",
  },
  "invalid-ssh-key": {
    ...error,
    meaning: "A value is not one line of an OpenSSH public key file.",
    example: "sshPublicKeys: [my-key]",
    remedy: "Write the one line of a .pub file.",
  },
  "private-key": {
    ...error,
    meaning: "A private key is in the lab. It must stay with its owner.",
    example: 'sshPublicKeys: ["-----BEGIN OPENSSH PRIVATE KEY-----"]',
    remedy: "Write the one line of the .pub file instead.",
  },
  "invalid-datastore": {
    ...error,
    meaning: "A value cannot be the id of a Proxmox datastore.",
    example: `
      storage:
        disks: local_lvm_
    `,
    remedy: "Write it as `pvesm status` shows it, such as local-lvm.",
  },
  "invalid-device": {
    ...error,
    meaning: "A value is not a device under /dev.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, devices: [/mnt/x] }
    `,
    remedy: "Write the device as the node shows it, such as /dev/dri/renderD128.",
  },
  "invalid-mode": {
    ...error,
    meaning: "A value is not a file mode of four octal digits, the first a 0.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, devices: [{ path: /dev/fuse, mode: "660" }] }
    `,
    remedy: 'Write four octal digits in quotes, such as "0660".',
  },
  "invalid-path": {
    ...error,
    meaning: "A value is not an absolute path that a shell and Terraform leave unchanged.",
    example: "ollamaNfsPath: mnt/nfs",
    remedy: "Write a path such as /var/lib/ollama/models: letters, digits and _ . @ + -, without a slash at the end.",
  },
  "invalid-file-path": {
    ...error,
    meaning: "A value is not a path on this machine that a shell and Terraform leave unchanged.",
    example: `
      kubernetes:
        kubeconfig: ~/.kube/config
    `,
    remedy: "Write a path such as ./kubeconfig, without quotes, $, ~ or backslashes.",
  },
  "invalid-pci-path": {
    ...error,
    meaning: "A value is not a PCI path in lower case.",
    example: `
      proxmox:
        nodes:
          pve1:
            gpus:
              rtx: { path: "0000:0A:00" }
    `,
    remedy: 'Write it as `lspci -D` shows it, in quotes: "0000:01:00" or "0000:01:00.0".',
  },
  "invalid-pci-id": {
    ...error,
    meaning: "A value is not a pair of vendor and device ids in lower case.",
    example: `
      proxmox:
        nodes:
          pve1:
            gpus:
              rtx: { id: "10DE:2684" }
    `,
    remedy: 'Write vendor and device as `lspci -nn` shows them, in quotes, such as "10de:2684".',
  },
  "invalid-mapping": {
    ...error,
    meaning: "A value cannot be the name of a PCI resource mapping.",
    example: `
      proxmox:
        nodes:
          pve1:
            gpus:
              rtx: { mapping: "1" }
    `,
    remedy: "Write it as Datacenter → Resource Mappings shows it.",
  },
  "invalid-checksum": {
    ...error,
    meaning: "A value is not a checksum: 64 hexadecimal digits for SHA-256, 128 for SHA-512, in lower case.",
    example: `
      defaults:
        container:
          ollama: { sha256: ABC }
    `,
    remedy: "Copy the checksum from the publisher.",
  },
  "invalid-template-name": {
    ...error,
    meaning: "Proxmox does not take this file name for a container's template.",
    example: `
      defaults:
        container:
          template: { url: https://mirror.lab.example/u.tar.zst, fileName: template.zip }
    `,
    remedy: "It must end in .tar, .tar.gz, .tar.xz, .tar.zst or .tar.bz2, and hold letters, digits and _ . + - only.",
  },
  "invalid-template-volume": {
    ...error,
    meaning: "A value is not the volume id of a container's template.",
    example: `
      defaults:
        container: { template: local/u.tar.zst }
    `,
    remedy: "Write it as `pveam list <datastore>` shows it.",
  },
  "invalid-image-volume": {
    ...error,
    meaning: "A value is not the volume id of a disk image that Proxmox imports.",
    example: "cluster: { image: local/noble.qcow2 }",
    remedy: "Write it as `pvesm list <datastore> --content import` shows it.",
  },
  "invalid-image-name": {
    ...error,
    meaning: "Proxmox imports no disk from a file of this name.",
    example: `
      cluster:
        image: { fileName: noble.img }
    `,
    remedy: "It must end in .qcow2, .raw or .vmdk; Ubuntu's .img files are .qcow2 by their content.",
  },
  "invalid-k3s-version": {
    ...error,
    meaning: "A value is not the exact name of a K3s release.",
    example: `
      cluster:
        k3sVersion: v1.36.3
    `,
    remedy: `Write it exactly as the release is named, such as ${K3S_EXAMPLE}.`,
  },
  "invalid-ollama-version": {
    ...error,
    meaning: "A value is not an exact version of Ollama.",
    example: `
      defaults:
        container:
          ollama: { version: latest }
    `,
    remedy: `Write it as its release is named, without the v, such as ${OLLAMA_VERSION}.`,
  },
  "invalid-driver-version": {
    ...error,
    meaning: "A value is not the version of an NVIDIA driver.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, gpu: { type: nvidia, driverVersion: "580" } }
    `,
    remedy: `Write it as \`nvidia-smi\` on the node shows it, such as ${DRIVER_EXAMPLE}.`,
  },
  "invalid-driver-branch": {
    ...error,
    meaning: "A value is not a branch of the NVIDIA driver.",
    example: `
      cluster:
        nvidiaDriver: newest
    `,
    remedy: 'Write its number in quotes, such as "580" or "580-server", or distribution.',
  },
  "chart-version-not-exact": {
    ...error,
    meaning: "A value is not one exact version of a chart. A range is planned as one version and applied as another.",
    example: `
      ollama:
        chart: { version: "~> 1.36" }
    `,
    remedy: `Write it in full, such as ${OLLAMA_CHART.version}.`,
  },
  "invalid-oci": {
    ...error,
    meaning: "A value is not the URL of an OCI registry.",
    example: `
      ollama:
        chart: { oci: registry.lab.example/charts }
    `,
    remedy: "Write it as oci://registry.lab.example/charts, without the name of the chart.",
  },
  "invalid-image": {
    ...error,
    meaning: "A value is not a container image with an exact tag or digest.",
    example: `
      ollama:
        releases:
          ollama: { image: ollama/ollama:latest }
    `,
    remedy: `Write the repository and a tag or digest, such as ${ollamaImage(OLLAMA_VERSION)}; not latest.`,
  },
  "invalid-image-prefix": {
    ...error,
    meaning: "A value cannot come before the name of a container image.",
    example: `
      mirrors:
        images: { docker.io: { endpoint: https://registry.lab.example, prefix: /cache } }
    `,
    remedy: "Write it without a slash at the beginning, such as docker-cache.",
  },
  "invalid-registry": {
    ...error,
    meaning: "A value is not the host of a registry of container images.",
    example: `
      mirrors:
        images: { https://docker.io: { endpoint: https://registry.lab.example } }
    `,
    remedy: `Write the host alone, such as ${DEFAULT_REGISTRY} or registry.lab.example:5000.`,
  },
  "invalid-model": {
    ...error,
    meaning: "A value is not a reference to a model that Ollama takes.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, models: [mistral 7b] }
    `,
    remedy: "Write [host/][namespace/]model[:tag] as `ollama pull` takes it, such as mistral:7b.",
  },
  "invalid-keep-alive": {
    ...error,
    meaning: "A value is not a time that Ollama takes. Ollama would ignore it and use five minutes.",
    example: `
      ollama:
        releases:
          ollama: { keepAlive: half an hour }
    `,
    remedy: 'Write a duration such as 30m or 1h30m, seconds such as "600", 0 for not at all, or -1 for always.',
  },
  "invalid-environment": {
    ...error,
    meaning: "A variable is neither Ollama's nor a proxy's, or its value follows from the lab.",
    example: `
      ollama:
        releases:
          ollama: { environment: { OLLAMA_HOST: 0.0.0.0 } }
    `,
    remedy: "Set OLLAMA_… variables, HTTP_PROXY, HTTPS_PROXY or NO_PROXY; OLLAMA_HOST and OLLAMA_MODELS follow from the lab.",
  },
  "invalid-switch": {
    ...error,
    meaning:
      "A variable of Ollama has a word such as NO or off, which is text in YAML 1.2. Ollama reads true and false, and takes most other words for true.",
    example: `
      ollama:
        releases:
          ollama: { environment: { OLLAMA_DEBUG: NO } }
    `,
    remedy: 'Write "true" or "false", in quotes.',
  },
  "invalid-release": {
    ...error,
    meaning: "A value is not the id of a staged release.",
    example: `
      ollama:
        release: releases/3f1c2a9b7d10
    `,
    remedy: "Write it as it is under releases/ on the share.",
  },
  "invalid-file-system": {
    ...error,
    meaning: "A value is not the name of a file system.",
    example: `
      staging:
        fileSystems: [NFS 4]
    `,
    remedy: "Write it as `stat -f` shows it, such as nfs or nfs4.",
  },
  "invalid-kubernetes-name": {
    ...error,
    meaning: "A value is not a name that Kubernetes takes.",
    example: `
      ollama:
        namespace: ML
    `,
    remedy: "Use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.",
  },
  "invalid-label": {
    ...error,
    meaning: "A value is not a label that Kubernetes takes.",
    example: `
      cluster:
        workers:
          gpu-1: { vmId: 311, address: 192.0.2.41, labels: { disk: very fast } }
    `,
    remedy: "Write a key such as example.com/disk and a value of at most 63 letters, digits and - _ .",
  },
  "reserved-label": {
    ...error,
    meaning: "Kubernetes keeps this label from nodes: K3s does not start with it.",
    example: `
      cluster:
        workers:
          gpu-1: { vmId: 311, address: 192.0.2.41, labels: { "node-role.kubernetes.io/gpu": "true" } }
    `,
    remedy: "Use a prefix of your own, or set it with `kubectl label` after the node has joined.",
  },
  "invalid-taint": {
    ...error,
    meaning: "A value is not a taint.",
    example: `
      cluster:
        workers:
          gpu-1: { vmId: 311, address: 192.0.2.41, taints: [gpu=yes] }
    `,
    remedy: "Write key=value:Effect with NoSchedule, PreferNoSchedule or NoExecute.",
  },
  "invalid-cpu": {
    ...error,
    meaning: "A value is not an amount of CPU.",
    example: `
      ollama:
        releases:
          ollama: { resources: { requests: { cpu: two } } }
    `,
    remedy: 'Write cores or thousandths of one in quotes, such as "2" or "500m".',
  },
  "invalid-memory": {
    ...error,
    meaning: "A value is not an amount of memory.",
    example: `
      ollama:
        releases:
          ollama: { resources: { requests: { memory: 4GB } } }
    `,
    remedy: "Write a number with its unit, such as 4Gi or 512Mi; without a unit it is bytes.",
  },
  "invalid-mount-option": {
    ...error,
    meaning: "A value is not one option of mount.nfs.",
    example: `
      kubernetes:
        nfs: { server: 192.0.2.5, path: /volume1/k8s, mountOptions: ["nfsvers=4.1,nolock"] }
    `,
    remedy: `Write each option as an entry of its own, such as ${NFS_MOUNT_OPTIONS[0]} or nolock.`,
  },
  "invalid-email": {
    ...error,
    meaning: "A value is not an e-mail address.",
    example: `
      kubernetes:
        certManager: { email: operator }
    `,
    remedy: "Write an address that somebody reads.",
  },
};
