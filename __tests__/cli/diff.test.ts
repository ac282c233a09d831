import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { run } from "../../cli";
import type { LabInput } from "../../lab/schema";
import { baseLab, labWith } from "../../testing/lab";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "diff-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const edited = labWith({ containers: { "ollama-1": { memoryGiB: 24 } } });
const replacing = labWith({ containers: { "ollama-1": { vmId: 209 } } });

function write(lab: LabInput, name = "lab.yaml"): string {
  const file = join(folder, name);
  writeFileSync(file, stringify(lab));
  return file;
}

/** Runs the command for the lab in the folder. */
const diff = (...args: string[]) =>
  run(["diff", ...args, "--lab", join(folder, "lab.yaml")], {
    PATH: process.env["PATH"],
    CDKTF_OUTDIR: join(folder, "cdktf.out"),
  });
const synth = () => run(["synth", join(folder, "lab.yaml")], { CDKTF_OUTDIR: join(folder, "cdktf.out") });

const RESTART = "container ollama-1 restarts because its memory changes: 16 GiB → 24 GiB";

describe("the base", () => {
  test("is the last synthesized output unless another is named", async () => {
    write(baseLab);
    await synth();
    write(edited);
    const { exitCode, stdout } = await diff();
    expect([exitCode, stdout]).toEqual([2, expect.stringContaining(RESTART)]);
  });
  test("may be another lab file", async () => {
    const base = write(baseLab, "former.yaml");
    write(edited);
    expect((await diff(base)).stdout).toContain(RESTART);
  });
  test("may be a lab file of another folder, which is read as if it stood where the lab stands", async () => {
    mkdirSync(join(folder, "elsewhere"));
    const base = write(baseLab, "elsewhere/lab.yaml");
    write(edited);
    expect((await diff(base)).stdout).toContain("1 restarted.");
  });
  test("may be an output folder of another place", async () => {
    write(baseLab);
    await run(["synth", join(folder, "lab.yaml")], { CDKTF_OUTDIR: join(folder, "former") });
    write(edited);
    expect((await diff(join(folder, "former"))).stdout).toContain("1 restarted.");
  });
  test("that is not there is refused, with what can be named", async () => {
    write(baseLab);
    const [none, other] = [await diff(), await diff(join(folder, "nowhere"))];
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringMatching(/cdktf\.out is not there.*git:HEAD/)]);
    expect([other.exitCode, other.stderr]).toEqual([
      1,
      expect.stringMatching(/nowhere is not there\. A base is an output folder, a lab file, or git:/),
    ]);
  });
  test("that is an output of another lab is refused, since the two have states of their own", async () => {
    write(baseLab);
    await synth();
    write(labWith({ name: "other" }));
    const { exitCode, stderr } = await diff();
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/holds the lab test, but .*lab\.yaml is the lab other/)]);
  });
  test("that is a folder without an output is refused", async () => {
    write(baseLab);
    expect((await diff(folder)).stderr).toMatch(/manifest\.json cannot be read .*npm run synth/s);
  });
  test("that has errors is refused with them", async () => {
    const base = write(labWith({ containers: { "ollama-1": { vmId: 1 } } }), "former.yaml");
    write(baseLab);
    const { exitCode, stderr } = await diff(base);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/former\.yaml has errors.*containers\.ollama-1\.vmId/s)]);
  });
});

describe("a commit as the base", () => {
  const git = (...args: string[]) => {
    const { status, stderr } = spawnSync(
      "git",
      ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@lab.example", "-c", "commit.gpgsign=false", ...args],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(stderr);
  };
  const commit = (lab: LabInput) => {
    write(lab);
    if (!existsSync(join(folder, ".git"))) git("init", "-q");
    git("add", "lab.yaml");
    git("commit", "-q", "-m", "lab");
  };

  test("gives the lab as it was then", async () => {
    commit(baseLab);
    write(edited);
    expect((await diff("git:HEAD")).stdout).toMatch(
      /compared with git:HEAD: 1 restarted\..*restarts because its memory changes/s,
    );
  });
  test("that does not have the lab yet makes everything new", async () => {
    git("init", "-q");
    writeFileSync(join(folder, "README"), "");
    git("add", "README");
    git("commit", "-q", "-m", "before");
    commit(baseLab);
    expect((await diff("git:HEAD~1")).stdout).toMatch(/1 created\..*container ollama-1 is created/s);
  });
  test.each(["nowhere", "--output=x", "HEAD:lab.yaml"])("that git does not know is refused: %s", async (ref) => {
    commit(baseLab);
    const { exitCode, stderr } = await diff(`git:${ref}`);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`git knows no commit ${ref}`)]);
  });
  test("is refused for a lab that git ignores, since nothing is known of it", async () => {
    git("init", "-q");
    writeFileSync(join(folder, ".gitignore"), "lab.yaml\n");
    git("add", ".gitignore");
    git("commit", "-q", "-m", "ignore");
    write(baseLab);
    expect((await diff("git:HEAD")).stderr).toMatch(/git has no .*lab\.yaml, neither at HEAD nor now: it is ignored/);
  });
});

describe("the answer", () => {
  const compared = async (before: LabInput, after: LabInput, ...args: string[]) => {
    const base = write(before, "former.yaml");
    write(after);
    return diff(base, ...args);
  };
  test.each<[string, LabInput, number]>([
    ["nothing ends with 0", baseLab, 0],
    ["a change ends with 2", edited, 2],
    ["something that is replaced ends with 3", replacing, 3],
    [
      "something that is destroyed ends with 3",
      labWith({ containers: { "ollama-1": undefined, "ollama-2": { vmId: 202, address: "192.0.2.22" } } }),
      3,
    ],
  ])("%s", async (_, lab, exitCode) => expect((await compared(baseLab, lab)).exitCode).toBe(exitCode));

  test("is Markdown when asked for it", async () => {
    expect((await compared(baseLab, edited, "--format", "markdown")).stdout).toMatch(/^<!-- ollama-lab diff -->/);
  });
  test("has the changes as data with --json", async () => {
    const { exitCode, stdout } = await compared(baseLab, edited, "--json");
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([
      2,
      {
        version: 1,
        command: "diff",
        problems: [],
        result: {
          numbers: { destroyed: 0, restarted: 1, kept: 0 },
          changes: [
            {
              action: "restarted",
              stack: "containers",
              address: "proxmox_virtual_environment_container.ollama-1",
              name: "container ollama-1",
              note: null,
              reasons: [{ what: "memory", change: "16 GiB → 24 GiB", effect: "restarts" }],
            },
          ],
        },
      },
    ]);
  });
  test("is the list of problems for a lab with an error", async () => {
    const { exitCode, stderr } = await compared(baseLab, labWith({ containers: { "ollama-1": { vmId: 1 } } }));
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/containers\.ollama-1\.vmId.*Nothing was compared/s)]);
  });
  test("says how to write the command where it is not understood", async () => {
    expect((await run(["diff", "--format", "html"], {})).exitCode).toBe(64);
  });
  test("leaves no file behind", async () => {
    await compared(baseLab, edited);
    expect(readdirSync(folder).sort()).toEqual(["former.yaml", "lab.yaml"]);
  });
});
