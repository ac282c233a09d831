// The Kubernetes stacks, planned by the real providers where there is no cluster.
import type { LabInput } from "../../../lab/schema";
import { chartFile, describeWithPlans, openForReal } from "../../../testing/kubernetes-cluster/cluster";

const lab = {
  name: "trial",
  kubernetes: { devicePlugin: { ...chartFile("nvidia-device-plugin", "0.20.0"), smokeTest: true } },
  ollama: {
    ...chartFile("ollama", "1.77.0"),
    networkPolicy: {},
    releases: { ollama: { models: ["all-minilm:22m"], host: "ollama.lab.example", allowFrom: ["192.0.2.0/24"] } },
  },
} as LabInput;

const sealed: LabInput = {
  ...lab,
  kubernetes: {},
  airGapped: true,
  ollamaNfsPath: "/mnt/nfs/ollama",
  reachable: ["docker.io", "registry-1.docker.io", "helm.otwld.com", "ghcr.io", "acme-v02.api.letsencrypt.org"],
};

describeWithPlans("before its cluster exists", () => {
  test.each([
    ["platform", "online", lab, ["create"]],
    // Protected claims and namespaces that left the lab are looked for in the first apply, since only then the state has its id.
    ["ollama", "online", lab, ["create", "read"]],
    ["model-staging", "air-gapped", sealed, ["create"]],
    ["ollama", "air-gapped", sealed, ["create", "read"]],
  ])("the stack %s of a lab that is %s plans, and creates whatever it has", async (name, _, input, whatItDoes) => {
    const stack = (await openForReal(input, "./no-kubeconfig")).stack(name);
    const plan = await stack.plan();
    // The kubernetes provider warns of the kubeconfig that is not there yet.
    const errors = plan.diagnostics.filter(({ severity }) => severity === "error");
    expect([plan.succeeded, errors, new Set(Object.values(plan.changes))]).toEqual([true, [], new Set(whatItDoes)]);
  });
});
