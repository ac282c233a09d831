import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkChartValues } from "../../catalog/charts";
import { load } from "../../lab/load";
import type { LabInput } from "../../lab/schema";
import { objectOf, objectsOf, releaseOf, valuesOf } from "../../testing/kubernetes";
import { addresses, type Changes, gpuLab, labWith, ollamaLab, type StackJson, stackOf, synthesized } from "../../testing/lab";

const ROOT = join(__dirname, "../..");
const of = (changes: Changes = {}, base: LabInput = ollamaLab) => stackOf(labWith(changes, base), "ollama");
const release = (changes: Changes = {}, base?: LabInput) => of({ ollama: { releases: { ollama: changes } } }, base);
const values = (changes: Changes = {}, base?: LabInput) => valuesOf(release(changes, base), "ollama");
const claim = (stack: StackJson, name = "ollama") => stack.resource["kubernetes_persistent_volume_claim_v1"]?.[name];
const hosted = (changes: Changes = {}) => release({ host: "ollama.home.example", ...changes });

/** The routes of the release by name, each with the names of its middlewares. */
function middlewaresOf(stack: StackJson): [string, string[]][] {
  type Route = { readonly middlewares?: readonly { readonly name: string }[] };
  return objectsOf(stack, "ollama-route")
    .filter(({ kind }) => kind === "IngressRoute")
    .map(({ metadata, spec }) => [
      metadata.name,
      ((spec?.["routes"] ?? []) as readonly Route[]).flatMap(({ middlewares = [] }) => middlewares.map(({ name }) => name)),
    ]);
}

/** A shipped lab as data, so that the stack is synthesized as any other. */
function shipped(file: string, changes: Changes = {}): StackJson {
  const source = load(join(ROOT, file));
  if (Array.isArray(source)) throw new Error(`${file} cannot be read`);
  return stackOf(labWith(changes, source.value as LabInput), "ollama");
}

test("the namespace has the labels that Kubernetes recommends", () => {
  expect(of().resource["kubernetes_namespace_v1"]?.["ml"]).toMatchObject({
    metadata: {
      name: "ml",
      labels: {
        "app.kubernetes.io/name": "ml",
        "app.kubernetes.io/part-of": "test",
        "app.kubernetes.io/managed-by": "terraform",
      },
    },
  });
});

test("addresses follow from the namespace and the keys of the releases, and from nothing else", () => {
  const lab = {
    ollama: { networkPolicy: {}, releases: { ollama: { host: "a.home.example" }, chat: { models: ["mistral"] } } },
  };
  expect(addresses(of(lab))).toEqual([
    "helm_release.chat",
    "helm_release.chat-models",
    "helm_release.https-redirect",
    "helm_release.ollama",
    "helm_release.ollama-models",
    "helm_release.ollama-route",
    "kubernetes_namespace_v1.ml",
    "kubernetes_network_policy_v1.ollama-api",
    "kubernetes_persistent_volume_claim_v1.chat",
    "kubernetes_persistent_volume_claim_v1.ollama",
    "terraform_data.claims_guard",
  ]);
});

test.each(["namespace", "access", "kubeconfig", "network-policy", "backend", "objects-chart"])(
  "a release may be called %s, as other parts of the stack are",
  (key) => {
    expect(addresses(of({ ollama: { releases: { [key]: {} } } }))).toContain(`helm_release.${key}`);
  },
);

