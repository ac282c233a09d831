import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { stringify } from "yaml";
import { readLab } from "../../lab/read";
import { synthesize } from "../../stacks/synthesize";
import { changedLab } from "../../testing/any-lab";
import { describeWithTool } from "../../testing/external-tool";
import { runFolder } from "../../testing/provider-replay/client";
import { Workspace } from "../../testing/terraform/workspace";

/** How many labs `npm run test:any-lab` asks for: others in each run. Without it they are few, and always the same ones. */
const asked = Number(process.env["ANY_LAB_RUNS"] ?? 0);
/** One lab of a hundred that the property reads. */
const SAMPLE = Math.max(5, Math.ceil(asked / 100));
const seed = Number(process.env["ANY_LAB_SEED"] ?? (asked > 0 ? Date.now() % 2 ** 31 : 20_261_121));

/** Accepted labs, each in a folder of its own, with the names of their stacks. */
function acceptedLabs(): { folder: string; text: string; stacks: string[] }[] {
  const labs: ReturnType<typeof acceptedLabs> = [];
  for (const changed of fc.sample(changedLab, { numRuns: SAMPLE * 40, seed })) {
    if (labs.length === SAMPLE) break;
    const folder = mkdtempSync(join(runFolder(), "any-lab-"));
    const text = stringify(changed);
    writeFileSync(join(folder, "lab.yaml"), text);
    const { lab, problems } = readLab(join(folder, "lab.yaml"));
    if (lab) labs.push({ folder, text, stacks: synthesize(lab, problems, join(folder, "cdktf.out")).map(({ id }) => id) });
  }
  return labs;
}

describeWithTool("terraform", "Terraform finds valid", () => {
  test(`${SAMPLE} labs that were changed and are accepted (ANY_LAB_SEED=${seed} makes the same again)`, async () => {
    for (const { folder, text, stacks } of acceptedLabs()) {
      const workspace = await Workspace.open(join(folder, "cdktf.out"));
      for (const stack of stacks) {
        // The lab stands before the matcher's own words, so that a failure can be made again.
        await expect(workspace.stack(stack))
          .toBeValid()
          .catch((error: Error) => {
            throw new Error(`${text}\n${stack}: ${error.message}`);
          });
      }
    }
  }, 3_600_000);
});
