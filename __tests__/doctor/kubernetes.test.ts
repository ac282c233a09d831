import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DoctorCode, findingChapters, findingKind } from "../../doctor/codes";
import type { Finding } from "../../doctor/finding";
import { examineKubernetes } from "../../doctor/kubernetes";
import { listedModels, missingModels } from "../../doctor/ollama";
import { limited, type ProgramResult, programs, type Run } from "../../doctor/program";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { type FakeOllama, startFakeOllama } from "../../testing/fake-ollama";
import { clusterLab, labWith, ollamaLab } from "../../testing/lab";

type Objects = Readonly<Record<string, readonly unknown[]>>;

/** A cluster as kubectl shows it. */
interface Cluster {
  readonly version: string;
  readonly objects: Objects;
  /** By path: what `kubectl get --raw` answers. */
  readonly raw: Readonly<Record<string, string>>;
  /** Kinds that the user may not read. */
  readonly forbidden: readonly string[];
}

const object = (name: string, rest: object = {}) => ({ metadata: { name }, ...rest });
const READY = { conditions: [{ type: "Ready", status: "True" }] };
const NOT_READY = { conditions: [{ type: "Ready", status: "False", message: "the kubelet is away" }] };
const gpuNode = (name: string, gpus: string, status = READY) => ({
  metadata: { name, labels: { "nvidia.com/gpu.present": "true" } },
  status: { ...status, allocatable: { cpu: "8", ...(gpus !== "" && { "nvidia.com/gpu": gpus }) } },
});
const deployment = (name: string, ready: number, replicas = 1) =>
  object(name, { spec: { replicas }, status: { readyReplicas: ready } });

/** A cluster that lacks nothing for `hosted`. */
const WHOLE: Cluster = {
  version: "v1.36.3+k3s1",
  objects: {
    nodes: [gpuNode("gpu-1", "1"), object("k3s-1", { status: READY })],
    storageclasses: [object("nfs-client")],
    customresourcedefinitions: [
      object("ingressroutes.traefik.io"),
      object("middlewares.traefik.io"),
      object("certificates.cert-manager.io"),
      object("clusterissuers.cert-manager.io"),
    ],
    runtimeclasses: [object("nvidia")],
    "clusterissuers.cert-manager.io": [object("letsencrypt-prod", { status: READY })],
    namespaces: [],
    persistentvolumeclaims: [],
    deployments: [],
    daemonsets: [object("nvidia-device-plugin")],
  },
  raw: {},
  forbidden: [],
};

/** A kubectl that answers for a cluster, in kubectl's own forms. */
function kubectl({ version, objects, raw, forbidden }: Cluster, asked: string[][] = []): Run {
  const ended = (stdout: string): ProgramResult => ({ status: 0, stdout, stderr: "" });
  const failed = (stderr: string): ProgramResult => ({ status: 1, stdout: "", stderr });
  return async (_command, args) => {
    asked.push([...args]);
    if (args.includes("--client")) return ended("Client Version: v1.36.3");
    const [verb, kind = "", ...rest] = args.slice(3);
    if (verb === "version") return ended(JSON.stringify({ serverVersion: { gitVersion: version } }));
    if (kind === "--raw") {
      const answer = raw[rest[0] ?? ""];
      return answer === undefined
        ? failed("Error from server (NotFound): the server could not find the requested resource")
        : ended(answer);
    }
    if (forbidden.includes(kind)) return failed(`Error from server (Forbidden): ${kind} is forbidden`);
    const there = objects[kind];
    if (!there) return failed(`error: the server doesn't have a resource type "${kind}"`);
    const names = rest.filter((word, index) => !word.startsWith("-") && word !== "json" && rest[index - 1] !== "--namespace");
    const found =
      names.length === 0 ? there : there.filter((one) => names.includes((one as { metadata: { name: string } }).metadata.name));
    if (names.length === 1) return ended(found[0] ? JSON.stringify(found[0]) : "");
    return ended(JSON.stringify({ kind: "List", items: found }));
  };
}