describe("the claim of the models", () => {
  test("is 50 Gi of nfs-client for one node at a time, by default", () => {
    expect(claim(of())?.["spec"]).toEqual({
      access_modes: ["ReadWriteOnce"],
      resources: { requests: { storage: "50Gi" } },
      storage_class_name: "nfs-client",
    });
  });
  test("is a resource of its own, which Terraform refuses to destroy", () => {
    expect(claim(of())?.["lifecycle"]).toMatchObject({ prevent_destroy: true });
  });
  test("can be destroyed when the lab says so", () => {
    expect(claim(release({ protect: false }))?.["lifecycle"]).not.toHaveProperty("prevent_destroy");
  });
  test("is protected with its namespace, which would take it along", () => {
    const namespace = (stack: StackJson) => stack.resource["kubernetes_namespace_v1"]?.["ml"];
    expect(namespace(of())).toMatchObject({ lifecycle: { prevent_destroy: true } });
    expect(namespace(release({ protect: false }))).not.toHaveProperty("lifecycle.prevent_destroy");
  });
  test("is not waited for, since some classes wait for the first pod", () => {
    expect(claim(of())).toMatchObject({ wait_until_bound: false });
  });
  test.each([0, 1, 2])("keeps its written mode with %i replicas", (replicas) => {
    expect(claim(release({ replicas, accessMode: "ReadWriteMany" }))).toMatchObject({
      spec: { access_modes: ["ReadWriteMany"] },
    });
  });
  test("has the access mode, the class and the size that the release says", () => {
    const own = release({ accessMode: "ReadWriteMany", storageClass: "fast", storageGi: 200 });
    expect(claim(own)?.["spec"]).toMatchObject({
      access_modes: ["ReadWriteMany"],
      storage_class_name: "fast",
      resources: { requests: { storage: "200Gi" } },
    });
  });
  test("is found with the release's pods by one label", () => {
    expect(claim(of())).toMatchObject({ metadata: { labels: { "app.kubernetes.io/instance": "ollama" } } });
  });
  test("takes the release with it when it is replaced, whose pod would keep it from going", () => {
    expect(releaseOf(of(), "ollama")["lifecycle"]).toEqual({
      replace_triggered_by: ["kubernetes_persistent_volume_claim_v1.ollama.id"],
    });
  });
  test("takes the pull with it when it is replaced, so that the new one is filled", () => {
    expect(releaseOf(of(), "ollama-models")["lifecycle"]).toEqual({
      replace_triggered_by: ["kubernetes_persistent_volume_claim_v1.ollama.id"],
    });
  });
});

