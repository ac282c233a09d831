// What a construct makes when its author says no more than it must: the same as a lab that says no more.
import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { TerraformStack, Testing } from "cdktf";
import { handedOverTokens, K3sCluster, K3sNode, type K3sServerProps } from "../../constructs/k3s";
import { ClusterAccess, KubernetesObjects } from "../../constructs/kubernetes";
import { OllamaContainer, type OllamaContainerProps, OllamaRelease } from "../../constructs/ollama";
import { OwnershipGuard } from "../../constructs/proxmox";
import { objectsOf, valuesOf } from "../../testing/kubernetes";
import { labWith, ollamaLab, type StackJson, sshKey, stackOf } from "../../testing/lab";

const CONTAINER = "proxmox_virtual_environment_container";
const FILE = "proxmox_download_file";
const UBUNTU = "pve1_local_ubuntu-22-04-standard_22-04-1_amd64-tar-zst";

/** The JSON of a stack with these constructs. */
function made(build: (stack: TerraformStack) => unknown): StackJson {
  const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
  build(stack);
  return JSON.parse(Testing.synth(stack)) as StackJson;
}

const minimal: OllamaContainerProps = {
  resourceName: "ollama-1",
  node: "pve1",
  vmId: 201,
  network: { address: "192.0.2.21/24", gateway: "192.0.2.1" },
};

describe("a container", () => {
  const stack = made((scope) => [
    new OllamaContainer(scope, "one", minimal),
    new OllamaContainer(scope, "two", { ...minimal, resourceName: "ollama-2", vmId: 202, name: "second" }),
  ]);
  const [one, two] = [stack.resource[CONTAINER]?.["ollama-1"], stack.resource[CONTAINER]?.["ollama-2"]];
  const inLab = stackOf(labWith({ defaults: { container: { template: undefined } } }), "containers").resource[CONTAINER]?.[
    "ollama-1"
  ];

  test.each([
    "cpu",
    "memory",
    "disk",
    "features",
    "start_on_boot",
    "protection",
    "operating_system",
    "unprivileged",
    "network_interface",
    "device_passthrough",
    "mount_point",
  ])("has the same %s as that of a lab", (argument) => {
    expect(inLab?.[argument]).toBeDefined();
    expect(one?.[argument]).toEqual(inLab?.[argument]);
  });
  test("is called as its resource", () => expect(one).toMatchObject({ initialization: { hostname: "ollama-1" } }));
  test("is called as its name says, if it has one", () => expect(two).toMatchObject({ initialization: { hostname: "second" } }));
  test("shares the download of Ubuntu's template with its neighbour on the node", () => {
    expect(Object.keys(stack.resource[FILE] ?? {})).toEqual([UBUNTU]);
  });
  test.each([
    ["one", one],
    ["two", two],
  ])("%s waits for the download", (_, container) => expect(container?.["depends_on"]).toContain(`${FILE}.${UBUNTU}`));
  test("downloads nothing when it names its template", () => {
    const template = "local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst";
    expect(made((scope) => new OllamaContainer(scope, "one", { ...minimal, template })).resource[FILE]).toBeUndefined();
  });
  test("that is guarded downloads nothing before the guard has looked", () => {
    const guarded = made((scope) => new OllamaContainer(scope, "one", { ...minimal, guard: new OwnershipGuard(scope, "guard") }));
    expect(guarded.resource[FILE]?.[UBUNTU]?.["depends_on"]).not.toEqual([]);
  });
  test("keeps the other feature when it names one", () => {
    const docker = made((scope) => new OllamaContainer(scope, "one", { ...minimal, features: { keyctl: true } }));
    expect(docker.resource[CONTAINER]?.["ollama-1"]?.["features"]).toEqual({ nesting: true, keyctl: true });
  });
});

describe("a cluster", () => {
  const server = (number: number): K3sServerProps => ({
    resourceName: `k3s-${number}`,
    node: "pve1",
    vmId: 300 + number,
    address: `192.0.2.3${number}`,
  });
  const cluster = (scope: TerraformStack, id: string) =>
    new K3sCluster(scope, id, {
      release: { version: "v1.36.3+k3s1" },
      source: { cloneOf: 9000 },
      network: { cidr: "192.0.2.0/24", gateway: "192.0.2.1" },
      access: { management: ["192.0.2.10/32"] },
      sshPublicKeys: [sshKey()],
      tokens: handedOverTokens,
      servers: [server(1), server(2), server(3)],
    });
  test("brings the provider that runs its scripts", () => {
    expect(made((scope) => cluster(scope, "cluster")).provider?.["null"]).toHaveLength(1);
  });
  test("leaves a provider that the stack has", () => {
    const stack = made((scope) => {
      new NullProvider(scope, "mine");
      cluster(scope, "cluster");
    });
    expect(stack.provider?.["null"]).toHaveLength(1);
  });
  test.each(["k3s", "null", "assets", "ready"])("may be called %s", (id) => {
    const stack = made((scope) => {
      expect(Object.values(cluster(scope, id).nodes)[0]).toBeInstanceOf(K3sNode);
    });
    expect(Object.keys(stack.resource["proxmox_virtual_environment_vm"] ?? {})).toHaveLength(3);
  });
});

describe("the way to a cluster", () => {
  test("is the kubeconfig beside cdktf.out", () => {
    expect(made((scope) => new ClusterAccess(scope, "access")).variable?.["kubeconfig"]?.["default"]).toBe("../../../kubeconfig");
  });
});

describe("a release that pulls models", () => {
  const models = ["llama3.2:1b"];
  const release = (scope: TerraformStack, changes = {}) =>
    new OllamaRelease(scope, "ollama", {
      name: "ollama",
      namespace: "ml",
      models: { claim: { storageClass: "nfs-client" } },
      ...changes,
    });
  const stack = made((scope) => release(scope, { partOf: "test" }).pull(models));
  test("pulls them by the Job of a lab", () => {
    const ours = objectsOf(stack, "ollama-models").map(({ spec }) => spec);
    const labs = objectsOf(stackOf(ollamaLab, "ollama"), "ollama-models").map(({ spec }) => spec);
    expect(ours).toEqual(labs);
  });
  test("has the values of a release of a lab", () => {
    const { resources, ...values } = valuesOf(stack, "ollama");
    const { resources: _, ...labs } = valuesOf(stackOf(ollamaLab, "ollama"), "ollama");
    expect(values).toEqual(labs);
  });
  test("on GPUs has a Job that tolerates the taint of their nodes", () => {
    const onGpus = made((scope) => release(scope, { gpus: 1 }).pull(models));
    expect(JSON.stringify(objectsOf(onGpus, "ollama-models"))).toContain('{"effect":"NoSchedule","key":"nvidia.com/gpu"');
  });
  test("shares its local chart with other objects of the stack", () => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "mine", namespace: "ml" } };
    const both = made((scope) => {
      release(scope).pull(models);
      new KubernetesObjects(scope, "mine", { name: "mine", namespace: "ml", objects: [object] });
    });
    const { "ollama-models": pull, mine } = both.resource["helm_release"] ?? {};
    expect(mine?.["chart"]).toBe(pull?.["chart"]);
  });
  test("cannot pull onto a share that it mounts read-only", () => {
    const staged = { volume: { nfs: {} }, mountPath: "/nfs", modelsPath: "/nfs/models", initContainers: [], volumes: [] };
    expect(() => made((scope) => release(scope, { models: { staged } }).pull(models))).toThrow(
      /stack\/ollama mounts its models read-only/,
    );
  });
});
