// What an edit of the lab does to a platform and an Ollama that run.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { LabInput } from "../../lab/schema";
import { describeWithTool } from "../../testing/external-tool";
import { type Changes, gpuLab, labWith, ollamaLab } from "../../testing/lab";
import { editLab, openLab } from "../../testing/terraform/lab-workspace";
import { describeRun } from "../../testing/terraform/process";
import type { Action, Plan, StackRun } from "../../testing/terraform/stack-run";
import type { Workspace } from "../../testing/terraform/workspace";

const CLAIM = "kubernetes_persistent_volume_claim_v1";

type Planned = Record<string, Action>;

async function planned(stack: StackRun): Promise<Planned> {
  const plan = await stack.plan();
  if (!plan.succeeded) throw new Error(describeRun(plan));
  return plan.changes;
}

const all = (action: Action, ...names: string[]): Planned =>
  Object.fromEntries(names.map((name) => [`helm_release.${name}`, action]));
const update = (...names: string[]) => all("update", ...names);

const kubernetes = { ...gpuLab.kubernetes, devicePlugin: {} };
const models = ["llama3.2:1b"];

describeWithTool("terraform", "an edit of one release", () => {
  const shared = { replicas: 2, accessMode: "ReadWriteMany" };
  /** A release for each edit: as it was applied, as it is after the edit, and what the plan does with it. Undefined: it is not in the lab. */
  const EDITS: Record<string, [fact: string, before: Changes | undefined, after: Changes | undefined, fate: Planned]> = {
    pulls: ["another model runs the pull", { models }, { models: [...models, "qwen2.5:3b"] }, update("pulls-models")],
    tidies: ["removal of unlisted models runs the pull", { models }, { removeUnlistedModels: true }, update("tidies-models")],
    limited: ["other resources change it in place", {}, { resources: { limits: { memory: "8Gi" } } }, update("limited")],
    alive: ["another keep-alive changes it in place", {}, { keepAlive: "30m" }, update("alive")],
    noted: [
      "another value of the chart changes it in place",
      {},
      { values: { podAnnotations: { note: "mine" } } },
      update("noted"),
    ],
    imaged: [
      "another image updates it, and its pull, which has the same client",
      { models },
      { image: "ollama/ollama:0.33.0" },
      update("imaged", "imaged-models"),
    ],
    tolerant: [
      "another toleration updates it, and its pull, which runs in the same place",
      { models },
      { tolerations: [{ key: "team", operator: "Exists" }] },
      update("tolerant", "tolerant-models"),
    ],
    hosted: [
      "a host makes a route, and leaves the release as it is",
      {},
      { host: "hosted.home.example" },
      all("create", "hosted-route"),
    ],
    routed: [
      "another host, and who may use it, change the route alone",
      { host: "routed.home.example" },
      { host: "llm.home.example", allowFrom: ["192.0.2.0/24"] },
      update("routed-route"),
    ],
    another: [
      "one more creates what is its own",
      undefined,
      { models: ["phi3:mini"], host: "another.home.example" },
      { ...all("create", "another", "another-models", "another-route"), [`${CLAIM}.another`]: "create" },
    ],
    gone: [
      "one without protection leaves the lab with its claim",
      { protect: false },
      undefined,
      { ...all("delete", "gone"), [`${CLAIM}.gone`]: "delete" },
    ],
    left: [
      "a protected one leaves the lab without its claim, which the lab keeps",
      { models },
      undefined,
      { ...all("delete", "left", "left-models"), [`${CLAIM}.left`]: "remove" },
    ],
    grown: [
      "more storage grows the claim in place, and leaves the release as it is",
      {},
      { storageGi: 100 },
      { [`${CLAIM}.grown`]: "update" },
    ],
    doubled: [
      "a second replica without protection replaces the claim with the release that uses it and the pull that fills it",
      { models },
      { ...shared, protect: false },
      { ...all("replace", "doubled", "doubled-models"), [`${CLAIM}.doubled`]: "replace" },
    ],
    stopped: [
      "a stop leaves the claim, and only the pull goes, which nobody could answer",
      { models },
      { replicas: 0 },
      { ...update("stopped"), ...all("delete", "stopped-models") },
    ],
    fewer: ["fewer replicas leave a claim as it is whose mode is written", shared, { replicas: 1 }, update("fewer")],
    none: ["no replica leaves a claim as it is whose mode is written", shared, { replicas: 0 }, update("none")],
  };

  /** Edits that no plan may make, each of a release above as it was applied. */
  const destroyed = (key: string) => new RegExp(`nstance cannot be destroyed Resource (instance )?${CLAIM}\\.${key} `);
  const shrunk = (key: string) =>
    new RegExp(
      `The claim ml/${key} that exists has 50Gi, but storageGi asks for 40Gi: a claim never shrinks, .* Set storageGi to the size that it has`,
    );
  const unwritten = (key: string) =>
    new RegExp(
      `The claim ml/${key} that exists is ReadWriteMany, but accessMode is not written.*Write accessMode: ReadWriteMany`,
    );
  const REFUSED: Record<string, [fact: string, after: Changes, words: (key: string) => RegExp]> = {
    limited: [
      "a second replica, with the mode that it needs: the claim would be replaced, and it is protected",
      shared,
      destroyed,
    ],
    alive: ["another access mode: the claim would be replaced, and it is protected", { accessMode: "ReadWriteMany" }, destroyed],
    noted: ["another StorageClass: the claim would be replaced, and it is protected", { storageClass: "fast" }, destroyed],
    grown: ["less storage", { storageGi: 40 }, shrunk],
    hosted: ["less storage of a claim that loses its protection", { storageGi: 40, protect: false }, shrunk],
    fewer: [
      "a mode for one node because nobody wrote that of the claim for many",
      { replicas: 1, accessMode: undefined },
      unwritten,
    ],
    none: [
      "a mode for one node because nobody wrote it, of a claim that loses its protection",
      { replicas: 1, accessMode: undefined, protect: false },
      unwritten,
    ],
  };

  const releases = (of: (key: string) => Changes | undefined): Changes =>
    Object.fromEntries(
      Object.keys(EDITS)
        .map((key) => [key, of(key)] as const)
        .filter(([, release]) => release !== undefined),
    );
  const labOf = (ollama: Changes): LabInput => ({ ...ollamaLab, kubernetes, ollama }) as LabInput;
  const before = (key: string) => EDITS[key]?.[1];
  const running = labOf({ releases: releases(before) });

  let stack: StackRun;
  let edited: Planned;
  let refused: Plan;
  beforeAll(async () => {
    stack = (await openLab(running)).stack("ollama");
    await stack.deploy();
    const after = (key: string) => EDITS[key]?.[2] && { ...before(key), ...EDITS[key][2] };
    editLab(stack.workspace, labOf({ keptClaims: ["ml/left"], releases: releases(after) }));
    edited = await planned(stack);
    // Without the pulls, because Terraform takes most of its time to read their scripts.
    const refusedEdit = (key: string) => before(key) && { ...before(key), models: [], ...REFUSED[key]?.[1] };
    editLab(stack.workspace, labOf({ releases: releases(refusedEdit) }));
    refused = await stack.plan();
  });
  const belongsTo = (key: string) => (address: string) => new RegExp(`\\.${key}(-models|-route)?$`).test(address);
  const fateOf = (key: string): Planned =>
    Object.fromEntries(Object.entries(edited).filter(([address]) => belongsTo(key)(address)));

  test.each(Object.entries(EDITS).map(([key, [fact, , , fate]]) => ({ fact, key, fate })))("$fact", ({ key, fate }) => {
    expect(fateOf(key)).toEqual(fate);
  });

  test("touches nothing of the others, whatever its place among them, and nothing that they share", () => {
    const own = (address: string) => Object.keys(EDITS).some((key) => belongsTo(key)(address));
    expect(Object.keys(edited).filter((address) => !own(address))).toEqual([]);
  });

  test.each(Object.entries(REFUSED).map(([key, [fact, , words]]) => ({ fact, words: words(key) })))(
    "is refused: $fact",
    ({ words }) => {
      const errors = refused.diagnostics.map(({ summary, detail }) => `${summary} ${detail}`.replaceAll(/\s+/g, " "));
      expect(errors).toContainEqual(expect.stringMatching(words));
    },
  );
});

