// `npm run test:tofu`: OpenTofu takes what Terraform takes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { LabInput } from "../../lab/schema";
import { describeWithTool } from "../../testing/external-tool";
import { openLab } from "../../testing/terraform/lab-workspace";
import { describeRun } from "../../testing/terraform/process";
import { LAB_FILES, ROOT } from "../terraform/example-labs";

/** Of no real cluster. */
const variables = { k3s_server_token: "a".repeat(64), k3s_agent_token: "b".repeat(64) };

describeWithTool("tofu", "OpenTofu", () => {
  test.each(LAB_FILES)("finds every stack of %s valid, and plans it", async (file) => {
    const workspace = await openLab(parse(readFileSync(join(ROOT, file), "utf8")) as LabInput, { variables });
    for (const stack of workspace.stackNames.map((name) => workspace.stack(name))) {
      expect([stack.name, (await stack.validate()).diagnostics]).toEqual([stack.name, []]);
      const plan = await stack.plan();
      expect([stack.name, plan.succeeded || describeRun(plan)]).toEqual([stack.name, true]);
      expect([stack.name, plan.empty]).toEqual([stack.name, false]);
    }
  });
});
