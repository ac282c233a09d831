import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");
const SCHEMAS = join(ROOT, "provider-schemas");

/** `snapshotText` of schemas.mjs, which jest cannot load itself: it is an ES module that runs without a build. */
function snapshotText(printed: unknown, address: string, version: string): string {
  const script =
    `import { snapshotText } from ${JSON.stringify(join(ROOT, "tools/schemas.mjs"))};` +
    `import { readFileSync } from "node:fs";` +
    `process.stdout.write(snapshotText(...JSON.parse(readFileSync(0, "utf8"))));`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    input: JSON.stringify([printed, address, version]),
    maxBuffer: 2 ** 26,
  });
  expect(run.stderr).toBe("");
  return run.stdout;
}

describe("the text of a snapshot", () => {
  test.each(readdirSync(SCHEMAS).filter((file) => file.endsWith(".json")))("of %s is what it was made from", (file) => {
    const text = readFileSync(join(SCHEMAS, file), "utf8");
    const [[address, version] = ["", ""]] = Object.entries(JSON.parse(text).provider_versions as Record<string, string>);
    expect(snapshotText(JSON.parse(text), address, version)).toBe(text);
  });

  test("has the facts of every schema in a fixed order, and no description", () => {
    const block = {
      block_types: {
        disk: {
          nesting_mode: "list",
          max_items: 1,
          block: { description: "A disk.", attributes: { size: { type: "number", optional: true, description_kind: "plain" } } },
        },
      },
      attributes: {
        wo: { type: "string", write_only: true, optional: true },
        description: { type: "string", description: "An attribute of that name stays.", optional: true, sensitive: true },
        map: {
          nested_type: {
            nesting_mode: "set",
            attributes: { node: { type: ["list", "string"], description: "A node.", required: true } },
          },
          required: true,
        },
      },
      description_kind: "plain",
      deprecated: true,
    };
    const printed = {
      format_version: "1.0",
      provider_schemas: {
        "registry.terraform.io/acme/other": {},
        "registry.terraform.io/acme/lab": {
          provider: { version: 0, block: { description_kind: "plain" } },
          resource_schemas: { lab_b: { version: 1, block }, lab_a: { version: 0, block: {} } },
          functions: { join: { description: "Not used by the bindings." } },
        },
      },
    };
    expect(snapshotText(printed, "registry.terraform.io/acme/lab", "1.2.3")).toBe(`{
"format_version":"1.0",
"provider_schemas":{
"registry.terraform.io/acme/lab":{
"provider":{"block":{},"version":0},
"resource_schemas":{
"lab_a":{"block":{},"version":0},
"lab_b":{"block":{"attributes":{"description":{"optional":true,"sensitive":true,"type":"string"},"map":{"nested_type":{"attributes":{"node":{"required":true,"type":["list","string"]}},"nesting_mode":"set"},"required":true},"wo":{"optional":true,"type":"string","write_only":true}},"block_types":{"disk":{"block":{"attributes":{"size":{"optional":true,"type":"number"}}},"max_items":1,"nesting_mode":"list"}},"deprecated":true},"version":1}
},
"data_source_schemas":{

}
}
},
"provider_versions":{"registry.terraform.io/acme/lab":"1.2.3"}
}
`);
  });
});

describe("fetching snapshots", () => {
  let project: string;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "fetch-"));
    mkdirSync(join(project, "provider-schemas"));
    mkdirSync(join(project, "tools"));
    mkdirSync(join(project, "bin"));
    for (const file of ["cdktf.json", "package.json", "tools/schemas.mjs", "provider-schemas/null@3.2.4.json"]) {
      copyFileSync(join(ROOT, file), join(project, file));
    }
    symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
    writeFileSync(join(project, "provider-schemas/null@3.0.0.json"), "outdated");
  });
  afterEach(() => {
    rmSync(project, { recursive: true });
  });

  function fetch(terraform?: string): { status: number | null; text: string } {
    if (terraform !== undefined) {
      writeFileSync(join(project, "bin/terraform"), `#!/bin/sh\n${terraform}\n`);
      chmodSync(join(project, "bin/terraform"), 0o755);
    }
    const run = spawnSync(process.execPath, [join(project, "tools/schemas.mjs")], {
      encoding: "utf8",
      env: { PATH: join(project, "bin") },
    });
    return { status: run.status, text: run.stdout + run.stderr };
  }

  const files = () => readdirSync(join(project, "provider-schemas")).sort();

  test("says that terraform is missing, and changes nothing", () => {
    expect(fetch()).toEqual({ status: 1, text: expect.stringMatching(/terraform is not on PATH.*No snapshot was changed/s) });
    expect(files()).toEqual(["null@3.0.0.json", "null@3.2.4.json"]);
  });

  test("shows what terraform said when the registry is out of reach, and changes nothing", () => {
    expect(fetch("echo 'Error: Failed to query available provider packages' >&2; exit 1")).toEqual({
      status: 1,
      text: expect.stringMatching(
        /Failed to query available provider packages.*needs a machine that reaches.*No snapshot was changed/s,
      ),
    });
    expect(files()).toEqual(["null@3.0.0.json", "null@3.2.4.json"]);
  });

  test("changes nothing when one provider's schema is missing", () => {
    expect(fetch(`[ "$1" = init ] || echo '{"format_version":"1.0","provider_schemas":{}}'`).text).toMatch(
      /printed no schema of registry\.terraform\.io\/bpg\/proxmox/,
    );
    expect(files()).toEqual(["null@3.0.0.json", "null@3.2.4.json"]);
  });

  test("writes the snapshot of every pinned provider and removes those of other versions", () => {
    const provider = { provider: { version: 0, block: {} } };
    const names = ["bpg/proxmox", "hashicorp/helm", "hashicorp/kubernetes", "hashicorp/null"];
    const provider_schemas = Object.fromEntries(names.map((name) => [`registry.terraform.io/${name}`, provider]));
    writeFileSync(join(project, "printed.json"), JSON.stringify({ format_version: "1.0", provider_schemas }));
    const { status, text } = fetch(
      `[ "$1" = init ] || while read -r line || [ "$line" ]; do echo "$line"; done < ${join(project, "printed.json")}`,
    );
    expect({ status, text }).toEqual({ status: 0, text: expect.stringContaining("null@3.0.0.json removed") });
    const pinned = readdirSync(SCHEMAS).filter((file) => file.endsWith(".json"));
    expect(files()).toEqual(pinned.sort());
  });
});