describe("the chart's values", () => {
  const plain = {
    fullnameOverride: "ollama",
    replicaCount: 1,
    updateStrategy: { type: "Recreate" },
    service: { type: "ClusterIP", port: 11434 },
    ollama: { port: 11434, gpu: { enabled: false }, models: { pull: [], run: [], create: [] } },
    persistentVolume: { enabled: true, existingClaim: "ollama" },
    resources: { requests: { cpu: "500m", memory: "2Gi" }, limits: {} },
    extraEnv: [{ name: "NVIDIA_VISIBLE_DEVICES", value: "void" }],
    serviceAccount: { automount: false },
    tests: { enabled: false },
  };

  test("of a release on the CPU are exactly these", () => expect(values()).toEqual(plain));

  test("of a release with a GPU differ by the GPU, its runtime, its nodes, and no hidden devices", () => {
    expect(values({}, gpuLab)).toEqual({
      ...plain,
      runtimeClassName: "nvidia",
      nodeSelector: { "nvidia.com/gpu.present": "true" },
      ollama: { ...plain.ollama, gpu: { enabled: true, type: "nvidia", number: 1 } },
      extraEnv: [],
    });
  });

  test("of home-lab have its requests and limits", () => {
    expect(valuesOf(shipped("examples/home-lab.yaml"), "ollama")).toEqual({
      ...plain,
      resources: { requests: { cpu: "500m", memory: "2Gi" }, limits: { cpu: "2", memory: "4Gi" } },
    });
  });

  test("keep several replicas from pruning what another pulls", () => {
    expect(values({ replicas: 2, accessMode: "ReadWriteMany" })).toMatchObject({
      replicaCount: 2,
      extraEnv: expect.arrayContaining([{ name: "OLLAMA_NOPRUNE", value: "1" }]),
    });
  });

  test("set variables in order of their names, whatever their order in the lab", () => {
    const environment = { OLLAMA_NUM_PARALLEL: "2", OLLAMA_FLASH_ATTENTION: "1" };
    const { extraEnv } = values({ keepAlive: "30m", contextLength: 8192, environment }, gpuLab);
    expect(extraEnv).toEqual([
      { name: "OLLAMA_CONTEXT_LENGTH", value: "8192" },
      { name: "OLLAMA_FLASH_ATTENTION", value: "1" },
      { name: "OLLAMA_KEEP_ALIVE", value: "30m" },
      { name: "OLLAMA_NUM_PARALLEL", value: "2" },
    ]);
  });

  test("keep a model loaded that the lab wants never to be unloaded", () => {
    expect(values({ keepAlive: "-1" })["extraEnv"]).toContainEqual({ name: "OLLAMA_KEEP_ALIVE", value: "-1" });
  });

  test.each([
    ["ollama/ollama:0.32.15", { repository: "ollama/ollama", tag: "0.32.15" }],
    ["registry.lab.example:5000/ollama:0.32.15", { repository: "registry.lab.example:5000/ollama", tag: "0.32.15" }],
    [`ollama/ollama@sha256:${"a".repeat(64)}`, { repository: "ollama/ollama@sha256", tag: "a".repeat(64) }],
  ])("name the image %s so that the chart, which puts a colon between its parts, writes the same", (image, expected) => {
    expect(values({ image })["image"]).toEqual(expected);
  });

  test("have the node selector and tolerations of the release", () => {
    const toleration = { key: "team", operator: "Exists" };
    expect(values({ nodeSelector: { disk: "nvme" }, tolerations: [toleration] })).toMatchObject({
      nodeSelector: { disk: "nvme" },
      tolerations: [toleration],
    });
  });

  test("are merged with the release's own, key by key", () => {
    const own = { resources: { limits: { "ephemeral-storage": "1Gi" } }, podAnnotations: { note: "mine" } };
    expect(values({ resources: { limits: { memory: "4Gi" } }, values: own })).toMatchObject({
      resources: { requests: { cpu: "500m" }, limits: { memory: "4Gi", "ephemeral-storage": "1Gi" } },
      podAnnotations: { note: "mine" },
    });
  });

  test("reach Helm as they stand, whatever Terraform would make of them", () => {
    const raw = release({ values: { podAnnotations: { note: "${var.x} %{ if } {{ .y }} `z`" } } });
    expect((releaseOf(raw, "ollama")["values"] as string[])[0]).toContain("$${var.x} %%{ if } {{ .y }} `z`");
    expect(valuesOf(raw, "ollama")["podAnnotations"]).toEqual({ note: "${var.x} %{ if } {{ .y }} `z`" });
  });

  describe.each(["1.36.0", "1.77.0"])("are all known to chart %s:", (version) => {
    const everything = {
      replicas: 2,
      accessMode: "ReadWriteMany",
      image: "ollama/ollama:0.32.15",
      nodeSelector: { a: "b" },
      tolerations: [{ operator: "Exists" }],
    };
    test.each<[string, Record<string, unknown>]>([
      ["on the CPU", values(everything)],
      ["with a GPU", values({ tolerations: [{ operator: "Exists" }] }, gpuLab)],
      [
        "with staged models",
        valuesOf(of({ airGapped: true, ollamaNfsPath: "/mnt/nfs/ollama", reachable: reachable() }), "ollama"),
      ],
    ])("%s", (_, ours) => expect(checkChartValues("ollama", version, ours)).toEqual([]));
  });
});

/** The hosts that an air-gapped `ollamaLab` fetches from. */
function reachable(): string[] {
  return ["helm.otwld.com", "docker.io", "registry-1.docker.io"];
}

describe("the release", () => {
  test("is repaired by the next apply when its install has failed, which the provider forgets", () => {
    expect(releaseOf(of(), "ollama")).toMatchObject({ upgrade_install: true, wait: true, atomic: false });
  });
  test("has an exact version, and 20 minutes for an image of several GB", () => {
    expect(releaseOf(of(), "ollama")).toMatchObject({ version: "1.77.0", timeout: 1200 });
  });
  test("waits as long as the lab says", () => {
    expect(releaseOf(release({ timeoutMinutes: 45 }), "ollama")).toMatchObject({ timeout: 2700 });
  });
  test("comes after the namespace and the claim", () => {
    expect(releaseOf(of(), "ollama")["depends_on"]).toEqual([
      "kubernetes_namespace_v1.ml",
      "kubernetes_persistent_volume_claim_v1.ollama",
    ]);
  });

  test.each<[string, Changes, Record<string, unknown>]>([
    ["the chart's own repository", {}, { repository: "https://helm.otwld.com/", chart: "ollama" }],
    [
      "another repository",
      { repository: "https://charts.lab.example" },
      { repository: "https://charts.lab.example", chart: "ollama" },
    ],
    [
      "an OCI registry",
      { oci: "oci://registry.lab.example/charts" },
      { repository: "oci://registry.lab.example/charts", chart: "ollama" },
    ],
  ])("takes its chart from %s", (_, chart, expected) => {
    expect(releaseOf(of({ ollama: { chart } }), "ollama")).toMatchObject(expected);
  });
  test("takes its chart from a file beside the lab, by its path from the stack's folder", () => {
    const fromFile = releaseOf(of({ ollama: { chart: { file: "./charts/ollama-1.77.0.tgz" } } }), "ollama");
    // The lab's folder is /lab, and the stack's is what is taken as the place of cdktf.out in a synthesis in memory.
    expect(fromFile["chart"]).toMatch(/^(\.\.\/)+.*lab\/charts\/ollama-1\.77\.0\.tgz$/);
    expect(fromFile).not.toHaveProperty("repository");
  });
});