describeWithTool("terraform", "on a cluster that runs", () => {
  /** The cluster is there already. Storage, certificates and a device plugin come by the lab. */
  const running: LabInput = labWith(
    { kubernetes, ollama: { releases: { ollama: { models, host: "ollama.home.example" }, chat: { gpus: 1 } } } },
    ollamaLab,
  );
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await openLab(running);
    for (const name of workspace.stackNames) await workspace.stack(name).deploy();
  });
  const edit = (changes: Changes) => editLab(workspace, labWith(changes, running));
  const ollama = (changes: Changes) => {
    edit(changes);
    return planned(workspace.stack("ollama"));
  };
  const platform = (changes: Changes) => {
    edit(changes);
    return planned(workspace.stack("platform"));
  };

  test("both stacks were planned and applied without a kubeconfig", () => {
    const { variable } = workspace.stack("ollama").config as { variable: { kubeconfig: { default: string } } };
    expect(existsSync(join(workspace.stack("ollama").folder, variable.kubeconfig.default))).toBe(false);
  });

  test("another version of the chart updates every release and its client, and no claim, and is told by an output", async () => {
    edit({ ollama: { chart: { version: "1.36.0" } } });
    const { changes, outputs } = await workspace.stack("ollama").plan();
    expect([changes, Object.keys(outputs)]).toEqual([update("ollama", "chat", "ollama-models"), ["versions"]]);
  });

  test("the last host that goes takes the route and the redirect along", async () => {
    expect(await ollama({ ollama: { releases: { ollama: { host: undefined } } } })).toEqual(
      all("delete", "ollama-route", "https-redirect"),
    );
  });

  test("a protected release that leaves the lab is refused: it would take its claim along", async () => {
    edit({ ollama: { releases: { chat: undefined } } });
    await expect(workspace.stack("ollama")).toRejectPlan(
      /The claim ml\/chat is protected, but the lab has no release chat any more\..* ollama: { keptClaims: \[ml\/chat\] }\./,
    );
  });

  test("another namespace is refused: it would take the models along", async () => {
    edit({ ollama: { namespace: "ai" } });
    await expect(workspace.stack("ollama")).toRejectPlan(
      /The namespace ml of this lab is protected, but the lab says ai now\. .* Write in the lab: ollama: { namespace: ml }\./,
    );
  });

  test("a network policy comes, and touches nothing; another issuer changes the certificate's route, and no release", async () => {
    expect(await ollama({ kubernetes: { issuer: "home-ca" }, ollama: { networkPolicy: {} } })).toEqual({
      "kubernetes_network_policy_v1.ollama-api": "create",
      ...update("ollama-route"),
    });
  });

  test("shares of GPUs change the device plugin alone", async () => {
    expect(await platform({ kubernetes: { devicePlugin: { timeSlicing: 4 } } })).toEqual(update("nvidia-device-plugin"));
  });

  test("another solver changes the issuer alone", async () => {
    expect(await platform({ kubernetes: { certManager: { dns01: undefined } } })).toEqual(update("letsencrypt-prod"));
  });

  test("another version of cert-manager changes cert-manager alone", async () => {
    expect(await platform({ kubernetes: { certManager: { chart: { version: "v1.20.2" } } } })).toEqual(update("cert-manager"));
  });
});
