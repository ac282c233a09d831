// What everyday edits do to the models' claims, with the real providers on a real API.
import type { LabInput } from "../../../lab/schema";
import { describeWithCluster, ThrowAwayCluster } from "../../../testing/kubernetes-cluster/cluster";
import { type Changes, labWith } from "../../../testing/lab";
import { describeRun } from "../../../testing/terraform/process";
import type { Workspace } from "../../../testing/terraform/workspace";

const CLAIM = "kubernetes_persistent_volume_claim_v1.ollama";
const release = (changes: Changes) => ({ ollama: { releases: { ollama: changes } } });
const sealed: Changes = {
  airGapped: true,
  ollamaNfsPath: "/mnt/nfs/ollama",
  reachable: ["docker.io", "registry-1.docker.io", "helm.otwld.com", "ghcr.io"],
};

describeWithCluster("on a cluster", () => {
  let cluster: ThrowAwayCluster;
  beforeAll(() => {
    cluster = new ThrowAwayCluster();
  });
  afterAll(() => cluster.stop());

  /** A deployed lab. */
  async function deployed(changes: Changes = {}): Promise<{ lab: LabInput; workspace: Workspace }> {
    const lab = cluster.lab(changes);
    const workspace = await cluster.open(lab);
    await workspace.stack("ollama").deploy();
    return { lab, workspace };
  }

  /** Deploys an edit of the lab, and gives the claim as it is then. */
  async function edited(workspace: Workspace, lab: LabInput, changes: Changes) {
    cluster.edit(workspace, labWith(changes, lab));
    await workspace.stack("ollama").deploy();
    return cluster.claim(lab);
  }

  test("a lab is applied, and plans nothing after it", async () => {
    const { workspace } = await deployed({ ollama: { networkPolicy: {} } });
    await expect(workspace.stack("ollama")).toPlanNothing();
  });

  test.each([true, false])("online, air-gapped and back: the claim stays, with protect: %s", async (protect) => {
    const { lab, workspace } = await deployed(release({ protect }));
    const before = cluster.claim(lab);
    const kept = await edited(workspace, lab, sealed);
    expect([kept.metadata.uid, kept.metadata.deletionTimestamp]).toEqual([before.metadata.uid, undefined]);
    await expect(workspace.stack("ollama")).toPlanNothing();
    const stack = workspace.stack("ollama");
    // The step of docs/air-gap.md: without it OpenTofu finds a cycle, because it orders the removal of the releases by the state and by the lab.
    if (process.env["TERRAFORM_BINARY"] === "tofu") {
      const gone = await stack.terraform("destroy", "-auto-approve", "-target=helm_release.ollama");
      expect([gone.succeeded || describeRun(gone)]).toEqual([true]);
    }
    // Back: Terraform does not know the claim any more, and says so; the output has the command.
    cluster.edit(workspace, lab);
    const refused = await stack.apply();
    expect(describeRun(refused)).toContain('persistentvolumeclaims "ollama" already exists');
    const commands = (await stack.outputs())["import_commands"]?.value as string[];
    const command = commands.find((one) => one.includes(CLAIM)) ?? "";
    const imported = await stack.terraform(...command.split(" ").slice(1));
    expect([imported.succeeded || describeRun(imported)]).toEqual([true]);
    await stack.deploy();
    await expect(stack).toPlanNothing();
    expect(cluster.claim(lab).metadata.uid).toBe(before.metadata.uid);
  });

  test("more storage grows the claim in place; less is refused in the plan, in words, protected or not", async () => {
    const { lab, workspace } = await deployed(release({ protect: false }));
    const before = cluster.claim(lab);
    const grown = await edited(workspace, lab, release({ protect: false, storageGi: 60 }));
    expect([grown.metadata.uid, grown.spec.resources.requests.storage]).toEqual([before.metadata.uid, "60Gi"]);
    for (const protect of [false, true]) {
      await edited(workspace, lab, release({ protect, storageGi: 60 }));
      cluster.edit(workspace, labWith(release({ protect, storageGi: 40 }), lab));
      await expect(workspace.stack("ollama")).toRejectPlan(/has 60Gi, but storageGi asks for 40Gi: a claim never shrinks/);
    }
  });

  test("replicas up and down to none leave a claim whose mode is written", async () => {
    const many = release({ replicas: 2, accessMode: "ReadWriteMany", protect: false });
    const { lab, workspace } = await deployed(many);
    const before = cluster.claim(lab);
    for (const replicas of [1, 0, 2]) {
      const claim = await edited(workspace, lab, release({ replicas }));
      expect([claim.metadata.uid, claim.spec.accessModes]).toEqual([before.metadata.uid, ["ReadWriteMany"]]);
    }
    cluster.edit(workspace, labWith(release({ replicas: 1, accessMode: undefined }), lab));
    await expect(workspace.stack("ollama")).toRejectPlan(/is ReadWriteMany, but accessMode is not written/);
  });

  test("another namespace, and a destroy, are refused while a claim is protected, in words", async () => {
    const { lab, workspace } = await deployed();
    const destroy = await workspace.stack("ollama").destroy();
    expect(describeRun(destroy)).toMatch(/instance cannot be destroyed/i);
    cluster.edit(workspace, labWith({ ollama: { namespace: `${lab.ollama?.namespace}-2` } }, lab));
    await expect(workspace.stack("ollama")).toRejectPlan(
      new RegExp(
        `The namespace ${lab.ollama?.namespace} of this lab is protected, .* Write in the lab: ollama: { namespace: ${lab.ollama?.namespace} }`,
      ),
    );
  });

  const two: Changes = {
    ollama: { releases: { chat: { models: ["all-minilm:22m"], timeoutMinutes: 3, pullTimeoutMinutes: 3 } } },
  };
  const alone = { ollama: { releases: { chat: undefined } } };

  test("a protected release that leaves the lab stops the plan; its claim stays when the lab says so, and comes back by the import", async () => {
    const { lab, workspace } = await deployed(two);
    const stack = workspace.stack("ollama");
    const namespace = lab.ollama?.namespace;
    const before = cluster.claim(lab, "chat");
    cluster.edit(workspace, labWith(alone, lab));
    await expect(stack).toRejectPlan(
      new RegExp(`The claim ${namespace}/chat is protected, .* ollama: { keptClaims: \\[${namespace}/chat\\] }`),
    );
    const keeping = labWith({ ollama: { keptClaims: [`${namespace}/chat`] } }, labWith(alone, lab));
    cluster.edit(workspace, keeping);
    await stack.deploy();
    await expect(stack).toPlanNothing();
    const kept = cluster.claim(lab, "chat");
    expect([kept.metadata.uid, kept.metadata.deletionTimestamp]).toEqual([before.metadata.uid, undefined]);
    cluster.edit(workspace, lab);
    await stack.apply();
    const commands = (await stack.outputs())["import_commands"]?.value as string[];
    const command = commands.find((one) => one.includes("_v1.chat")) ?? "";
    const imported = await stack.terraform(...command.split(" ").slice(1));
    expect(imported.succeeded || describeRun(imported)).toBe(true);
    await stack.deploy();
    expect(cluster.claim(lab, "chat").metadata.uid).toBe(before.metadata.uid);
  });

  test("a protected release that leaves the lab may go once its claim is labelled so, and an unprotected one goes", async () => {
    const { lab, workspace } = await deployed(labWith({ ollama: { releases: { tmp: { protect: false } } } }, two as LabInput));
    const stack = workspace.stack("ollama");
    cluster.edit(workspace, labWith({ ollama: { releases: { tmp: undefined } } }, lab));
    await stack.deploy();
    expect(() => cluster.claim(lab, "tmp")).toThrow("not found");
    cluster.edit(workspace, labWith({ ollama: { releases: { tmp: undefined, chat: undefined } } }, lab));
    const words = describeRun(await stack.plan());
    const [, command = ""] = /run: kubectl (.*-by-)/.exec(words.replaceAll(/\s+/g, " ")) ?? [];
    cluster.kubectl(...command.split(" "));
    await stack.deploy();
    expect(() => cluster.claim(lab, "chat")).toThrow("not found");
  });

  test("an air-gapped lab with another namespace stops the plan; the kept claim and its namespace stay when the lab says so", async () => {
    const { lab, workspace } = await deployed();
    const stack = workspace.stack("ollama");
    await edited(workspace, lab, sealed);
    const before = cluster.claim(lab);
    const elsewhere = labWith({ ...sealed, ollama: { namespace: `${lab.ollama?.namespace}-2` } }, lab);
    cluster.edit(workspace, elsewhere);
    await expect(stack).toRejectPlan(
      new RegExp(
        `The namespace ${lab.ollama?.namespace} of this lab is protected, .* keptClaims: \\[${lab.ollama?.namespace}/ollama\\] }`,
      ),
    );
    cluster.edit(workspace, labWith({ ollama: { keptClaims: [`${lab.ollama?.namespace}/ollama`] } }, elsewhere));
    await stack.deploy();
    await expect(stack).toPlanNothing();
    const kept = cluster.claim(lab);
    expect([kept.metadata.uid, kept.metadata.deletionTimestamp]).toEqual([before.metadata.uid, undefined]);
    expect(cluster.kubectl("get", "namespace", lab.ollama?.namespace ?? "", "-o", "jsonpath={.status.phase}")).toBe("Active");
  });

  test("a destroy after going air-gapped does not take the namespace with the kept claim", async () => {
    const { lab, workspace } = await deployed();
    await edited(workspace, lab, sealed);
    const destroy = await workspace.stack("ollama").destroy();
    expect(describeRun(destroy)).toMatch(/instance cannot be destroyed[\s\S]*kubernetes_namespace_v1/i);
    expect(cluster.claim(lab).metadata.deletionTimestamp).toBeUndefined();
  });
});