describe("the models", () => {
  const stack = of();
  const job = objectOf(stack, "ollama-models", "Job") as unknown as {
    metadata: { annotations: Record<string, string> };
    spec: {
      backoffLimit: number;
      activeDeadlineSeconds: number;
      ttlSecondsAfterFinished: number;
      template: { spec: Record<string, unknown> & { containers: { env: unknown; image: string; command: string[] }[] } };
    };
  };
  const pod = job.spec.template.spec;
  const [container] = pod.containers;

  test("are pulled by a hook after each install and upgrade, which makes way for the next", () => {
    expect(job.metadata.annotations).toEqual({
      "helm.sh/hook": "post-install,post-upgrade",
      "helm.sh/hook-delete-policy": "before-hook-creation",
    });
  });
  test("leave no Job whose pod holds the claim when the release is uninstalled", () => {
    const [, removal] = objectsOf(stack, "ollama-models").filter(({ kind }) => kind === "Job");
    expect(removal).toMatchObject({
      metadata: {
        name: "ollama-models",
        annotations: { "helm.sh/hook": "pre-delete", "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded" },
      },
      spec: { completions: 0 },
    });
  });
  test("are pulled by the Service, after the release is up", () => {
    expect(container?.env).toEqual([
      { name: "OLLAMA_HOST", value: "http://ollama.ml.svc:11434" },
      { name: "MODELS_DIR", value: "/ollama/models" },
      { name: "MODELS", value: "llama3.2:1b" },
      { name: "REMOVE_UNLISTED", value: "false" },
      { name: "HOME", value: "/tmp" },
    ]);
    expect(releaseOf(stack, "ollama-models")["depends_on"]).toEqual(["helm_release.ollama"]);
  });
  test("have as long to be pulled as the lab says, and Helm waits longer than the Job", () => {
    const slow = release({ pullTimeoutMinutes: 77 });
    const { activeDeadlineSeconds } = objectOf(slow, "ollama-models", "Job").spec as { activeDeadlineSeconds: number };
    expect(activeDeadlineSeconds).toBe(77 * 60);
    expect(releaseOf(slow, "ollama-models")["timeout"]).toBeGreaterThan(activeDeadlineSeconds);
  });
  test("are proved in the claim itself, which the Job only reads", () => {
    expect(pod["volumes"]).toContainEqual({ name: "claim", persistentVolumeClaim: { claimName: "ollama" } });
    expect(container).toMatchObject({
      volumeMounts: [{ name: "scripts" }, { name: "claim", mountPath: "/ollama", readOnly: true }],
    });
  });
  test("are proved on the node of the Ollama, where a ReadWriteOnce volume is", () => {
    expect(pod["affinity"]).toEqual({
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            labelSelector: { matchLabels: { "app.kubernetes.io/name": "ollama", "app.kubernetes.io/instance": "ollama" } },
            topologyKey: "kubernetes.io/hostname",
          },
        ],
      },
    });
  });
  test("are proved on any node when the volume is on all", () => {
    expect(JSON.stringify(objectOf(release({ replicas: 2, accessMode: "ReadWriteMany" }), "ollama-models", "Job"))).not.toContain(
      "affinity",
    );
  });
  test("are pulled by the scripts of the repository, byte by byte", () => {
    const script = (file: string) => readFileSync(join(ROOT, "templates", file), "utf8");
    expect(objectOf(stack, "ollama-models", "ConfigMap").data).toEqual({
      "pull-models.sh": script("ollama/pull-models.sh"),
      "verify-models.sh": script("model-staging/verify-models.sh"),
    });
    expect(container?.command).toEqual(["/bin/sh", "/scripts/pull-models.sh"]);
  });
  test("are pulled by a script in which Terraform interpolates nothing", () => {
    const [raw = ""] = releaseOf(stack, "ollama-models")["values"] as string[];
    expect(raw).toContain("$${MODELS:-}");
    expect(raw).not.toMatch(/(?<!\$)\$\{|(?<!%)%\{/);
  });
  test("are pulled with the client of the Ollama that the chart brings", () => {
    expect(container?.image).toBe("ollama/ollama:0.32.15");
  });
  test("are pulled with the client of the release's own image", () => {
    const own = objectsOf(release({ image: "registry.lab.example/ollama:0.33.0" }), "ollama-models");
    expect(JSON.stringify(own)).toContain('"image":"registry.lab.example/ollama:0.33.0"');
  });
  test("fail the deploy when a pull fails: no pod is restarted in place, and tries are counted", () => {
    expect([pod["restartPolicy"], job.spec.backoffLimit]).toEqual(["Never", 2]);
  });
  test("have six hours, and Helm waits a minute longer, so that the Job's own failure is what is seen", () => {
    expect([job.spec.activeDeadlineSeconds, releaseOf(stack, "ollama-models")["timeout"]]).toEqual([21_600, 21_660]);
  });
  test("leave a Job behind whose log can be read for a day", () => expect(job.spec.ttlSecondsAfterFinished).toBe(86_400));
  test("are pulled without a token for the API, and without rights on the node", () => {
    expect(pod["automountServiceAccountToken"]).toBe(false);
    expect(container).toMatchObject({
      securityContext: {
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        seccompProfile: { type: "RuntimeDefault" },
      },
    });
  });
  test("are pulled wherever the release itself may run", () => {
    const own = release({ tolerations: [{ key: "team", operator: "Exists" }] }, gpuLab);
    expect(JSON.stringify(objectOf(own, "ollama-models", "Job"))).toContain(
      JSON.stringify([
        { key: "team", operator: "Exists" },
        { effect: "NoSchedule", key: "nvidia.com/gpu", operator: "Exists" },
      ]),
    );
  });
  test("are the same whatever their order in the lab", () => {
    const [a, b] = [
      ["mistral", "llama3.2:1b"],
      ["llama3.2:1b", "mistral"],
    ].map((models) => release({ models }));
    expect(releaseOf(a as StackJson, "ollama-models")).toEqual(releaseOf(b as StackJson, "ollama-models"));
  });
  test("that are no longer listed are removed when the lab says so", () => {
    const own = release({ removeUnlistedModels: true });
    expect(JSON.stringify(objectOf(own, "ollama-models", "Job"))).toContain('{"name":"REMOVE_UNLISTED","value":"true"}');
  });
  test.each([
    ["none is listed", { models: [] }],
    ["no pod is there to pull them", { replicas: 0 }],
  ])("are not pulled where %s", (_, changes) => {
    expect(addresses(release(changes))).not.toContain("helm_release.ollama-models");
  });
});

