// `inventory`.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { type Answer, run } from "../../cli";
import type { LabInput } from "../../lab/schema";
import type { Inventory } from "../../stacks/inventory";
import { describeWithTool } from "../../testing/external-tool";
import { labWith } from "../../testing/lab";
import { openLab } from "../../testing/terraform/lab-workspace";
import type { Workspace } from "../../testing/terraform/workspace";

const ROOT = resolve(__dirname, "../..");

const fixed = labWith({ containers: { "ollama-2": { vmId: 202, address: "192.0.2.22", models: ["mistral:7b"] } } });
const leasing = labWith({ containers: { "ollama-2": { address: "dhcp" } } }, fixed);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "inventory-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Written extends Answer {
  /** The inventory's text, where there is one. */
  readonly text?: string;
}

/** Runs the command for a lab, or for a lab file's text, without the price of a process. */
async function write(
  lab: LabInput | string,
  args: string[] = [],
  env: Record<string, string> = {},
  beside = folder,
): Promise<Written> {
  const file = join(beside, "lab.yaml");
  writeFileSync(file, typeof lab === "string" ? lab : stringify(lab));
  const output = join(folder, "inventory.yml");
  const environment = { PATH: process.env["PATH"], LAB: file, CDKTF_OUTDIR: join(folder, "cdktf.out"), ...env };
  const answer = await run(["inventory", "--output", output, ...args], environment);
  return { ...answer, ...(existsSync(output) && { text: readFileSync(output, "utf8") }) };
}

/** The same, with Terraform and the state of a workspace, in which the lab file is. */
const writeFrom = (workspace: Workspace, lab: LabInput, ...args: string[]) =>
  write(lab, args, { ...workspace.env, CDKTF_OUTDIR: join(workspace.root, "cdktf.out") }, workspace.root);

describe("inventory", () => {
  test("needs no Terraform where every address is static, and says what comes next", async () => {
    const { exitCode, stdout, text } = await write(fixed, [], { PATH: "" });
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringMatching(/2 containers, from .*lab\.yaml\.\nNext: ansible-playbook -i /),
    ]);
    expect(parse(text ?? "")).toMatchObject({
      ollama_containers: {
        hosts: {
          "test-ollama-1": { ansible_host: "192.0.2.21" },
          "test-ollama-2": { ansible_host: "192.0.2.22", ollama_models: ["mistral:7b"] },
        },
      },
    });
  });

  test("writes a file with the lab's name where none is given, so that two labs never take each other's", async () => {
    const file = join(folder, "lab.yaml");
    writeFileSync(file, stringify(fixed));
    const before = process.cwd();
    process.chdir(folder);
    try {
      await run(["inventory", file], {});
    } finally {
      process.chdir(before);
    }
    expect(existsSync(join(folder, "inventory-test.yml"))).toBe(true);
  });

  test("finds the files of the lab from where the inventory lies", async () => {
    const locked = labWith({ containers: { "ollama-1": { https: { tokenFile: "./token" } } } }, fixed);
    mkdirSync(join(folder, "inventories"));
    const elsewhere = join(folder, "inventories/lab.yml");
    await write(locked, ["--output", elsewhere]);
    const vars = (file: string) => (parse(readFileSync(file, "utf8")) as Inventory).ollama_containers.vars;
    expect(vars(elsewhere)["lab_folder"]).toBe("{{ inventory_dir }}/..");
    await write(locked);
    expect(vars(join(folder, "inventory.yml"))["lab_folder"]).toBe("{{ inventory_dir }}");
  });

  test("reports what is wrong with the lab, and writes nothing", async () => {
    const { exitCode, stderr, text } = await write(labWith({ containers: { "ollama-1": { vmId: 1 } } }));
    expect([exitCode, stderr, text]).toEqual([1, expect.stringContaining("containers.ollama-1.vmId"), undefined]);
  });

  test("says that a lab without containers has no inventory", async () => {
    const lab = readFileSync(join(ROOT, "examples/gpu-cluster.yaml"), "utf8");
    const { exitCode, stderr } = await write(lab);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/lab\.yaml has no containers, so there is nothing/)]);
  });

  test("asks for a synthesis where the state is needed and there is none", async () => {
    const { exitCode, stderr } = await write(leasing);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/stacks\/containers is not there\. Run `LAB=\S+lab\.yaml npm run synth`/),
    ]);
  });

  test.each([
    ["an option that it does not have", ["--form-state"], /unknown option '--form-state'.*Did you mean --from-state/s],
    ["an output without a name", ["--output"], /option '-o, --output <file>' argument missing/],
  ])("refuses %s", async (_what, args, message) => {
    const { exitCode, stderr, text } = await write(fixed, args);
    expect([exitCode, stderr, text]).toEqual([64, expect.stringMatching(message), undefined]);
  });
});

describeWithTool("terraform", "npm run inventory with a state", () => {
  /** The fixed lab, deployed. */
  let workspace: Workspace;
  beforeAll(async () => {
    workspace = await openLab(fixed);
    await workspace.stack("containers").deploy();
  });

  test("writes the output of the stack to the letter, from the lab as from the state", async () => {
    const { inventory } = await workspace.stack("containers").outputs();
    const [fromLab, fromState] = [await write(fixed), await writeFrom(workspace, fixed, "--from-state")];
    expect([fromLab.text, fromState.text]).toEqual([inventory?.value, inventory?.value]);
    expect(fromState.stdout).toContain("2 containers, from the state.");
  });

  test("takes leased addresses from the state, and names who has none yet", async () => {
    const leased = await openLab(leasing);
    await leased.stack("containers").deploy();
    const { exitCode, text, stderr } = await writeFrom(leased, leasing);
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringMatching(/No address is known yet of test-ollama-2;.*npx cdkt[fn] deploy containers/),
    ]);
    expect(parse(text ?? "")).toMatchObject({
      ollama_containers: {
        hosts: { "test-ollama-1": { ansible_host: "192.0.2.21" }, "test-ollama-2": { ansible_host: null } },
      },
    });
  });

  test("refuses the state of another lab, and names what differs", async () => {
    const other = labWith({ containers: { "ollama-1": undefined, chat: { vmId: 203, address: "dhcp" } } }, fixed);
    const { exitCode, stderr, text } = await writeFrom(workspace, other);
    expect([exitCode, stderr, text]).toEqual([
      1,
      expect.stringMatching(/is not that of \S+lab\.yaml: it lacks test-chat, and it has test-ollama-1 besides\./),
      undefined,
    ]);
  });

  test("asks for a deploy where the stack was never applied", async () => {
    const { exitCode, stderr } = await writeFrom(await openLab(leasing), leasing);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/Terraform has no inventory for .*npx cdkt[fn] deploy containers/s),
    ]);
  });

  test("says where to get Terraform when it cannot be run", async () => {
    const leased = await openLab(leasing);
    const env = { CDKTF_OUTDIR: join(leased.root, "cdktf.out"), PATH: ["", "/nowhere"].join(delimiter) };
    expect((await write(leasing, [], env, leased.root)).stderr).toMatch(/terraform cannot be run .*TERRAFORM_BINARY_NAME/);
  });
});
