// `configure: true`: Terraform itself runs the playbook, here a stub, by the script that runs it in a real deploy.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { parse } from "yaml";
import type { LabInput } from "../../lab/schema";
import { describeWithTool } from "../../testing/external-tool";
import { type Changes, labWith, sshKey } from "../../testing/lab";
import { runFolder } from "../../testing/provider-replay/client";
import { editLab, openLab } from "../../testing/terraform/lab-workspace";
import type { StackRun } from "../../testing/terraform/stack-run";
import type { WorkspaceOptions } from "../../testing/terraform/workspace";

const RUN = "null_resource.configure";
const CONTAINER = "proxmox_virtual_environment_container";

const awkward = `\${HOME} %{if} $x "two" 'one' \\ back`;
const configured: LabInput = labWith({
  configure: true,
  defaults: { container: { ollama: { environment: { OLLAMA_ORIGINS: awkward } } } },
  containers: {
    "ollama-1": { models: ["mistral:7b"] },
    "ollama-2": { vmId: 202, address: "192.0.2.22/25", name: "embed", gateway: "192.0.2.1" },
  },
});

/** Keeps each inventory that it is given: `--inventory FILE PLAYBOOK`. */
const KEEP = 'test -f "$3" && cp "$2" "$HOME/inventory-$(ls "$HOME" | grep -c ^inventory-)"';

async function open(lab: LabInput, options: WorkspaceOptions = {}): Promise<StackRun> {
  return (await openLab(lab, { commands: { "ansible-playbook": KEEP, "ssh-keygen": ":" }, ...options })).stack("containers");
}

function inventoryOf(stack: StackRun, run: number): unknown {
  return parse(readFileSync(join(stack.workspace.root, `inventory-${run}`), "utf8"));
}

describeWithTool("terraform", "configure: true", () => {
  let stack: StackRun;
  beforeAll(async () => {
    stack = await open(configured);
    await stack.deploy();
  });
  const edit = (changes: Changes) => editLab(stack.workspace, labWith(changes, configured));

  test("runs the playbook once within the apply", () => {
    expect(stack.workspace.commandCalls()).toEqual([
      expect.stringMatching(/^ansible-playbook --inventory \S+\/inventory\.yml assets\/ansible\/\S+\/provision\.yml$/),
    ]);
  });

  test("gives it every container with its address, models and release, and no byte of theirs interpolated", () => {
    const common = {
      ollama_version: "0.32.15",
      ollama_archive_sha256: "0".repeat(64),
      ollama_remove_unlisted_models: false,
      ollama_environment: { OLLAMA_ORIGINS: awkward },
      ollama_gpu: "none",
    };
    expect(inventoryOf(stack, 0)).toEqual({
      ollama_containers: {
        hosts: {
          "test-ollama-1": { ...common, ansible_host: "192.0.2.21", ollama_models: ["mistral:7b"] },
          embed: { ...common, ansible_host: "192.0.2.22", ollama_models: [] },
        },
        vars: { ansible_user: "root", ollama_port: 11434, ssh_authorized_keys: [sshKey()] },
      },
    });
  });

  test("gives it the inventory of the output, to the letter", async () => {
    const { inventory } = await stack.outputs();
    // The script ends the file with a line break of its own.
    expect(readFileSync(join(stack.workspace.root, "inventory-0"), "utf8")).toBe(`${String(inventory?.value)}\n`);
  });

  test("finds the whole playbook beside the stack, roles included", () => {
    const [, , , playbook = ""] = (stack.workspace.commandCalls()[0] ?? "").split(" ");
    const folder = join(stack.folder, playbook, "..");
    expect(
      ["roles/ollama_install/tasks/main.yml", "group_vars/ollama_containers.yml"].map((file) => existsSync(join(folder, file))),
    ).toEqual([true, true]);
  });

  test("plans nothing when nothing changed", async () => {
    edit({});
    await expect(stack).toPlanNothing();
  });

  test("is not planned by more memory or a larger disk, which Ansible does not see", async () => {
    edit({ containers: { "ollama-1": { memoryGiB: 24 }, "ollama-2": { diskGiB: 80 } } });
    await expect(stack).toPlanExactly({ [`${CONTAINER}.ollama-1`]: "update", [`${CONTAINER}.ollama-2`]: "update" });
  });

  test.each([
    ["an SSH key", { sshPublicKeys: [sshKey(1), sshKey(2)] }],
    ["a setting of Ollama", { defaults: { container: { ollama: { environment: { OLLAMA_KEEP_ALIVE: "30m" } } } } }],
  ])("is planned by %s, and nothing else is", async (_edit, changes) => {
    edit(changes);
    await expect(stack).toPlanExactly({ [RUN]: "replace" });
  });

  test("runs again when a model was added, with it in the inventory", async () => {
    const before = stack.workspace.commandCalls().length;
    edit({ containers: { "ollama-1": { models: ["mistral:7b", "nomic-embed-text"] } } });
    await expect(stack).toApplyAndThenPlanNothing();
    expect(stack.workspace.commandCalls()).toHaveLength(before + 1);
    expect(inventoryOf(stack, before)).toMatchObject({
      ollama_containers: { hosts: { "test-ollama-1": { ollama_models: ["mistral:7b", "nomic-embed-text"] } } },
    });
  });

  test("runs again when a container was replaced, whose former host key is forgotten before", async () => {
    edit({});
    await stack.deploy();
    const before = stack.workspace.commandCalls().length;
    mkdirSync(join(stack.workspace.root, ".ssh"));
    writeFileSync(join(stack.workspace.root, ".ssh/known_hosts"), "192.0.2.22 ssh-ed25519 AAAA\n");
    edit({ containers: { "ollama-2": { vmId: 299 } } });
    await stack.deploy();
    expect(stack.workspace.commandCalls().slice(before)).toEqual([
      expect.stringMatching(/^ssh-keygen -F 192\.0\.2\.22 -f /),
      expect.stringMatching(/^ssh-keygen -R 192\.0\.2\.22 -f /),
      expect.stringMatching(/^ansible-playbook /),
    ]);
    await expect(stack).toPlanNothing();
  });
});

describeWithTool("terraform", "a playbook that fails", () => {
  test("fails the apply with what it said, and runs again in the next", async () => {
    const once = 'test -e "$HOME/failed" || { touch "$HOME/failed"; echo "UNREACHABLE! 192.0.2.21"; exit 4; }';
    const stack = await open(configured, { commands: { "ansible-playbook": once } });
    await expect(stack.deploy()).rejects.toThrow(/local-exec provisioner error.*exit status 4.*UNREACHABLE! 192\.0\.2\.21/s);
    await expect(stack).toPlanExactly({ [RUN]: "replace" });
    await expect(stack).toApplyAndThenPlanNothing();
  });
});

describeWithTool("terraform", "configure: true without ansible-playbook on PATH", () => {
  /** A PATH with nothing but these. */
  function pathWith(...commands: string[]): string {
    const bin = mkdtempSync(join(runFolder(), "few-"));
    for (const command of commands) {
      const folder = (process.env["PATH"] ?? "").split(delimiter).find((entry) => existsSync(join(entry, command)));
      symlinkSync(join(folder ?? "/nowhere", command), join(bin, command));
    }
    return bin;
  }

  test("fails the apply and says what to install, or to do without", async () => {
    const stack = await open(configured, { env: { PATH: pathWith("terraform", "bash", "sh", "dirname") } });
    await expect(stack.deploy()).rejects.toThrow(
      /ansible-playbook is not on PATH\. Install it \(pip install -r ansible\/requirements\.txt\).*configure: false/s,
    );
  });
});