describe("a host", () => {
  test("has a middleware, a certificate and two routes: those of the deployment that home-lab describes, before its lock", () => {
    const stack = shipped("examples/home-lab.yaml", { ollama: { releases: { ollama: { auth: undefined } } } });
    const match = "Host(`ollama.home.example`)";
    const services = [{ name: "ollama", port: 11434 }];
    const labels = {
      "app.kubernetes.io/name": "ollama",
      "app.kubernetes.io/part-of": "home",
      "app.kubernetes.io/managed-by": "terraform",
      "app.kubernetes.io/instance": "ollama",
    };
    expect([...objectsOf(stack, "https-redirect"), ...objectsOf(stack, "ollama-route")]).toEqual([
      {
        apiVersion: "traefik.io/v1alpha1",
        kind: "Middleware",
        metadata: {
          name: "https-redirect",
          namespace: "ml",
          labels: {
            "app.kubernetes.io/name": "https-redirect",
            "app.kubernetes.io/part-of": "home",
            "app.kubernetes.io/managed-by": "terraform",
          },
        },
        spec: { redirectScheme: { scheme: "https", permanent: true } },
      },
      {
        apiVersion: "cert-manager.io/v1",
        kind: "Certificate",
        metadata: { name: "ollama-tls", namespace: "ml", labels },
        spec: {
          secretName: "ollama-tls",
          dnsNames: ["ollama.home.example"],
          issuerRef: { kind: "ClusterIssuer", name: "letsencrypt-prod" },
          duration: "2160h0m0s",
          renewBefore: "720h0m0s",
        },
      },
      {
        apiVersion: "traefik.io/v1alpha1",
        kind: "IngressRoute",
        metadata: { name: "ollama-ingress", namespace: "ml", labels },
        spec: { entryPoints: ["websecure"], routes: [{ kind: "Rule", match, services }], tls: { secretName: "ollama-tls" } },
      },
      {
        apiVersion: "traefik.io/v1alpha1",
        kind: "IngressRoute",
        metadata: { name: "ollama-ingress-redirect", namespace: "ml", labels },
        spec: { entryPoints: ["web"], routes: [{ kind: "Rule", match, middlewares: [{ name: "https-redirect" }], services }] },
      },
    ]);
  });
  test("has durations in the form in which the API stores them", () => {
    const { spec } = objectOf(hosted(), "ollama-route", "Certificate");
    for (const duration of [spec?.["duration"], spec?.["renewBefore"]]) expect(duration).toMatch(/^\d+h\d+m\d+s$/);
  });
  test("has its certificate from the lab's issuer", () => {
    const stack = of({ kubernetes: { issuer: "home-ca" }, ollama: { releases: { ollama: { host: "a.home.example" } } } });
    expect(objectOf(stack, "ollama-route", "Certificate")).toMatchObject({ spec: { issuerRef: { name: "home-ca" } } });
  });
  test("is open to the networks that the lab allows, in order, over HTTPS only", () => {
    const stack = hosted({ allowFrom: ["198.51.100.0/24", "192.0.2.0/24"] });
    expect(objectOf(stack, "ollama-route", "Middleware")).toMatchObject({
      metadata: { name: "ollama-allow", namespace: "ml" },
      spec: { ipAllowList: { sourceRange: ["192.0.2.0/24", "198.51.100.0/24"] } },
    });
    const routes = objectsOf(stack, "ollama-route").filter(({ kind }) => kind === "IngressRoute");
    expect(routes.map(({ metadata, spec }) => [metadata.name, JSON.stringify(spec).includes("ollama-allow")])).toEqual([
      ["ollama-ingress", true],
      ["ollama-ingress-redirect", false],
    ]);
  });
  test("asks for the passwords in the Secret that the lab names, over HTTPS only, and hands none to Ollama", () => {
    const stack = hosted({ auth: { secretName: "ollama-users" } });
    expect(objectOf(stack, "ollama-route", "Middleware")).toMatchObject({
      metadata: { name: "ollama-auth", namespace: "ml" },
      spec: { basicAuth: { secret: "ollama-users", removeHeader: true } },
    });
    expect(middlewaresOf(stack)).toEqual([
      ["ollama-ingress", ["ollama-auth"]],
      ["ollama-ingress-redirect", ["https-redirect"]],
    ]);
  });
  test("with passwords and a list of networks asks for both, and the address first", () => {
    const stack = hosted({ auth: { secretName: "ollama-users" }, allowFrom: ["192.0.2.0/24"] });
    expect(middlewaresOf(stack)[0]).toEqual(["ollama-ingress", ["ollama-allow", "ollama-auth"]]);
  });
  test("with passwords is checked with those of whoever checks", () => {
    const { value } = hosted({ auth: { secretName: "ollama-users" } }).output?.["check_commands"] ?? {};
    expect(value).toMatchObject({
      ollama: [
        expect.anything(),
        "scripts/ollama-health.sh --endpoint https://ollama.home.example --credentials ollama-credentials --model llama3.2:1b",
      ],
    });
  });
  test("comes after the redirect and the release", () => {
    expect(releaseOf(hosted(), "ollama-route")["depends_on"]).toEqual(["helm_release.https-redirect", "helm_release.ollama"]);
  });
  test("that is not given makes no route, no certificate, and no redirect", () => {
    expect(addresses(of()).filter((address) => /route|redirect/.test(address))).toEqual([]);
  });
});