const hosted = labWith(
  { ollama: { releases: { ollama: { host: "ollama.lab.example", gpus: 1, models: ["llama3.2:1b"] } } } },
  ollamaLab,
);
const withClaim = { persistentvolumeclaims: [object("ollama", { status: { phase: "Bound" } })] };
const TAGS = "/api/v1/namespaces/ml/services/ollama:11434/proxy/api/tags";

interface Case {
  readonly when: string;
  readonly lab?: LabInput;
  readonly cluster?: Partial<Omit<Cluster, "objects">>;
  readonly objects?: Objects;
  readonly expected: readonly {
    readonly code: DoctorCode;
    readonly severity: Finding["severity"];
    readonly path: readonly string[];
  }[];
  /** Words that message and remedy must have. */
  readonly words: readonly string[];
}

const RELEASE = ["ollama", "releases", "ollama"];
const without = (kind: string, name: string): Objects => ({
  [kind]: (WHOLE.objects[kind] ?? []).filter((one) => (one as { metadata: { name: string } }).metadata.name !== name),
});
const one = (code: DoctorCode, severity: Finding["severity"], ...path: string[]) => [{ code, severity, path }];

const ofCluster = labWith(
  { ollama: { releases: { ollama: { gpus: 1 } } }, kubernetes: { storageClass: "nfs-client" } },
  clusterLab,
);
const CLUSTER_NODES = { nodes: [gpuNode("test-gpu-1", "1"), object("test-k3s-1", { status: READY })] };

