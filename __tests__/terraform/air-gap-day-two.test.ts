import type { LabInput } from "../../lab/schema";
import { describeWithTool } from "../../testing/external-tool";
import { type Changes, labWith, synthesized } from "../../testing/lab";
import { Workspace } from "../../testing/terraform/workspace";

const sealed: LabInput = {
  name: "sealed",
  airGapped: true,
  ollamaNfsPath: "/mnt/nfs/ollama",
  mirrors: { images: "https://registry.lab.example", charts: "oci://registry.lab.example/charts" },
  ollama: { networkPolicy: {}, releases: { ollama: { host: "ollama.lab.example", models: ["gpt-oss:120b", "llama3:8b"] } } },
};
const stacksOf = (changes: Changes = {}) => synthesized(labWith(changes, sealed));

describeWithTool("terraform", "an air-gapped lab under Terraform", () => {
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await Workspace.open(stacksOf());
    for (const name of workspace.stackNames) await workspace.stack(name).deploy();
  });

  test("production plans without the state of staging", async () => {
    const { ollama } = stacksOf();
    if (!ollama) throw new Error("there is no stack ollama");
    const plan = await (await Workspace.open({ ollama })).stack("ollama").plan();
    expect(plan.changes["helm_release.ollama"]).toBe("create");
  });

  test("another model list changes the staged release and production's id, and no claim, namespace or route", async () => {
    workspace.become(stacksOf({ ollama: { releases: { ollama: { models: ["llama3:8b"] } } } }));
    await expect(workspace.stack("model-staging")).toPlanExactly({ "helm_release.ollama-download-models": "update" });
    await expect(workspace.stack("ollama")).toPlanExactly({ "helm_release.ollama": "update" });
  });

  test("a raised revision stages anew and promotes", async () => {
    workspace.become(stacksOf({ staging: { revision: 2 } }));
    await expect(workspace.stack("model-staging")).toPlanExactly({ "helm_release.ollama-download-models": "update" });
    await expect(workspace.stack("ollama")).toPlanExactly({ "helm_release.ollama": "update" });
  });

  test("a pinned release is one change of production, and staging spares it", async () => {
    workspace.become(stacksOf({ ollama: { release: "0123456789ab" } }));
    await expect(workspace.stack("ollama")).toPlanExactly({ "helm_release.ollama": "update" });
    await expect(workspace.stack("model-staging")).toPlanExactly({ "helm_release.ollama-download-models": "update" });
  });

  test("another namespace is refused while the former one is protected, and keeps it when the lab says so", async () => {
    workspace.become(stacksOf({ ollama: { namespace: "ai" } }));
    await expect(workspace.stack("ollama")).toRejectPlan(
      /The namespace ml of this lab is protected, but the lab says ai now\. .* ollama: { keptClaims: \[ml\/ollama\] }/,
    );
    workspace.become(stacksOf({ ollama: { namespace: "ai", keptClaims: ["ml/ollama"] } }));
    const { changes } = await workspace.stack("ollama").plan();
    expect([changes["kubernetes_namespace_v1.ml"], changes["kubernetes_namespace_v1.ai"]]).toEqual(["remove", "create"]);
  });

  test("going from online to air-gapped forgets the claims and destroys nothing, whether they are protected or not", async () => {
    const changes = { ollama: { releases: { ollama: { protect: true }, open: { protect: false, models: ["llama3:8b"] } } } };
    const online = await Workspace.open(stacksOf({ airGapped: false, ...changes }));
    await online.stack("ollama").deploy();
    online.become(stacksOf(changes));
    await expect(online.stack("ollama")).toPlanExactly(
      Object.fromEntries(
        ["ollama", "open"].flatMap((release) => [
          [`kubernetes_persistent_volume_claim_v1.${release}`, "remove"],
          [`helm_release.${release}-models`, "update"],
          [`helm_release.${release}`, "update"],
        ]),
      ),
    );
  });
});