describe("the network policy", () => {
  const policy = (changes: Changes) =>
    of({ ollama: { networkPolicy: changes } }).resource["kubernetes_network_policy_v1"]?.["ollama-api"];

  test("lets Traefik, the namespace itself and named ones reach Ollama's port, and nobody else", () => {
    const namespace = (name: string) => ({ match_labels: { "kubernetes.io/metadata.name": name } });
    expect(policy({ namespaces: ["open-webui"] })).toMatchObject({
      metadata: { name: "ollama-api", namespace: "ml" },
      spec: {
        pod_selector: { match_labels: { "app.kubernetes.io/name": "ollama" } },
        policy_types: ["Ingress"],
        ingress: [
          {
            ports: [{ port: "11434", protocol: "TCP" }],
            from: [
              {
                namespace_selector: namespace("kube-system"),
                pod_selector: { match_labels: { "app.kubernetes.io/name": "traefik" } },
              },
              { namespace_selector: namespace("ml") },
              { namespace_selector: namespace("open-webui") },
            ],
          },
        ],
      },
    });
  });
  test("finds Traefik where the lab says it runs", () => {
    expect(JSON.stringify(policy({ traefikNamespace: "traefik" }))).toContain('"kubernetes.io/metadata.name":"traefik"');
  });
  test("is not there unless the lab asks for it", () => {
    expect(of().resource).not.toHaveProperty("kubernetes_network_policy_v1");
  });
});