const cases: readonly Case[] = [
  {
    when: "the StorageClass is not there",
    objects: { storageclasses: [object("local-path")] },
    expected: one("storage-class-missing", "error", "kubernetes", "storageClass"),
    words: ["nfs-client, but the cluster has local-path", "kubernetes.nfs"],
  },
  {
    when: "the cluster has no Traefik",
    objects: without("customresourcedefinitions", "ingressroutes.traefik.io"),
    expected: one("traefik-missing", "error", ...RELEASE, "host"),
    words: ["ollama.lab.example by Traefik, but the cluster has no ingressroutes.traefik.io", "Install Traefik"],
  },
  {
    when: "the cluster has no cert-manager",
    objects: without("customresourcedefinitions", "certificates.cert-manager.io"),
    expected: one("cert-manager-missing", "error", ...RELEASE, "host"),
    words: ["no certificates.cert-manager.io", "kubernetes.certManager"],
  },
  {
    when: "the issuer is not there",
    objects: { "clusterissuers.cert-manager.io": [object("other")] },
    expected: one("issuer-missing", "error", "kubernetes", "issuer"),
    words: ["letsencrypt-prod, but the cluster has none", "kubectl get clusterissuers"],
  },
  {
    when: "the issuer is not ready",
    objects: { "clusterissuers.cert-manager.io": [object("letsencrypt-prod", { status: NOT_READY })] },
    expected: one("issuer-not-ready", "warning", "kubernetes", "issuer"),
    words: ["the kubelet is away", "kubectl describe clusterissuer letsencrypt-prod"],
  },
  {
    when: "the runtime class is not there",
    objects: { runtimeclasses: [] },
    expected: one("runtime-class-missing", "error", ...RELEASE, "gpus"),
    words: ["RuntimeClass nvidia, but the cluster has none", "container toolkit"],
  },
  {
    when: "no node has the label of GPU nodes",
    objects: { nodes: [object("k3s-1", { status: READY })] },
    expected: one("gpu-nodes-missing", "error", ...RELEASE, "gpus"),
    words: ["nvidia.com/gpu.present=true", "kubectl label node NAME nvidia.com/gpu.present=true"],
  },
  {
    when: "the GPU node gives no GPU",
    objects: { nodes: [gpuNode("gpu-1", "0")] },
    expected: one("gpu-not-allocatable", "error", ...RELEASE, "gpus"),
    words: ["gpu-1 has GPUs, but no nvidia.com/gpu", "kubectl -n nvidia-device-plugin get pods"],
  },
  {
    when: "one of two GPU nodes gives no GPU",
    objects: { nodes: [gpuNode("gpu-1", "1"), gpuNode("gpu-2", "")] },
    expected: one("gpu-not-allocatable", "warning", ...RELEASE, "gpus"),
    words: ["gpu-2 has GPUs"],
  },
  {
    when: "the pods want more GPUs than there are",
    lab: labWith({ ollama: { releases: { ollama: { gpus: 2 } } } }, hosted),
    expected: one("gpus-too-few", "error", ...RELEASE, "gpus"),
    words: ["want 2 GPUs together, but the cluster's nodes have 1"],
  },
  {
    when: "a node is not ready",
    objects: { nodes: [gpuNode("gpu-1", "1", NOT_READY)] },
    expected: one("kubernetes-node-not-ready", "warning", "kubernetes", "kubeconfig"),
    words: ["gpu-1 is not ready: the kubelet is away", "kubectl describe node gpu-1"],
  },
  {
    when: "a node of the lab is not in the cluster",
    lab: ofCluster,
    objects: { nodes: [gpuNode("test-gpu-1", "1")] },
    expected: one("kubernetes-node-missing", "warning", "cluster", "servers", "k3s-1"),
    words: ["test-k3s-1, but the cluster has test-gpu-1"],
  },
  {
    when: "Kubernetes has ended",
    cluster: { version: "v1.30.5" },
    expected: one("kubernetes-ended", "warning", "kubernetes", "kubeconfig"),
    words: ["v1.30.5, but 1.30 has had no patches since 2025-06-28"],
  },
  {
    when: "the cluster runs another K3s than the lab says",
    lab: ofCluster,
    objects: CLUSTER_NODES,
    cluster: { version: "v1.35.9+k3s1" },
    expected: one("kubernetes-version-differs", "warning", "cluster", "k3sVersion"),
    words: ["the lab has K3s v1.36.3+k3s1, but the cluster runs v1.35.9+k3s1"],
  },
  {
    when: "cert-manager was not tested with the cluster",
    lab: labWith({ kubernetes: { certManager: { email: "operator@lab.example", chart: { version: "v1.20.0" } } } }, hosted),
    expected: one("kubernetes-untested", "warning", "kubernetes", "certManager", "chart", "version"),
    words: ["v1.20.0 was tested with Kubernetes 1.32 to 1.35, but the cluster runs v1.36.3+k3s1"],
  },
  {
    when: "a claim is there without its release",
    objects: withClaim,
    expected: one("claim-to-adopt", "warning", ...RELEASE),
    words: ["terraform import kubernetes_persistent_volume_claim_v1.ollama ml/ollama"],
  },
  {
    when: "a pod is not ready",
    objects: { ...withClaim, deployments: [deployment("ollama", 0)] },
    expected: one("release-not-ready", "warning", ...RELEASE),
    words: ["0 of 1 pods", "kubectl -n ml describe pods -l app.kubernetes.io/instance=ollama"],
  },
  {
    when: "a model is not there",
    objects: { ...withClaim, deployments: [deployment("ollama", 1)] },
    cluster: { raw: { [TAGS]: '{"models":[{"name":"qwen2.5:3b"}]}' } },
    expected: one("model-missing", "warning", ...RELEASE, "models"),
    words: ["lacks llama3.2:1b", "ollama pull llama3.2:1b"],
  },
  {
    when: "Ollama cannot be asked",
    objects: { ...withClaim, deployments: [deployment("ollama", 1)] },
    expected: one("ollama-unknown", "unknown", ...RELEASE),
    words: ["could not find the requested resource", "scripts/ollama-health.sh --internal --namespace ml --service ollama"],
  },
  {
    when: "the user may not read the nodes",
    cluster: { forbidden: ["nodes"] },
    expected: one("kubernetes-unknown", "unknown", "kubernetes", "kubeconfig"),
    words: ["nodes is forbidden"],
  },
  {
    when: "the server does not know the credential",
    cluster: { forbidden: ["version"] },
    expected: one("kubernetes-refuses", "error", "kubernetes", "kubeconfig"),
    words: ["Unauthorized", "kubeconfig_command"],
  },
  {
    when: "the server does not answer",
    cluster: { forbidden: ["everything"] },
    expected: one("kubernetes-unreachable", "error", "kubernetes", "kubeconfig"),
    words: ["connection to the server", "6443"],
  },
];

