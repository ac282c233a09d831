import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, TerraformStack } from "cdktf";
import { FileSetAsset } from "../../constructs/file-set-asset";

let root: string;
let copy: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "file-set-"));
  mkdirSync(join(root, "from/tasks"), { recursive: true });
  writeFileSync(join(root, "from/tasks/main.yml"), "tasks");
  writeFileSync(join(root, "from/vault-password"), "secret");
  const app = new App({ outdir: join(root, "out") });
  const stack = new TerraformStack(app, "s");
  const asset = new FileSetAsset(stack, "playbook", { folder: join(root, "from"), files: ["tasks/main.yml"], hash: "h1" });
  app.synth();
  copy = join(root, "out/stacks/s", asset.path);
});
afterAll(() => rmSync(root, { recursive: true }));

describe("a set of files beside a stack", () => {
  test("has the files that were named, in their folders", () =>
    expect(readFileSync(join(copy, "tasks/main.yml"), "utf8")).toBe("tasks"));
  test("has nothing else of the folder, such as a password", () => expect(existsSync(join(copy, "vault-password"))).toBe(false));
  test("has its hash in the path", () => expect(copy).toMatch(/assets\/playbook\/h1$/));
});
