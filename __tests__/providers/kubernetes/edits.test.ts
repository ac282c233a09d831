// What docs/ say that an edit of a release costs, with the real providers on a real API: the rows of lab/edit-costs.ts that are about a release, its
// claim and its pods.
import type { EditEffect } from "../../../lab/edit-costs";
import type { LabInput } from "../../../lab/schema";
import { KUBERNETES_ROWS, type OwnProof, type Row } from "../../../testing/edit-proofs";
import { describeWithCluster, ThrowAwayCluster } from "../../../testing/kubernetes-cluster/cluster";
import { type Changes, labWith } from "../../../testing/lab";
import { worst } from "../../../testing/terraform/edit-effect";
import { describeRun } from "../../../testing/terraform/process";
import type { Action, Plan, StackRun } from "../../../testing/terraform/stack-run";
import type { Workspace } from "../../../testing/terraform/workspace";

type OwnRow = Row & { readonly proof: OwnProof };
/** A row with the key of the release that it edits. */
type Member = OwnRow & { readonly key: string };

/**
 * Routes need definitions of Traefik and cert-manager, and a card needs a node that has one; a throw-away cluster has neither. The usual class of
 * the cluster is the tests' own, so another one exists nowhere, and the claim would wait for it.
 */
const NEEDS_MORE = /^(host|pod 5|claim replaced, unprotected 2)/;
const rows = KUBERNETES_ROWS.filter((row): row is OwnRow => "own" in row.proof && !NEEDS_MORE.test(row.row));

/** A release of which many fit on a node. */
const SMALL: Changes = {
  models: ["all-minilm:22m"],
  resources: { requests: { cpu: "10m", memory: "16Mi" } },
  timeoutMinutes: 5,
  pullTimeoutMinutes: 5,
};

const OF_ACTION: Readonly<Partial<Record<Action, EditEffect>>> = {
  replace: "replaces",
  update: "in place",
  create: "adds",
  delete: "removes",
  remove: "removes",
};

describeWithCluster("each row about a release", () => {
  const effects = new Map<string, EditEffect>();
  let cluster: ThrowAwayCluster;
  let lab: LabInput;
  let workspace: Workspace;
  const members: readonly Member[] = rows.map((row, index) => ({ ...row, key: `m${String(index).padStart(2, "0")}m` }));

  /** The lab with these members, each as it is before its edit, or after it. */
  function labOf(all: readonly Member[], edited: readonly Member[] = []): LabInput {
    const release = ({ key, proof }: Member): [string, Changes][] => {
      const before: Changes = { ...SMALL, ...proof.before };
      if (!edited.some((one) => one.key === key)) return [[key, before]];
      return proof.own ? [[key, labWith(proof.own, before as LabInput) as Changes]] : [];
    };
    return labWith({ ollama: { releases: Object.fromEntries(all.flatMap(release)) } }, lab);
  }

  /** The pods of each release, by their unique ids. Those of Jobs do not count. */
  function pods(): ReadonlyMap<string, readonly string[]> {
    const { items } = JSON.parse(
      cluster.kubectl("-n", lab.ollama?.namespace ?? "", "get", "pods", "-l", "app.kubernetes.io/name=ollama", "-o", "json"),
    ) as { items: { metadata: { uid: string; labels: Record<string, string>; deletionTimestamp?: string } }[] };
    const found = new Map<string, string[]>();
    for (const { metadata } of items) {
      const release = metadata.labels["app.kubernetes.io/instance"] ?? "";
      if (!metadata.deletionTimestamp) found.set(release, [...(found.get(release) ?? []), metadata.uid]);
    }
    return found;
  }

  const planEffect = ({ changes }: Plan, key: string): EditEffect =>
    worst(
      Object.entries(changes).flatMap(([address, action]) =>
        new RegExp(`\\.${key}(-|$)`).test(address) ? (OF_ACTION[action] ?? []) : [],
      ),
    );

  async function carriedOut(stack: StackRun, all: readonly Member[], calm: readonly Member[]): Promise<void> {
    const before = pods();
    cluster.edit(workspace, labOf(all, calm));
    const plan = await stack.plan();
    if (!plan.succeeded) throw new Error(describeRun(plan));
    const applied = await stack.apply(plan);
    if (!applied.succeeded) throw new Error(describeRun(applied));
    await expect(stack).toPlanNothing();
    const after = pods();
    for (const { row, key } of calm) {
      const effect = planEffect(plan, key);
      const [were, are] = [before.get(key) ?? [], after.get(key) ?? []];
      // A pod that is made anew has another id; one that is added or taken away leaves the others theirs.
      const anew = were.length > 0 && are.length > 0 && !are.some((uid) => were.includes(uid));
      effects.set(row, effect === "in place" && anew ? "restarts" : effect);
    }
  }

  async function refused(stack: StackRun, all: readonly Member[], rest: readonly Member[]): Promise<void> {
    for (let open = rest; open.length > 0; ) {
      cluster.edit(workspace, labOf(all, open));
      const plan = await stack.plan();
      const errors = plan.diagnostics.filter(({ severity }) => severity === "error");
      const words = errors.map(({ summary, detail, address = "" }) => `${summary} ${detail} ${address}`).join(" ");
      const stopped = open.filter(({ key }) => new RegExp(`\\b${key}\\b`).test(words));
      for (const { row } of stopped) effects.set(row, "stops the plan");
      if (stopped.length === 0) return;
      open = open.filter((member) => !stopped.includes(member));
    }
  }

  const TOGETHER = 12;
  beforeAll(async () => {
    cluster = new ThrowAwayCluster();
    for (let first = 0; first < members.length; first += TOGETHER) {
      const all = members.slice(first, first + TOGETHER);
      lab = labWith({ ollama: { releases: { ollama: SMALL } } }, cluster.lab());
      workspace = await cluster.open(labOf(all));
      const stack = workspace.stack("ollama");
      await stack.deploy();
      await refused(
        stack,
        all,
        all.filter(({ effect }) => effect === "stops the plan"),
      );
      await carriedOut(
        stack,
        all,
        all.filter(({ effect }) => effect !== "stops the plan"),
      );
    }
  }, 1_800_000);
  afterAll(() => cluster.stop());

  test.each([...rows])("$row: $edit → $effect", ({ row, effect }) => {
    expect(effects.get(row)).toBe(effect);
  });
});
