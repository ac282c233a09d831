import fs from "node:fs";
import { TerraformStack, Testing } from "cdktf";
import { PlaybookRun, type PlaybookRunProps } from "../../../constructs/ollama/playbook-run";
import type { StackJson } from "../../../testing/lab";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: PlaybookRunProps = { resourceName: "configure", inventory: "ollama_containers: {}\n", guests: [] };

testRejectedProps<PlaybookRunProps>(props, (stack, changed) => new PlaybookRun(stack, "playbook", changed), [
  ["a resource's name with a space", { resourceName: "run playbook" }, "resourceName: invalid-resource-name"],
  ["an inventory that Linux does not hand over", { inventory: "#".repeat(128 * 1024) }, "inventory: inventory-too-long"],
]);

describe("what it runs again for", () => {
  /** The trigger of the run, and where the copy of the playbook is. */
  function made(): { trigger: unknown; copy: unknown } {
    const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
    new PlaybookRun(stack, "playbook", props);
    const run = (JSON.parse(Testing.synth(stack)) as StackJson).resource["null_resource"]?.["configure"];
    const provisioners = run?.["provisioner"] as { "local-exec": { environment: Record<string, string> } }[] | undefined;
    const triggers = run?.["triggers"] as Record<string, string> | undefined;
    return { trigger: triggers?.["playbook"], copy: provisioners?.[0]?.["local-exec"].environment["PLAYBOOK"] };
  }
  afterEach(() => jest.restoreAllMocks());

  test("the same files give the same trigger", () => {
    expect(made()).toEqual({ trigger: expect.stringMatching(/^[0-9a-f]{64}$/), copy: expect.stringContaining("/provision.yml") });
    expect(made()).toEqual(made());
  });
  test.each(["provision.yml", "roles/ollama_install/tasks/main.yml", "roles/gpu_setup/defaults/main.yml"])(
    "another content of %s gives another trigger, and another copy of the playbook",
    (changed) => {
      const before = made();
      const read = fs.readFileSync;
      jest
        .spyOn(fs, "readFileSync")
        .mockImplementation((path, options) =>
          String(path).endsWith(`ansible/${changed}`) ? Buffer.from("- name: Repaired\n") : read(path, options),
        );
      const after = made();
      expect([after.trigger === before.trigger, after.copy === before.copy]).toEqual([false, false]);
    },
  );
});
