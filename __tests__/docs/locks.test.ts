// The commands of docs/kubernetes.md, docs/containers.md and docs/proxmox.md that make locks and rights, run with stand-ins for the tools that they call.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "../../lab/load";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { labWith } from "../../testing/lab";
import { Sandbox, type ScriptResult } from "../../testing/sandbox";

const ROOT = join(__dirname, "../..");

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox.remove());

/** Runs the only block of shell on a page that holds a text, in a folder of its own, up to the first command that fails. */
function run(page: string, text: string): Promise<ScriptResult> {
  const blocks = [...readFileSync(join(ROOT, "docs", page), "utf8").matchAll(/^```(?:sh|bash)\n([\s\S]*?)^```/gm)]
    .map(([, block = ""]) => block)
    .filter((block) => block.includes(text));
  if (blocks.length !== 1) throw new Error(`${blocks.length} blocks of ${page} hold ${text}`);
  sandbox.write("page.sh", `set -e\ncd "$SANDBOX"\n${blocks[0]}`);
  return sandbox.run(join(sandbox.root, "page.sh"));
}

/** The lab that the project ships for a first look. */
function shipped(): LabInput {
  const source = load(join(ROOT, "examples/default.yaml"));
  if (Array.isArray(source)) throw new Error("the default lab cannot be read");
  return source.value as LabInput;
}
const ollama = checkLab(shipped(), ROOT).lab.ollama;
const secret = ollama?.releases["ollama"]?.auth?.secretName;

describe("the users of a host", () => {
  beforeEach(() => {
    sandbox.fake("npx");
    sandbox.fake("kubectl", "cat >/dev/null");
    sandbox.fake("htpasswd", 'echo "alice:hash" >>"$2"');
  });

  test("go into the Secret that the default lab names, in Ollama's namespace, from a file that nobody else reads", async () => {
    const { code, calls } = await run("kubernetes.md", "htpasswd -B ollama-users.htpasswd alice");
    const made = calls.find(({ argv, command }) => command === "kubectl" && argv.includes("create"));
    expect([code, made?.argv]).toEqual([
      0,
      [
        ...["-n", ollama?.namespace, "create", "secret", "generic", secret, "--from-file=users=ollama-users.htpasswd"],
        ...["--dry-run=client", "-o", "yaml"],
      ],
    ]);
    expect([sandbox.read("ollama-users.htpasswd"), sandbox.mode("ollama-users.htpasswd")]).toEqual(["alice:hash\n", "600"]);
  });

  test("are brought up to date by the same command", async () => {
    const { calls } = await run("kubernetes.md", "htpasswd -B ollama-users.htpasswd alice");
    expect(calls.filter(({ command }) => command === "kubectl").map(({ argv }) => argv)).toContainEqual(["apply", "-f", "-"]);
  });
});

test("the token of a door is one that the role takes, in a file that nobody else reads", async () => {
  for (const command of ["npx", "npm", "ansible-playbook", "curl"]) sandbox.fake(command);
  // As the real one: two digits for each byte.
  sandbox.fake("openssl", '[ "$1 $2" = "rand -hex" ] && printf "%0$((2 * $3))x\\n" 7');
  expect((await run("containers.md", "openssl rand -hex 32 >ollama-token")).code).toBe(0);
  expect(sandbox.read("ollama-token").trim()).toMatch(/^[A-Za-z0-9._~+/=-]{16,}$/);
  expect(sandbox.mode("ollama-token")).toBe("600");
});

test("the guests of the default lab move into a pool by their VMIDs", async () => {
  sandbox.fake("pveum");
  const { code, calls } = await run("proxmox.md", "pveum pool modify");
  const { lab } = checkLab(labWith({}, shipped()), ROOT);
  const ids = [
    ...Object.values(lab.containers ?? {}).map(({ vmId }) => vmId),
    ...(lab.cluster ? [...lab.cluster.servers, ...lab.cluster.workers].map(({ vmId }) => vmId) : []),
  ];
  expect([code, calls.map(({ argv }) => argv)]).toEqual([
    0,
    [
      ["pool", "add", "lab"],
      ["pool", "modify", "lab", "--vms", ids.join(",")],
    ],
  ]);
});

test("a datastore for the lab's files takes what a lab puts there, and no backups", async () => {
  sandbox.fake("pvesm");
  const { calls } = await run("proxmox.md", "pvesm add dir lab-files");
  const { argv = [] } = calls[0] ?? {};
  expect(argv[argv.indexOf("--content") + 1]?.split(",").sort()).toEqual(["import", "snippets", "vztmpl"]);
});
