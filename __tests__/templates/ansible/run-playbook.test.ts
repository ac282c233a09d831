import { existsSync } from "node:fs";
import { Sandbox, type ScriptResult } from "../../../testing/sandbox";

const SCRIPT = "templates/ansible/run-playbook.sh";
const INVENTORY = `ollama_containers:\n  hosts:\n    chat: { ansible_host: 192.0.2.21, note: "\${HOME} $(id) %s 'x'" }`;

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
  // Keeps what it was given: the script removes it.
  sandbox.fake("ansible-playbook", 'cp "$2" "$SANDBOX/inventory"; stat -c %a "$2" >"$SANDBOX/mode"');
});
afterEach(() => sandbox.remove());

const run = (env: Record<string, string> = {}): Promise<ScriptResult> =>
  sandbox.run(SCRIPT, { env: { PLAYBOOK: "assets/provision.yml", INVENTORY, ...env } });

test("runs the playbook with a file that Ansible takes for YAML", async () => {
  const { code, calls } = await run();
  expect([code, calls.map(({ argv }) => argv)]).toEqual([
    0,
    [["--inventory", expect.stringMatching(/\/inventory\.yml$/), "assets/provision.yml"]],
  ]);
});

test("writes the inventory as it was given, whatever the shell would make of it", async () => {
  await run();
  expect(sandbox.read("inventory")).toBe(`${INVENTORY}\n`);
});

test("tells Ansible the lab's folder, whatever is in its name", async () => {
  sandbox.write('a "lab" \\ folder/lab.yaml', "");
  const { code, calls } = await run({ LAB_FOLDER: `${sandbox.root}/a "lab" \\ folder` });
  const [, , flag, variables = ""] = calls[0]?.argv ?? [];
  expect([code, flag, JSON.parse(variables)]).toEqual([0, "--extra-vars", { lab_folder: `${sandbox.root}/a "lab" \\ folder` }]);
});

test("refuses a folder of the lab that is not there", async () => {
  const { code, stderr, calls } = await run({ LAB_FOLDER: `${sandbox.root}/nowhere` });
  expect([code, calls]).toEqual([64, []]);
  expect(stderr).toContain(`LAB_FOLDER is ${sandbox.root}/nowhere, which is no folder`);
});

test("lets nobody else read the inventory", async () => {
  await run();
  expect(sandbox.read("mode")).toBe("600\n");
});

test("hands Ansible's own settings on", async () => {
  sandbox.fake("ansible-playbook", 'echo "key $ANSIBLE_PRIVATE_KEY_FILE"');
  expect((await run({ ANSIBLE_PRIVATE_KEY_FILE: "/keys/lab" })).stdout).toBe("key /keys/lab\n");
});

test.each([
  ["succeeded", ""],
  ["failed", "exit 4"],
])("leaves no inventory behind after a playbook that %s", async (_how, end) => {
  sandbox.fake("ansible-playbook", `dirname "$2" >"$SANDBOX/folder"; ${end}`);
  await run();
  expect(existsSync(sandbox.read("folder").trim())).toBe(false);
});

test("ends with the exit code of a playbook that failed", async () => {
  sandbox.fake("ansible-playbook", "exit 4");
  expect((await run()).code).toBe(4);
});

test.each(["PLAYBOOK", "INVENTORY"])("refuses to run without %s", async (name) => {
  const { code, stderr, calls } = await run({ [name]: "" });
  expect([code, stderr, calls]).toEqual([64, `run-playbook: ${name} is not set\n`, []]);
});

test("says what to install where there is no ansible-playbook, or to do without", async () => {
  sandbox.withoutCommand("ansible-playbook");
  const { code, stderr } = await run();
  expect(code).toBe(127);
  expect(stderr).toMatch(/ansible-playbook is not on PATH.*pip install -r ansible\/requirements\.txt.*configure: false/s);
});
