import { baseLab, clusterLab, gpuLab, labWith, ollamaLab, problemsOf, sshKey } from "../../../testing/lab";
import {
  alsoContainer,
  cluster,
  container,
  cpuPool,
  locked,
  pool,
  RELEASE,
  refused,
  release,
  second,
  secondWorker,
  worker,
} from "./rejected";

refused(baseLab, [
  {
    fact: "a VMID that two guests have",
    lab: second({ vmId: 201 }),
    code: "duplicate-vmid",
    path: "containers.ollama-2.vmId",
    names: ["the VMID 201", "containers.ollama-1.vmId", "containers.ollama-2.vmId"],
  },
  {
    fact: "a name that two guests have",
    lab: second({ name: "test-ollama-1" }),
    code: "duplicate-name",
    path: "containers.ollama-2.name",
    names: ["test-ollama-1", "containers.ollama-1.name"],
  },
  {
    fact: "an address that two guests have",
    lab: second({ address: "192.0.2.21/24" }),
    code: "duplicate-address",
    path: "containers.ollama-2.address",
    names: ["192.0.2.21", "containers.ollama-1.address"],
  },
  {
    fact: "a guest with the address of a Proxmox node",
    lab: container({ address: "192.0.2.11" }),
    code: "duplicate-address",
    path: "containers.ollama-1.address",
    names: ["proxmox.nodes.pve1.address"],
  },
  {
    fact: "a MAC address that two guests have",
    lab: {
      containers: {
        "ollama-1": { mac: "BC:24:11:00:00:21" },
        "ollama-2": { vmId: 202, address: "dhcp", mac: "BC:24:11:00:00:21" },
      },
    },
    code: "duplicate-mac",
    path: "containers.ollama-2.mac",
    names: ["BC:24:11:00:00:21", "containers.ollama-1.mac"],
  },
  {
    fact: "a model listed twice in two spellings",
    lab: container({ models: ["nomic-embed-text", "nomic-embed-text:latest"] }),
    code: "duplicate-entry",
    path: "containers.ollama-1.models[1]",
    names: ["nomic-embed-text:latest", "nomic-embed-text"],
  },
  {
    fact: "an SSH key listed twice, with another comment",
    lab: { sshPublicKeys: [sshKey(1), `${sshKey(1)} again`] },
    code: "duplicate-entry",
    path: "sshPublicKeys[1]",
    names: ["the key"],
  },
  {
    fact: "a device listed twice",
    lab: { proxmox: { auth: "rootPassword" }, ...container({ devices: ["/dev/fuse", { path: "/dev/fuse" }] }) },
    code: "duplicate-entry",
    path: "containers.ollama-1.devices[1]",
    names: ["the device /dev/fuse"],
  },
]);

