// An Ollama release on a cluster that is there, with its models.
import { App, TerraformStack } from "cdktf";
import { ClusterAccess, Namespace } from "ollama-lab/kubernetes";
import { OllamaRelease } from "ollama-lab/ollama";

const app = new App();
const stack = new TerraformStack(app, "release");
new ClusterAccess(stack, "access");
const namespace = new Namespace(stack, "namespace", { name: "ml" });
const ollama = new OllamaRelease(stack, "ollama", {
  name: "ollama",
  namespace: "ml",
  models: { claim: { storageClass: "local-path" } },
  dependsOn: [namespace.resource],
});
ollama.pull(["llama3.2:1b", "nomic-embed-text"]);
app.synth();
