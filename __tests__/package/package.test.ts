// `npm run test:package`: what `npm pack` makes, installed into empty CDKTF apps, one of ES modules and one of CommonJS.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { dependencies, devDependencies } from "../../package.json";
import { describeWithTool } from "../../testing/external-tool";
import { Workspace } from "../../testing/terraform/workspace";

const ROOT = join(__dirname, "../..");
const SNIPPETS = join(ROOT, "examples/library");
const snippets = readdirSync(SNIPPETS).map((file) => basename(file, ".ts"));

/**
 * An app for each module system, and what TypeScript is told there. The one of CommonJS has the settings of `cdktf init`. The other also checks
 * the declarations of packages, those of this one among them.
 */
const APPS = {
  esm: { type: "module", compilerOptions: { module: "NodeNext", moduleResolution: "NodeNext" } },
  commonjs: { type: "commonjs", compilerOptions: { module: "CommonJS", moduleResolution: "Node10", skipLibCheck: true } },
} as const;
type AppName = keyof typeof APPS;
const apps = Object.keys(APPS) as AppName[];

const project = mkdtempSync(join(tmpdir(), "package-test-"));
afterAll(() => rmSync(project, { recursive: true, force: true }));

function run(command: string, args: readonly string[], cwd: string, env: Record<string, string> = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, ...env } });
  return { status, text: `${stdout}${stderr}${error?.message ?? ""}` };
}

function mustRun(command: string, args: readonly string[], cwd: string): string {
  const { status, text } = run(command, args, cwd);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}:\n${text}`);
  return text;
}

/** Type-checks and compiles the files of an app. */
function compile(app: AppName, ...options: string[]) {
  return run(process.execPath, [join(project, "node_modules/typescript/bin/tsc"), "-p", ".", ...options], join(project, app));
}

const outputOf = (app: AppName, snippet: string) => join(project, app, "output", snippet);
const inProject = (path: string) => join(project, "node_modules", path);

let before: string;

beforeAll(() => {
  before = readFileSync(join(ROOT, "package.json"), "utf8");
  mustRun("npm", ["pack", "--silent", "--pack-destination", project], ROOT);
  const [tarball = ""] = readdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "apps", private: true }));
  const pinned = { ...dependencies, ...devDependencies };
  const packages = (["cdktf", "constructs", "typescript", "@types/node"] as const).map((name) => `${name}@${pinned[name]}`);
  mustRun("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", `./${tarball}`, ...packages], project);
  for (const app of apps) {
    const { type, compilerOptions } = APPS[app];
    mkdirSync(join(project, app, "output"), { recursive: true });
    cpSync(SNIPPETS, join(project, app, "src"), { recursive: true });
    writeFileSync(join(project, app, "package.json"), JSON.stringify({ name: app, private: true, type }));
    writeFileSync(
      join(project, app, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: { target: "ES2022", strict: true, rootDir: "src", outDir: "out", types: ["node"], ...compilerOptions },
        include: ["src"],
      }),
    );
  }
});

test("packing leaves the checkout's package.json as it was", () => {
  expect(readFileSync(join(ROOT, "package.json"), "utf8")).toBe(before);
});
test.each(["cdktf", "constructs"])("there is one copy of %s, the app's own", (name) => {
  const copies = readdirSync(join(project, "node_modules"), { recursive: true, encoding: "utf8" }).filter((path) =>
    new RegExp(`(^|node_modules/)${name}/package.json$`).test(path),
  );
  expect(copies).toEqual([`${name}/package.json`]);
});
test.each(["cdktf-cli", "cdktn-cli", "esbuild", "@cdktf/provider-generator", "tsx", "jest"])(
  "%s is not installed with it",
  (name) => {
    expect(existsSync(inProject(name))).toBe(false);
  },
);
test("the package has neither tests nor sources", () => {
  const files = readdirSync(inProject("ollama-lab"), { recursive: true, encoding: "utf8" });
  expect(files.filter((file) => /__tests__|(?<!\.d)\.ts$|__pycache__/.test(file))).toEqual([]);
});
test("the command line of the package checks a lab", () => {
  const lab = join(ROOT, "examples/lxc.yaml");
  expect(run("npx", ["ollama-lab", "check", lab], project)).toEqual({ status: 0, text: expect.stringContaining("0 errors") });
});
test("the command line of the package synthesizes a lab", () => {
  const outdir = join(project, "command-line");
  expect(run("npx", ["ollama-lab", "synth", join(ROOT, "examples/lxc.yaml")], project, { CDKTF_OUTDIR: outdir }).status).toBe(0);
  expect(existsSync(join(outdir, "stacks/containers/cdk.tf.json"))).toBe(true);
});

describe.each(apps)("in an app of %s", (app) => {
  test("the snippets have no type error", () => expect(compile(app)).toEqual({ status: 0, text: "" }));
  test("a prop that is misspelt is a type error", () => {
    const file = join(project, app, "src/misspelt.ts");
    writeFileSync(file, readFileSync(join(SNIPPETS, "ollama-container.ts"), "utf8").replace("vmId:", "vmid:"));
    const { text } = compile(app, "--skipLibCheck");
    rmSync(file);
    expect(text).toMatch(/'vmid' does not exist in type 'OllamaContainerProps'/);
  });
  test.each(snippets)("%s is synthesized", (snippet) => {
    const outdir = outputOf(app, snippet);
    expect(run(process.execPath, [`out/${snippet}.js`], join(project, app), { CDKTF_OUTDIR: outdir })).toMatchObject({
      status: 0,
    });
    expect(existsSync(join(outdir, "manifest.json"))).toBe(true);
  });
});

test.each(snippets)("%s becomes the same Terraform in both", (snippet) => {
  const stacks = (app: AppName) => {
    const folder = join(outputOf(app, snippet), "stacks");
    return readdirSync(folder).map((id) => {
      const { terraform, ...rest } = JSON.parse(readFileSync(join(folder, id, "cdk.tf.json"), "utf8")) as Record<string, unknown>;
      // Without a backend of its own, a stack keeps its state in the folder that the process runs in.
      return snippet === "lab" ? { terraform, ...rest } : rest;
    });
  };
  expect(stacks("esm")).toEqual(stacks("commonjs"));
});

describeWithTool("terraform", "Terraform", () => {
  test.each(snippets)("takes what %s becomes", async (snippet) => {
    const workspace = await Workspace.open(outputOf("esm", snippet));
    for (const name of workspace.stackNames) {
      expect((await workspace.stack(name).validate()).diagnostics).toEqual([]);
    }
  });
});
