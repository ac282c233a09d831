import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type App, Testing } from "cdktf";
import { parse } from "yaml";
import { lab, OneCluster, OneContainer } from "../examples/typescript";
import { readLab } from "../lab/read";
import { buildLab, buildStacks } from "../stacks";
import { addresses, type StackJson } from "../testing/lab";

const ROOT = join(__dirname, "..");
const examples = readdirSync(join(ROOT, "examples"))
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => `examples/${file}`);

function stacksOf(file: string) {
  const { lab: read, problems } = readLab(join(ROOT, file));
  if (!read) throw new Error(`${file} has errors: ${JSON.stringify(problems)}`);
  const app = Testing.app({ outdir: join(ROOT, "cdktf.out"), stackTraces: false });
  return buildStacks(app, read, problems).map((stack) => ({ id: stack.node.id, json: Testing.synth(stack, true) }));
}

describe.each(examples)("%s", (file) => {
  const stacks = stacksOf(file);

  test.each(stacks)("stack $id is what was reviewed", ({ json }) => {
    expect(JSON.parse(json)).toMatchSnapshot();
  });

  test("its warnings are about what the file says, and about no default", () => {
    const path = join(ROOT, file);
    const written = parse(readFileSync(path, "utf8")) as unknown;
    const at = (value: unknown, key: string | number): unknown =>
      typeof value === "object" && value !== null ? (value as Record<string | number, unknown>)[key] : undefined;
    const { problems } = readLab(path);
    expect(problems.filter((problem) => problem.path.reduce(at, written) === undefined)).toEqual([]);
  });

  test("its addresses are those that states out there have", () => {
    expect(Object.fromEntries(stacks.map(({ id, json }) => [id, addresses(JSON.parse(json) as StackJson)]))).toMatchSnapshot();
  });
});

describe("examples/typescript.ts", () => {
  test("its lab is a lab", () => {
    const [stack] = buildLab(Testing.app({ stackTraces: false }), lab, { directory: ROOT });
    expect(stack?.node.id).toBe("containers");
  });
  test("its single container is a stack without a lab", () => {
    const stack = new OneContainer(Testing.app({ stackTraces: false }) as App, "one-container");
    expect(addresses(JSON.parse(Testing.synth(stack, true)) as StackJson)).toContain(
      "proxmox_virtual_environment_container.ollama",
    );
  });
  test("its single cluster is a stack without a lab", () => {
    const stack = new OneCluster(Testing.app({ stackTraces: false }) as App, "one-cluster");
    expect(addresses(JSON.parse(Testing.synth(stack, true)) as StackJson)).toContain("proxmox_virtual_environment_vm.gpu-1");
  });
});
