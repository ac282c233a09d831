import { ollamaLab } from "../../../testing/lab";
import { accepted, RELEASE, refused, release } from "./rejected";

refused(ollamaLab, [
  {
    fact: "replicas that share a ReadWriteOnce claim",
    lab: release({ replicas: 2, accessMode: "ReadWriteOnce" }),
    code: "replicas-read-write-once",
    path: `${RELEASE}.accessMode`,
    names: ["2 replicas", "ReadWriteOnce"],
  },
  {
    fact: "replicas whose claim has no written mode",
    lab: release({ replicas: 2 }),
    code: "access-mode-missing",
    path: `${RELEASE}.replicas`,
    names: ["2 replicas", "ReadWriteOnce"],
    remedy: "Write accessMode: ReadWriteMany, and keep it when there are fewer pods.",
  },
  {
    fact: "replicas with a GPU",
    lab: release({ replicas: 2, accessMode: "ReadWriteMany", gpus: 1 }),
    code: "replicas-with-gpu",
    path: `${RELEASE}.replicas`,
    names: ["2 replicas", "GPU"],
  },
  {
    fact: "replicas of an Ollama that prunes a shared folder when it starts, with its version from the chart,",
    lab: { ollama: { chart: { version: "1.36.0" }, releases: { ollama: { replicas: 2, accessMode: "ReadWriteMany" } } } },
    code: "replicas-prune",
    path: `${RELEASE}.replicas`,
    names: ["0.13.3", "0.21.0"],
  },
  {
    fact: "replicas of an Ollama that prunes a shared folder when it starts, with its version from the image,",
    lab: release({ replicas: 2, accessMode: "ReadWriteMany", image: "ollama/ollama:0.20.9" }),
    code: "replicas-prune",
    path: `${RELEASE}.replicas`,
    names: ["0.20.9", "0.21.0"],
  },
  {
    fact: "pruning switched on for several replicas",
    lab: release({ replicas: 2, accessMode: "ReadWriteMany", environment: { OLLAMA_NOPRUNE: "0" } }),
    code: "prune-shared-folder",
    path: `${RELEASE}.environment.OLLAMA_NOPRUNE`,
    names: ["OLLAMA_NOPRUNE is 0", "2 pods"],
  },
  {
    fact: "a variable together with the setting for it",
    lab: release({ keepAlive: "30m", environment: { OLLAMA_KEEP_ALIVE: "5m" } }),
    code: "variable-twice",
    path: `${RELEASE}.environment.OLLAMA_KEEP_ALIVE`,
    names: ["5m", "keepAlive says 30m"],
  },
  {
    fact: "a claim that is to stay without a release, but is a release's,",
    lab: { ollama: { keptClaims: ["old/ollama"] } },
    code: "kept-claim-used",
    path: "ollama.keptClaims[0]",
    names: ["old/ollama", "ml/ollama"],
  },
  {
    fact: "a lab with ollama: and no release",
    lab: { ollama: { releases: { ollama: undefined } } },
    code: "no-release",
    path: "ollama.releases",
    names: ["no release"],
  },
]);

accepted(ollamaLab, [
  [
    "several replicas without a GPU, with an Ollama that waits before it prunes,",
    release({ replicas: 3, accessMode: "ReadWriteMany" }),
  ],
]);
