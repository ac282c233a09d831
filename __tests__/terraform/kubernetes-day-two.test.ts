// What an edit of the lab does to a platform and an Ollama that run: every test plans one edit of a lab that has been applied.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { LabInput } from "../../lab/schema";
import { describeWithTool } from "../../testing/external-tool";
import { type Changes, gpuLab, labWith, ollamaLab } from "../../testing/lab";
import { editLab, openLab } from "../../testing/terraform/lab-workspace";
import { describeRun } from "../../testing/terraform/process";
import type { Action, StackRun } from "../../testing/terraform/stack-run";
import type { Workspace } from "../../testing/terraform/workspace";

/** On a cluster that is there already: storage, certificates and a device plugin by the lab, and two releases. */
const running: LabInput = labWith(
  {
    kubernetes: { ...gpuLab.kubernetes, devicePlugin: {} },
    ollama: {
      releases: {
        ollama: { models: ["llama3.2:1b"], host: "ollama.home.example" },
        chat: { models: ["mistral:7b"], gpus: 1 },
      },
    },
  },
  ollamaLab,
);

const CLAIM = "kubernetes_persistent_volume_claim_v1";

async function applied(lab: LabInput): Promise<Workspace> {
  const workspace = await openLab(lab);
  for (const name of workspace.stackNames) await workspace.stack(name).deploy();
  return workspace;
}

async function planned(stack: StackRun, ...flags: string[]): Promise<{ resources: Record<string, Action>; outputs: string[] }> {
  const plan = await stack.plan(...flags);
  if (!plan.succeeded) throw new Error(describeRun(plan));
  return { resources: plan.changes, outputs: Object.keys(plan.outputs).sort() };
}

const release = (changes: Changes) => ({ ollama: { releases: { ollama: changes } } });
const update = (...names: string[]) => Object.fromEntries(names.map((name) => [`helm_release.${name}`, "update" as const]));