refused(clusterLab, [
  {
    fact: "a pool whose member has another guest's address",
    lab: pool({ addresses: { from: "192.0.2.40", to: "192.0.2.45" } }),
    code: "duplicate-address",
    path: "cluster.pools.cpu.addresses",
    names: ["192.0.2.41", "cluster.workers.gpu-1.address", "cpu-2"],
  },
  {
    fact: "a pool's member with the VMID of another guest",
    lab: pool({ firstVmId: 310 }),
    code: "duplicate-vmid",
    path: "cluster.pools.cpu.firstVmId",
    names: ["311", "cluster.workers.gpu-1.vmId", "cpu-2"],
  },
  {
    fact: "a worker with the key of a pool's member",
    lab: cluster({
      workers: { "cpu-2": { vmId: 312, address: "192.0.2.42" } },
      pools: { cpu: cpuPool },
    }),
    code: "duplicate-key",
    path: "cluster.pools.cpu",
    names: ["cpu-2", "cluster.workers.cpu-2"],
  },
  {
    fact: "the address of a Proxmox node as registration address",
    lab: cluster({ registrationAddress: "192.0.2.11" }),
    code: "duplicate-address",
    path: "cluster.registrationAddress",
    names: ["192.0.2.11", "proxmox.nodes.pve1.address"],
  },
  {
    fact: "a guest with the VMID of the template",
    lab: cluster({ image: undefined, template: { vmId: 311 } }),
    code: "duplicate-vmid",
    path: "cluster.workers.gpu-1.vmId",
    names: ["311", "cluster.template.vmId"],
  },
  {
    fact: "a card that two VMs want",
    lab: secondWorker({ gpus: ["rtx"] }),
    code: "duplicate-gpu",
    path: "cluster.workers.gpu-1.gpus",
    names: ["rtx of pve1", "cluster.workers.cpu-1.gpus"],
  },
  {
    fact: "a card that two members of a pool want",
    lab: cluster({
      workers: { "gpu-1": undefined },
      pools: {
        gpu: {
          count: 2,
          nodes: ["pve1"],
          firstVmId: 320,
          addresses: { from: "192.0.2.50", to: "192.0.2.59" },
          gpus: ["rtx"],
        },
      },
    }),
    code: "duplicate-gpu",
    path: "cluster.pools.gpu.gpus",
    names: ["gpu-1", "gpu-2"],
  },
  {
    fact: "a card that one VM lists twice",
    lab: worker({ gpus: ["rtx", "rtx"] }),
    code: "duplicate-gpu",
    path: "cluster.workers.gpu-1.gpus",
    names: ["rtx of pve1"],
  },
  {
    fact: "a card that a VM and a container want",
    lab: {
      proxmox: { auth: "rootPassword" },
      ...alsoContainer({ gpu: { type: "nvidia", card: "rtx", driverVersion: "580.95.05" } }),
    },
    code: "duplicate-gpu",
    path: "cluster.workers.gpu-1.gpus",
    names: ["rtx of pve1", "containers.ollama-1.gpu"],
  },
  {
    fact: "a VM with the VMID of a container",
    lab: alsoContainer({ vmId: 311 }),
    code: "duplicate-vmid",
    path: "cluster.workers.gpu-1.vmId",
    names: ["311", "containers.ollama-1.vmId"],
  },
  {
    fact: "a VM with the name of a container",
    lab: { ...alsoContainer({ name: "shared" }), ...worker({ name: "shared" }) },
    code: "duplicate-name",
    path: "cluster.workers.gpu-1.name",
    names: ["shared", "containers.ollama-1.name"],
  },
  {
    fact: "a VM with the address of a container",
    lab: alsoContainer({ address: "192.0.2.41" }),
    code: "duplicate-address",
    path: "cluster.workers.gpu-1.address",
    names: ["192.0.2.41", "containers.ollama-1.address"],
  },
]);

refused(ollamaLab, [
  {
    fact: "a host that two releases have",
    lab: { ollama: { releases: { ollama: locked("a.home.example"), second: locked("a.home.example") } } },
    code: "duplicate-host",
    path: "ollama.releases.second.host",
    names: ["a.home.example", "ollama", "second"],
  },
  {
    fact: "a model listed twice in two spellings",
    lab: release({ models: ["mistral", "mistral:latest"] }),
    code: "duplicate-entry",
    path: `${RELEASE}.models[1]`,
    names: ["mistral:latest", "mistral"],
  },
  {
    fact: "a release with a name that belongs to another release",
    lab: { ollama: { releases: { "ollama-models": {} } } },
    code: "release-name-taken",
    path: "ollama.releases.ollama-models",
    names: ["ollama-models", "ollama"],
  },
  {
    fact: "a namespace that every cluster has",
    lab: { ollama: { namespace: "kube-system" } },
    code: "namespace-taken",
    path: "ollama.namespace",
    names: ["kube-system", "every cluster"],
  },
]);

refused(gpuLab, [
  {
    fact: "the namespace of cert-manager when the lab installs it",
    lab: { ollama: { namespace: "cert-manager" } },
    code: "namespace-taken",
    path: "ollama.namespace",
    names: ["cert-manager", "kubernetes.certManager"],
  },
]);

refused(
  ollamaLab,
  ["default", "kube-node-lease", "kube-public"].map((namespace) => ({
    fact: `the namespace ${namespace}, which every cluster has,`,
    lab: { ollama: { namespace } },
    code: "namespace-taken" as const,
    path: "ollama.namespace",
    names: [namespace, "every cluster"],
  })),
);

test("a VMID that a container and a VM claim concerns the stacks of both", () => {
  const lab = labWith({ ...alsoContainer({ vmId: 301 }) }, clusterLab);
  expect(problemsOf(lab).map(({ code, stacks }) => [code, stacks])).toEqual([["duplicate-vmid", ["containers", "cluster"]]]);
});