describe("the doctor and a Kubernetes cluster", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "doctor-kubernetes-"));
    writeFileSync(join(folder, "kubeconfig-test"), "");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function examined(input: LabInput, run: Run, directory = folder): Promise<readonly Finding[]> {
    return examineKubernetes(checkLab(input, directory).lab, {}, run).then(({ findings }) => findings);
  }

  function runOf({ cluster, objects }: Pick<Case, "cluster" | "objects">): Run {
    const whole = { ...WHOLE, ...cluster, objects: { ...WHOLE.objects, ...objects } };
    const [kind] = whole.forbidden;
    const failing: Partial<Record<string, string>> = {
      version: "error: You must be logged in to the server (Unauthorized)",
      everything: "The connection to the server 192.0.2.31:6443 was refused - did you specify the right host or port?",
    };
    const message = failing[kind ?? ""];
    if (message === undefined) return kubectl(whole);
    return async (_, args) => ({ status: args.includes("--client") ? 0 : 1, stdout: "", stderr: message });
  }

  test.each(cases)(
    "when $when, that alone is found, with its place and what to do",
    async ({ lab = hosted, expected, words, ...rest }) => {
      const findings = await examined(lab, runOf(rest));
      expect(findings.map(({ code, severity, path }) => ({ code, severity, path }))).toEqual(expected);
      const text = findings.map(({ message, remedy }) => `${message} → ${remedy}`).join("\n");
      expect(words.filter((word) => !text.includes(word))).toEqual([]);
    },
  );

  test("every code of the two chapters has a case", () => {
    const chapters = findingChapters.filter(({ title }) => title === "Kubernetes");
    const codes = chapters.flatMap(({ kinds }) => Object.keys(kinds));
    const covered = new Set<string>(cases.flatMap(({ expected }) => expected.map(({ code }) => code)));
    expect(codes.filter((code) => !covered.has(code))).toEqual([]);
  });
  test("each finding has a severity that the registry has for its code", () => {
    const wrong = cases
      .flatMap(({ expected }) => expected)
      .filter(({ code, severity }) => !findingKind(code).severity.split(" or ").includes(severity));
    expect(wrong).toEqual([]);
  });

  describe("finds nothing", () => {
    const codes = async (options: Pick<Case, "lab" | "cluster" | "objects">) =>
      (await examined(options.lab ?? hosted, runOf(options))).map(({ code }) => code);

    test("on a cluster that lacks nothing", async () => expect(await codes({})).toEqual([]));
    test("where the lab's own cluster is as the lab says", async () => {
      expect(await codes({ lab: ofCluster, objects: CLUSTER_NODES })).toEqual([]);
    });
    test("where the release serves all of its models", async () => {
      const objects = { ...withClaim, deployments: [deployment("ollama", 1)] };
      expect(await codes({ objects, cluster: { raw: { [TAGS]: '{"models":[{"name":"llama3.2:1b"}]}' } } })).toEqual([]);
    });
    test("where kubernetes.nfs makes the StorageClass", async () => {
      const lab = labWith({ kubernetes: { nfs: { server: "192.0.2.5", path: "/volume1/k8s" } } }, hosted);
      expect(await codes({ lab, objects: { storageclasses: [] } })).toEqual([]);
    });
    test("where kubernetes.certManager brings cert-manager and the issuer", async () => {
      const lab = labWith({ kubernetes: { certManager: { email: "operator@lab.example" } } }, hosted);
      const { customresourcedefinitions = [] } = WHOLE.objects;
      const objects = { customresourcedefinitions: customresourcedefinitions.slice(0, 2) };
      expect(await codes({ lab, objects })).toEqual([]);
    });
    test("where the lab's device plugin is not installed yet", async () => {
      const objects = { nodes: [gpuNode("test-gpu-1", ""), object("test-k3s-1", { status: READY })], daemonsets: [] };
      expect(await codes({ lab: ofCluster, objects })).toEqual([]);
    });
    test("where the lab has nothing on Kubernetes", async () => {
      expect(
        await examined(labWith({ cluster: undefined }), async () => ({ status: "missing", stdout: "", stderr: "" })),
      ).toEqual([]);
    });
  });

  test("without a kubeconfig nothing is asked, and it is said why", async () => {
    const asked: string[][] = [];
    const findings = await examined(ofCluster, kubectl(WHOLE, asked), join(folder, "elsewhere"));
    expect([asked, findings.map(({ code, message }) => [code, message])]).toEqual([
      [],
      [["kubernetes-unknown", expect.stringContaining("there is no ")]],
    ]);
  });
  test("without kubectl it is said that nothing was asked", async () => {
    const findings = await examined(hosted, async () => ({ status: "missing", stdout: "", stderr: "" }));
    expect(findings.map(({ message }) => message)).toEqual([
      "the Kubernetes cluster was not asked: kubectl is not on this machine",
    ]);
  });
  test("a pipeline's own kubeconfig is taken", async () => {
    const asked: string[][] = [];
    const { lab } = checkLab(hosted, join(folder, "elsewhere"));
    await examineKubernetes(lab, { TF_VAR_kubeconfig: join(folder, "kubeconfig-test") }, kubectl(WHOLE, asked));
    expect(asked.at(-1)?.[1]).toBe(join(folder, "kubeconfig-test"));
  });
  test("nothing is ever changed: the verbs are get and version", async () => {
    const asked: string[][] = [];
    await examined(hosted, kubectl(WHOLE, asked));
    expect([...new Set(asked.filter((args) => !args.includes("--client")).map((args) => args[3]))].sort()).toEqual([
      "get",
      "version",
    ]);
  });
});

