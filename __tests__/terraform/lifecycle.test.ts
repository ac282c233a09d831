import { describeWithTool } from "../../testing/external-tool";
import { runLifecycle } from "../../testing/terraform/lifecycle";
import { Workspace } from "../../testing/terraform/workspace";
import { configIn, LAB_FILES, type StackConfig, stackFolders, synthesizeCopy } from "../examples/example-labs";
import { OPERATOR_COMMANDS, SECRETS } from "./operator-commands";

function isProtected({ resource = {} }: StackConfig): boolean {
  return Object.values(resource).some((ofType) =>
    Object.values(ofType).some(({ lifecycle }) => lifecycle?.["prevent_destroy"] === true),
  );
}

describeWithTool("terraform", "the stacks of", () => {
  describe.each(LAB_FILES)("%s", (file) => {
    const { outdir } = synthesizeCopy(file);

    // Each in a workspace of its own: no stack needs another's state, or a kubeconfig, to be planned.
    test.concurrent.each(Object.entries(stackFolders(outdir)))(
      "%s: init, plan, apply, an empty second plan, destroy",
      async (name, folder) => {
        const workspace = await Workspace.open(outdir, { commands: OPERATOR_COMMANDS, variables: SECRETS });
        const refusesDestroy = isProtected(configIn(folder));
        const { warnings } = await runLifecycle(workspace.stack(name), { refusesDestroy });
        expect(warnings).toEqual([]);
      },
      // Several share the processors; the largest cluster alone takes seconds.
      120_000,
    );
  });
});
