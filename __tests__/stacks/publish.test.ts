// What stays and what goes when an output is put where another one was.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publish } from "../../stacks/publish";

let root: string;
let target: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "publish-"));
  target = join(root, "cdktf.out");
});
afterEach(() => rmSync(root, { recursive: true }));

const HOME = { name: "home", folder: ".." };
const OTHER = { name: "other", folder: ".." };

/** Puts an output of these stacks in place, with one local state for each, as a synthesis does. */
function put(origin: { name: string; folder: string }, stacks: string[], { listed = false, state = origin.name } = {}): void {
  const next = join(root, "next");
  for (const stack of stacks) {
    mkdirSync(join(next, "stacks", stack, "assets"), { recursive: true });
    const config = { terraform: { backend: { local: { path: `../../../state/${state}/${stack}.tfstate` } } } };
    writeFileSync(join(next, "stacks", stack, "cdk.tf.json"), JSON.stringify(config));
  }
  writeFileSync(join(next, "manifest.json"), "{}");
  publish(next, target, origin, listed);
  rmSync(next, { recursive: true });
}

/** What `terraform init` leaves in a stack's folder. */
function init(stack: string): void {
  mkdirSync(join(target, "stacks", stack, ".terraform"), { recursive: true });
  writeFileSync(join(target, "stacks", stack, ".terraform.lock.hcl"), "# hashes");
}
const initialized = (stack: string) => existsSync(join(target, "stacks", stack, ".terraform"));
const has = (...path: string[]) => existsSync(join(target, "stacks", ...path));

describe("a second output of the same lab", () => {
  beforeEach(() => {
    put(HOME, ["containers", "cluster"]);
    init("containers");
  });

  test("keeps what terraform init left", () => {
    put(HOME, ["containers"]);
    expect(initialized("containers")).toBe(true);
  });
  test("keeps it too when the lab's state moved: Terraform has to ask what becomes of the state", () => {
    put(HOME, ["containers"], { state: "moved" });
    expect(initialized("containers")).toBe(true);
  });
  test("drops a stack that is gone", () => {
    put(HOME, ["containers"]);
    expect(has("cluster")).toBe(false);
  });
  test("leaves the empty folder of such a stack to a CLI that listed it before", () => {
    put(HOME, ["containers"], { listed: true });
    expect([has("cluster"), has("cluster", "cdk.tf.json")]).toEqual([true, false]);
  });
  test("drops assets that nothing refers to any more", () => {
    writeFileSync(join(target, "stacks/containers/assets/old.sh"), "");
    put(HOME, ["containers"]);
    expect(has("containers", "assets", "old.sh")).toBe(false);
  });
});

describe("an output of another lab in the same place", () => {
  beforeEach(() => {
    put(HOME, ["containers"]);
    init("containers");
  });

  test("never meets the state that the former lab's .terraform points to", () => {
    put(OTHER, ["containers"]);
    expect(initialized("containers")).toBe(false);
  });
  test("is another lab, too, when only its folder is another", () => {
    put({ ...HOME, folder: "../elsewhere" }, ["containers"]);
    expect(initialized("containers")).toBe(false);
  });
  test("keeps the providers' hashes, which are the same for every lab", () => {
    put(OTHER, ["containers"]);
    expect(has("containers", ".terraform.lock.hcl")).toBe(true);
  });
  test("says from then on which lab it is", () => {
    put(OTHER, ["containers"]);
    expect(readFileSync(join(target, "lab.txt"), "utf8")).toBe("other\n..\n");
  });
});

describe("an output in the place of one that does not say its lab, as former versions wrote it", () => {
  beforeEach(() => {
    put(HOME, ["containers"]);
    init("containers");
    rmSync(join(target, "lab.txt"));
  });

  test("keeps .terraform when the state is at the same place", () => {
    put(HOME, ["containers"]);
    expect(initialized("containers")).toBe(true);
  });
  test("drops .terraform when the state is elsewhere", () => {
    put(OTHER, ["containers"]);
    expect(initialized("containers")).toBe(false);
  });
});