describe("the way to the cluster", () => {
  test("is the kubeconfig of the variable, for both providers", () => {
    expect(of().provider).toEqual({
      kubernetes: [{ config_path: "${var.kubeconfig}" }],
      helm: [{ kubernetes: { config_path: "${var.kubeconfig}" } }],
    });
  });
  test("is by default the file that the lab names, from the stack's folder", () => {
    const stack = of({ kubernetes: { kubeconfig: "./secrets/home.kubeconfig" } });
    expect(stack.variable?.["kubeconfig"]?.["default"]).toMatch(/^(\.\.\/)+.*lab\/secrets\/home\.kubeconfig$/);
  });
  test("is a file with an absolute path wherever the lab lies", () => {
    const stack = of({ kubernetes: { kubeconfig: "/srv/secrets/home.kubeconfig" } });
    expect(stack.variable?.["kubeconfig"]?.["default"]).toBe("/srv/secrets/home.kubeconfig");
  });
});

test("outputs tell the URLs inside and outside, the versions, and the commands to check it", () => {
  const outputs = Object.entries(hosted().output ?? {}).map(([name, { value }]) => [name, value]);
  expect(Object.fromEntries(outputs)).toEqual({
    internal_urls: { ollama: "http://ollama.ml.svc:11434" },
    external_urls: { ollama: "https://ollama.home.example" },
    versions: { chart: "1.77.0", ollama: { ollama: "0.32.15" } },
    import_commands: [
      "terraform import kubernetes_namespace_v1.ml ml",
      "terraform import kubernetes_persistent_volume_claim_v1.ollama ml/ollama",
    ],
    check_commands: {
      ollama: [
        "kubectl -n ml get deployment,pod,pvc -l app.kubernetes.io/instance=ollama",
        "scripts/ollama-health.sh --endpoint https://ollama.home.example --model llama3.2:1b",
      ],
    },
  });
});

test("a release without a host is checked through its Service", () => {
  expect(JSON.stringify(of().output?.["check_commands"]?.value)).toContain("--internal --namespace ml --service ollama");
});

test("a namespace that begins with a digit is a name that Terraform takes", () => {
  expect(addresses(of({ ollama: { namespace: "2nd" } }))).toContain("kubernetes_namespace_v1._2nd");
});

test("no custom resource is a resource of Terraform, which could not plan it before its definition is there", () => {
  for (const stack of Object.values(synthesized(gpuLab))) expect(stack.resource).not.toHaveProperty("kubernetes_manifest");
});
