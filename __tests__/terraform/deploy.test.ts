// The command of the README, as a user types it, from the lab to the last stack: `npx cdktf deploy '*'`, or cdktn, or each where both work.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type DeployCli, thisMachine, workingClis } from "../../cli/deploy-tool";
import { readLab } from "../../lab/read";
import { synthesized } from "../../stacks/synthesize";
import { describeWithTool } from "../../testing/external-tool";
import { Workspace } from "../../testing/terraform/workspace";
import { configIn, ROOT, stackFolders } from "../examples/example-labs";
import { OPERATOR_COMMANDS, SECRETS } from "./operator-commands";

const LAB = "examples/default.yaml";

interface Manifest {
  readonly stacks: Readonly<Record<string, { readonly dependencies: readonly string[] }>>;
}

interface State {
  readonly resources: readonly { readonly mode: "managed" | "data"; readonly type: string; readonly name: string }[];
}

interface Deployment {
  readonly manifest: Manifest;
  readonly workspace: Workspace;
}

/** Deploys the default lab in a folder of its own: the sources are linked there, everything that is written stays there. */
async function deploy(cli: DeployCli): Promise<Deployment> {
  const { lab } = readLab(join(ROOT, LAB));
  if (!lab) throw new Error(`${LAB} has errors`);
  const types = Object.values(synthesized(lab, join(ROOT, "cdktf.out"))).flatMap((stack) => [
    ...Object.keys(stack["resource"] ?? {}),
    ...Object.keys(stack["data"] ?? {}),
  ]);
  const workspace = await Workspace.open({}, { commands: OPERATOR_COMMANDS, variables: SECRETS, types, env: { CI: "1" } });
  const { root, env } = workspace;
  mkdirSync(join(root, "examples"));
  for (const file of [LAB, "cdktf.json"]) cpSync(join(ROOT, file), join(root, file));
  for (const entry of ["main.mjs", "node_modules"]) symlinkSync(join(ROOT, entry), join(root, entry));
  const args = [join(ROOT, "node_modules/.bin", cli), "deploy", "*", "--auto-approve", "--skip-provider-lock"];
  const child = spawn(process.execPath, args, { cwd: root, env });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      text += chunk;
    });
  }
  const status = await new Promise<number | null>((done) => child.on("close", done));
  if (status !== 0) throw new Error(`${cli} deploy ended with ${status}:\n${text}`);
  return { manifest: JSON.parse(readFileSync(join(root, "cdktf.out/manifest.json"), "utf8")), workspace };
}

test("a command line that deploys works here", () => {
  expect(workingClis(thisMachine())).not.toEqual([]);
});

describe.each(workingClis(thisMachine()))("%s", (cli) => {
  describeWithTool("terraform", "deploy '*' of the default lab", () => {
    let deployment: Deployment;
    beforeAll(async () => {
      deployment = await deploy(cli);
    });
    const stateOf = (stack: string) => join(deployment.workspace.root, `state/homelab/${stack}.tfstate`);

    test.each(["resource", "data"] as const)("leaves every %s of every stack of the manifest in its state", (mode) => {
      for (const [name, folder] of Object.entries(stackFolders(join(deployment.workspace.root, "cdktf.out")))) {
        const configured = Object.entries(configIn(folder)[mode] ?? {}).flatMap(([type, items]) =>
          Object.keys(items).map((item) => `${type}.${item}`),
        );
        const { resources } = JSON.parse(readFileSync(stateOf(name), "utf8")) as State;
        const applied = resources
          .filter((one) => (one.mode === "data") === (mode === "data"))
          .map(({ type, name }) => `${type}.${name}`);
        expect([name, applied.sort()]).toEqual([name, configured.sort()]);
      }
    });

    test("applies each after those it depends on", () => {
      // Terraform writes a state for the last time at the end of its apply.
      const finished = (name: string) => statSync(stateOf(name), { bigint: true }).mtimeNs;
      const pairs = Object.entries(deployment.manifest.stacks).flatMap(([name, { dependencies }]) =>
        dependencies.map((dependency) => ({ name, dependency })),
      );
      expect(pairs.filter(({ name, dependency }) => finished(name) < finished(dependency))).toEqual([]);
    });

    test("makes the lab's guests", async () => {
      expect((await deployment.workspace.world.guests()).map(({ name }) => name)).toContain("homelab-ollama-1");
    });

    test("keeps no state in the output, which may be deleted", () => {
      const files = readdirSync(join(deployment.workspace.root, "cdktf.out"), { recursive: true }).map(String);
      // Terraform's note of its backend has the ending of a state, and is none.
      expect(files.filter((file) => file.endsWith(".tfstate") && !file.includes("/.terraform/"))).toEqual([]);
    });
  });
});
