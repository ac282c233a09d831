import { TerraformStack, Testing } from "cdktf";
import { OllamaRelease, type OllamaReleaseProps } from "../../../constructs/ollama/ollama-release";
import { valuesOf } from "../../../testing/kubernetes";
import type { StackJson } from "../../../testing/lab";
import { testRejectedProps } from "../../../testing/rejected-props";

const claim = { storageClass: "nfs-client" };
const props: OllamaReleaseProps = { name: "ollama", namespace: "ml", models: { claim } };

const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
new OllamaRelease(stack, "release", props);
const json = JSON.parse(Testing.synth(stack)) as StackJson;

describe("what is left out is what a lab has by default", () => {
  test("of the pods: one, on the CPU, with room for a small model", () => {
    expect(valuesOf(json, "ollama")).toMatchObject({
      replicaCount: 1,
      ollama: { gpu: { enabled: false } },
      resources: { requests: { cpu: "500m", memory: "2Gi" }, limits: {} },
    });
  });
  test("of the claim: 50 Gi for one node, and protected", () => {
    expect(json.resource["kubernetes_persistent_volume_claim_v1"]?.["ollama"]).toMatchObject({
      spec: { access_modes: ["ReadWriteOnce"], resources: { requests: { storage: "50Gi" } } },
      lifecycle: { prevent_destroy: true },
    });
  });
});

test("Helm waits 20 minutes for the pods by default", () => {
  expect(json.resource["helm_release"]?.["ollama"]?.["timeout"]).toBe(1200);
});

describe("rejected props", () => {
  testRejectedProps<OllamaReleaseProps>(props, (scope, changed) => new OllamaRelease(scope, "release", changed), [
    ["a name that begins with a digit", { name: "1st" }, "name: invalid-kubernetes-name"],
    ["a namespace in capitals", { namespace: "ML" }, "namespace: invalid-kubernetes-name"],
    ["a label with a space", { partOf: "my lab" }, "partOf: invalid-label"],
    [
      "a StorageClass with a space",
      { models: { claim: { storageClass: "nfs client" } } },
      "models.claim.storageClass: invalid-kubernetes-name",
    ],
    ["a claim of no size", { models: { claim: { ...claim, sizeGi: 0 } } }, "models.claim.sizeGi: out-of-range"],
    ["a claim of half a Gi", { models: { claim: { ...claim, sizeGi: 0.5 } } }, "models.claim.sizeGi: out-of-range"],
    ["two replicas on a claim for one node", { replicas: 2 }, "models.claim.accessMode: replicas-read-write-once"],
    ["a negative number of replicas", { replicas: -1 }, "replicas: out-of-range"],
    ["half a GPU", { gpus: 0.5 }, "gpus: out-of-range"],
    ["17 GPUs for a pod", { gpus: 17 }, "gpus: out-of-range"],
    ["the image latest", { image: "ollama/ollama:latest" }, "image: invalid-image"],
    ["a request of CPU without its number", { resources: { requests: { cpu: "many" } } }, "resources.cpu: invalid-cpu"],
    ["a limit of memory in GB", { resources: { limits: { memory: "4GB" } } }, "resources.memory: invalid-memory"],
    ["a selector that is no label", { nodeSelector: { "gpu present": "true" } }, "nodeSelector: invalid-label"],
    ["a selector of GPU nodes that is no label", { gpuNodeSelector: { "gpu present": "" } }, "nodeSelector: invalid-label"],
    ["a variable that follows from other props", { environment: { OLLAMA_HOST: "0.0.0.0" } }, "environment: invalid-environment"],
    ["a switch that Ollama cannot read", { environment: { OLLAMA_DEBUG: "no" } }, "environment: invalid-switch"],
  ]);
});