describe("the models of an Ollama", () => {
  let server: FakeOllama;
  beforeAll(async () => {
    server = await startFakeOllama({ models: [{ name: "llama3.2:1b", size: 1 }], misbehave: {} });
  });
  afterAll(() => server.close());

  test("are those that it lists", async () => {
    expect(await listedModels(server)).toEqual({ known: true, value: ["llama3.2:1b"] });
  });
  test.each([
    ["hang", { "/api/tags": "hang" }, "it did not answer within 0.2 s"],
    ["close", { "/api/tags": "close" }, "it cannot be reached (ECONNRESET)"],
    ["break off", { "/api/tags": "break" }, "its answer ended before it was whole"],
    [
      "answer with a page",
      { "/api/tags": { answer: "<html>" } },
      "it answered with something that is not Ollama's list of models",
    ],
    ["answer with an error", { "/api/tags": { answer: "{}", status: 403 } }, "it answered with status 403"],
  ] as const)("are unknown, and why, of servers that %s", async (_, misbehave, why) => {
    const other = await startFakeOllama({ misbehave });
    try {
      expect(await listedModels({ url: other.url, timeoutMs: 200 })).toEqual({ known: false, why });
    } finally {
      await other.close();
    }
  });
  test("are compared without their default tag and registry", () => {
    expect(missingModels(["nomic-embed-text", "mistral:7b"], ["nomic-embed-text:latest"])).toEqual(["mistral:7b"]);
  });
});

describe("programs on this machine", () => {
  const run = programs(process.env);
  const node = (code: string, timeoutMs?: number) =>
    run(process.execPath, ["-e", code], timeoutMs === undefined ? {} : { timeoutMs });

  test("answer with their output", async () =>
    expect(await node("console.log(1)")).toEqual({ status: 0, stdout: "1\n", stderr: "" }));
  test("answer with their exit code", async () => expect((await node("process.exit(3)")).status).toBe(3));
  test("that are not there are missing", async () => expect((await run("no-such-program", [])).status).toBe("missing"));
  test("that do not end are ended", async () => expect((await node("setInterval(() => {}, 1000)", 200)).status).toBe("timeout"));
  test("get no input: one that reads ends", async () => {
    expect((await node("process.stdin.resume().on('end', () => console.log('end'))")).stdout).toBe("end\n");
  });
  test("run at most so many at once", async () => {
    const inTurn = limited(3);
    let [running, most] = [0, 0];
    const work = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((done) => setTimeout(done, 1));
      running -= 1;
    };
    await Promise.all(Array.from({ length: 20 }, () => inTurn(work)));
    expect(most).toBe(3);
  });
});