describeWithTool("terraform", "on a cluster that runs", () => {
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await applied(running);
  });
  const ollama = (changes: Changes) => {
    editLab(workspace, labWith(changes, running));
    return planned(workspace.stack("ollama"));
  };
  const platform = (changes: Changes) => {
    editLab(workspace, labWith(changes, running));
    return planned(workspace.stack("platform"));
  };

  test("both stacks were planned and applied without a kubeconfig", () => {
    const { variable } = workspace.stack("ollama").config as { variable: { kubeconfig: { default: string } } };
    expect(existsSync(join(workspace.stack("ollama").folder, variable.kubeconfig.default))).toBe(false);
  });

  test.each<[string, Changes]>([
    ["another model", { models: ["llama3.2:1b", "qwen2.5:3b"] }],
    ["removal of unlisted models", { removeUnlistedModels: true }],
  ])("%s runs the pull of that release, and touches nothing else", async (_, changes) => {
    const { resources } = await ollama(release(changes));
    expect(resources).toEqual(update("ollama-models"));
  });

  test.each<[string, Changes]>([
    ["other resources", { resources: { limits: { memory: "8Gi" } } }],
    ["another keep-alive", { keepAlive: "30m" }],
    ["another value of the chart", { values: { podAnnotations: { note: "mine" } } }],
  ])("%s: changes that release alone, in place", async (_, changes) => {
    expect(await ollama(release(changes))).toEqual({ resources: update("ollama"), outputs: [] });
  });

  test.each<[string, Changes]>([
    ["another image", { image: "ollama/ollama:0.33.0" }],
    ["another toleration", { tolerations: [{ key: "team", operator: "Exists" }] }],
  ])("%s updates the release, and its pull, which has the same client in the same place", async (_, changes) => {
    const { resources } = await ollama(release(changes));
    expect(resources).toEqual(update("ollama", "ollama-models"));
  });

  test("another version of the chart updates every release and its client, and no claim", async () => {
    const { resources, outputs } = await ollama({ ollama: { chart: { version: "1.36.0" } } });
    expect(resources).toEqual(update("ollama", "chat", "ollama-models", "chat-models"));
    expect(outputs).toEqual(["versions"]);
  });

  test("a host makes a route, and touches no release", async () => {
    const { resources } = await ollama({ ollama: { releases: { chat: { host: "chat.home.example" } } } });
    expect(resources).toEqual({ "helm_release.chat-route": "create" });
  });

  test("another host, or who may use it, changes the route alone", async () => {
    const { resources } = await ollama(release({ host: "llm.home.example", allowFrom: ["192.0.2.0/24"] }));
    expect(resources).toEqual(update("ollama-route"));
  });

  test("the last host that goes takes the route and the redirect along", async () => {
    const { resources } = await ollama(release({ host: undefined }));
    expect(resources).toEqual({ "helm_release.ollama-route": "delete", "helm_release.https-redirect": "delete" });
  });

  test("another release creates what is its own, and touches nothing of the others, whatever its place among them", async () => {
    const { resources } = await ollama({ ollama: { releases: { another: { models: ["phi3:mini"], host: "a.home.example" } } } });
    expect(resources).toEqual({
      "helm_release.another": "create",
      "helm_release.another-models": "create",
      "helm_release.another-route": "create",
      [`${CLAIM}.another`]: "create",
    });
  });

  test("a protected release that leaves the lab is refused: it would take its claim along", async () => {
    editLab(workspace, labWith({ ollama: { releases: { chat: undefined } } }, running));
    await expect(workspace.stack("ollama")).toRejectPlan(
      /The claim ml\/chat is protected, but the lab has no release chat any more\..* ollama: { keptClaims: \[ml\/chat\] }\./,
    );
  });

  test("a protected release that leaves the lab leaves its claim, which the lab keeps", async () => {
    const { resources } = await ollama({ ollama: { keptClaims: ["ml/chat"], releases: { chat: undefined } } });
    expect(resources).toEqual({
      "helm_release.chat": "delete",
      "helm_release.chat-models": "delete",
      [`${CLAIM}.chat`]: "remove",
    });
  });

  test("a release without protection leaves the lab with its claim", async () => {
    const unprotected = labWith({ ollama: { releases: { chat: { protect: false } } } }, running);
    const one = await applied(unprotected);
    editLab(one, labWith({ ollama: { releases: { chat: undefined } } }, unprotected));
    expect((await planned(one.stack("ollama"))).resources).toEqual({
      "helm_release.chat": "delete",
      "helm_release.chat-models": "delete",
      [`${CLAIM}.chat`]: "delete",
    });
  });

  test("more storage grows the claim in place, and leaves its release as it is", async () => {
    const { resources } = await ollama(release({ storageGi: 100 }));
    expect(resources).toEqual({ [`${CLAIM}.ollama`]: "update" });
  });

  test.each<[string, Changes]>([
    ["a second replica, with the mode that it needs,", { replicas: 2, accessMode: "ReadWriteMany" }],
    ["another access mode", { accessMode: "ReadWriteMany" }],
    ["another StorageClass", { storageClass: "fast" }],
  ])("%s is refused: the claim would be replaced, and it is protected", async (_, changes) => {
    editLab(workspace, labWith(release(changes), running));
    await expect(workspace.stack("ollama")).toRejectPlan(
      /instance cannot be destroyed Resource (instance )?kubernetes_persistent_volume_claim_v1\.ollama/i,
    );
  });

  test("another namespace is refused: it would take the models along", async () => {
    editLab(workspace, labWith({ ollama: { namespace: "ai" } }, running));
    await expect(workspace.stack("ollama")).toRejectPlan(
      /The namespace ml of this lab is protected, but the lab says ai now\. .* Write in the lab: ollama: { namespace: ml }\./,
    );
  });

  test.each([true, false])("less storage is refused in the plan, in words, with protect: %s", async (protect) => {
    editLab(workspace, labWith(release({ storageGi: 40, protect }), running));
    await expect(workspace.stack("ollama")).toRejectPlan(
      /The claim ml\/ollama that exists has 50Gi, but storageGi asks for 40Gi: a claim never shrinks, .* Set storageGi to the size that it has/,
    );
  });

  test("a second replica without protection replaces the claim with the release that uses it and the pull that fills it", async () => {
    const { resources } = await ollama(release({ replicas: 2, accessMode: "ReadWriteMany", protect: false }));
    expect(resources).toEqual({
      [`${CLAIM}.ollama`]: "replace",
      "helm_release.ollama": "replace",
      "helm_release.ollama-models": "replace",
    });
  });

  test("a stop leaves the claim, and only the pull goes, which nobody could answer", async () => {
    const { resources } = await ollama(release({ replicas: 0 }));
    expect(resources).toEqual({ ...update("ollama"), "helm_release.ollama-models": "delete" });
  });

  test("fewer replicas, down to none, leave a claim as it is whose mode is written", async () => {
    const many = labWith(release({ replicas: 2, accessMode: "ReadWriteMany" }), running);
    const shared = await applied(many);
    for (const replicas of [1, 0]) {
      editLab(shared, labWith(release({ replicas }), many));
      expect((await planned(shared.stack("ollama"))).resources).not.toHaveProperty([`${CLAIM}.ollama`]);
    }
  });

  test.each([true, false])(
    "a claim for many nodes is not replaced by one for one because nobody wrote its mode, with protect: %s",
    async (protect) => {
      const shared = await applied(labWith(release({ replicas: 2, accessMode: "ReadWriteMany", protect }), running));
      editLab(shared, labWith(release({ replicas: 1, protect }), running));
      await expect(shared.stack("ollama")).toRejectPlan(
        /The claim ml\/ollama that exists is ReadWriteMany, but accessMode is not written.*Write accessMode: ReadWriteMany/,
      );
    },
  );

  test("a network policy comes, and touches nothing", async () => {
    const { resources } = await ollama({ ollama: { networkPolicy: {} } });
    expect(resources).toEqual({ "kubernetes_network_policy_v1.ollama-api": "create" });
  });

  test("another issuer changes the certificate's route, and no release", async () => {
    const { resources } = await ollama({ kubernetes: { issuer: "home-ca" } });
    expect(resources).toEqual(update("ollama-route"));
  });

  test("shares of GPUs change the device plugin alone", async () => {
    const { resources } = await platform({ kubernetes: { devicePlugin: { timeSlicing: 4 } } });
    expect(resources).toEqual(update("nvidia-device-plugin"));
  });

  test("another solver changes the issuer alone", async () => {
    const { resources } = await platform({ kubernetes: { certManager: { dns01: undefined } } });
    expect(resources).toEqual(update("letsencrypt-prod"));
  });

  test("another version of cert-manager changes cert-manager alone", async () => {
    const { resources } = await platform({ kubernetes: { certManager: { chart: { version: "v1.20.2" } } } });
    expect(resources).toEqual(update("cert-manager"));
  });

  test("nothing edited plans nothing, in either stack", async () => {
    expect([await ollama({}), await platform({})]).toEqual([
      { resources: {}, outputs: [] },
      { resources: {}, outputs: [] },
    ]);
  });
});
