// What the output promises, seen in every file that `npm run synth` writes for every lab that is shipped.
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseAllDocuments } from "yaml";
import { describeWithTool } from "../../testing/external-tool";
import { runLifecycle } from "../../testing/terraform/lifecycle";
import { describeRun } from "../../testing/terraform/process";
import { Workspace } from "../../testing/terraform/workspace";
import { OPERATOR_COMMANDS, SECRETS as VARIABLES } from "../terraform/operator-commands";
import { configIn, LAB_FILES, ROOT, type StackConfig, stackFolders, synthesizeCopy } from "./example-labs";

/** Secrets as an operator has them in the environment; none may be in the output. */
const SECRETS = {
  PROXMOX_VE_API_TOKEN: "terraform@pve!lab=marker-api-token",
  PROXMOX_VE_PASSWORD: "marker-password",
  PROXMOX_VE_SSH_PRIVATE_KEY: "marker-private-key",
  AWS_SECRET_ACCESS_KEY: "marker-state-key",
  TF_VAR_k3s_server_token: "marker-server-token".padEnd(64, "0"),
  TF_VAR_k3s_agent_token: "marker-agent-token".padEnd(64, "0"),
};

interface Output {
  readonly folder: string;
  readonly outdir: string;
  /** By path in the output. */
  readonly files: Readonly<Record<string, string>>;
  readonly stacks: Readonly<Record<string, StackConfig>>;
}

function filesBelow(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return Object.fromEntries(paths.map((path) => [relative(folder, path), readFileSync(path, "utf8")]));
}

const outputs = new Map<string, Output>();

/** The output of a copy of the lab, synthesized once, as `synth` does it, with secrets in the environment. */
function outputOf(file: string): Output {
  const output = outputs.get(file) ?? synthesize(file);
  outputs.set(file, output);
  return output;
}

function synthesize(file: string): Output {
  const environment = { ...process.env };
  Object.assign(process.env, SECRETS);
  try {
    const { folder, outdir } = synthesizeCopy(file);
    const stacks = Object.entries(stackFolders(outdir)).map(([name, path]) => [name, configIn(path)] as const);
    return { folder, outdir, files: filesBelow(outdir), stacks: Object.fromEntries(stacks) };
  } finally {
    process.env = environment;
  }
}

/** The snapshots' provider versions by source, such as `bpg/proxmox`. */
const SNAPSHOTS = Object.fromEntries(
  readdirSync(join(ROOT, "provider-schemas")).flatMap((file) => {
    const version = /^.+@(.+)\.json$/.exec(file)?.[1];
    if (!version) return [];
    const { provider_schemas } = JSON.parse(readFileSync(join(ROOT, "provider-schemas", file), "utf8")) as {
      provider_schemas: Record<string, unknown>;
    };
    return Object.keys(provider_schemas).map((address) => [address.replace(/^registry\.terraform\.io\//, ""), version]);
  }),
);

/** Every name that is an address, or part of one. */
function names({ resource = {}, data = {}, variable = {}, output = {}, locals = {} }: StackConfig): string[] {
  const ofTypes = [resource, data].flatMap((types) =>
    Object.entries(types).flatMap(([type, items]) => Object.keys(items).map((name) => `${type}.${name}`)),
  );
  return [...ofTypes, ...[variable, output, locals].flatMap((items) => Object.keys(items))];
}

/** Every string in a value, with the path of keys to it. */
function strings(value: unknown, path: string): [path: string, text: string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => strings(item, `${path}.${key}`));
}

/** The YAML documents in a stack: inventories, user-data of VMs, values of charts. */
function yamlTexts(config: StackConfig): [path: string, text: string][] {
  return strings(config, "").filter(
    ([path, text]) =>
      /\.(inventory\.value|INVENTORY)$/.test(path) ||
      /\.helm_release\..*\.values\.\d+$/.test(path) ||
      (/\.source_raw\..*data$/.test(path) && !text.startsWith("#!")),
  );
}

describe.each(LAB_FILES)("the output of %s", (file) => {
  let output: Output;
  beforeAll(() => {
    output = outputOf(file);
  });

  test("has no path of this machine in any file, manifest and assets included", () => {
    const places = [ROOT, output.folder, realpathSync(output.folder)];
    const found = Object.entries(output.files).filter(([path, text]) =>
      places.some((place) => `${path}\n${text}`.includes(place)),
    );
    expect(found.map(([path]) => path)).toEqual([]);
  });

  test("has no secret of the environment in any file", () => {
    const found = Object.entries(output.files).filter(([, text]) =>
      Object.values(SECRETS).some((secret) => text.includes(secret)),
    );
    expect(found.map(([path]) => path)).toEqual([]);
  });

  test("pins each provider to exactly the version of its schema snapshot", () => {
    for (const { terraform } of Object.values(output.stacks)) {
      for (const { source, version } of Object.values(terraform.required_providers ?? {})) {
        expect({ source, version }).toEqual({
          source,
          version: SNAPSHOTS[source.includes("/") ? source : `hashicorp/${source}`],
        });
      }
    }
  });

  test("keeps every local state outside itself, by a relative path", () => {
    for (const [name, folder] of Object.entries(stackFolders(output.outdir))) {
      const { local } = configIn(folder).terraform.backend;
      const paths = [local?.path, local?.workspace_dir].filter((path) => path !== undefined);
      const inside = paths.filter(
        (path) => path.startsWith("/") || !relative(output.outdir, resolve(folder, path)).startsWith(".."),
      );
      expect([name, inside]).toEqual([name, []]);
    }
  });

  test("names every resource, variable and output by itself, never by a hash of a construct's path", () => {
    const hashed = Object.values(output.stacks).flatMap((stack) => names(stack).filter((name) => /_[0-9A-F]{8}$/.test(name)));
    expect(hashed).toEqual([]);
  });

  test("has no kubernetes_manifest, which no plan can do without a cluster", () => {
    expect(Object.values(output.stacks).filter(({ resource }) => resource?.["kubernetes_manifest"])).toEqual([]);
  });

  test("names the version of every Helm chart: without one Helm's provider asks the cluster for it while it plans", () => {
    const releases = Object.values(output.stacks).flatMap(({ resource }) =>
      Object.entries((resource?.["helm_release"] ?? {}) as Record<string, { version?: string }>),
    );
    expect(releases.filter(([, { version }]) => version === undefined).map(([name]) => name)).toEqual([]);
  });

  test("refers only to files that are in it", () => {
    for (const [name, folder] of Object.entries(stackFolders(output.outdir))) {
      const assets = JSON.stringify(configIn(folder)).match(/assets\/[\w./@+-]+/g) ?? [];
      expect([name, assets.filter((asset) => !existsSync(join(folder, asset)))]).toEqual([name, []]);
    }
  });

  test("has YAML that parses wherever it has YAML", () => {
    const texts = Object.values(output.stacks).flatMap(yamlTexts);
    const problems = texts.flatMap(([path, text]) =>
      parseAllDocuments(text.replaceAll("$${", "${").replaceAll("%%{", "%{")).flatMap(({ errors }) =>
        errors.map(({ message }) => `${path}: ${message}`),
      ),
    );
    // Each lab has an inventory, user-data or the values of a chart.
    expect([texts.length > 0, problems]).toEqual([true, []]);
  });
});

// `npm run test:terraform` has every stack of every lab live its whole life. A plan finds all that validate does, and takes three times as long.
describeWithTool("terraform", "Terraform", () => {
  const open = (file: string) => Workspace.open(outputOf(file).outdir, { commands: OPERATOR_COMMANDS, variables: VARIABLES });
  /** A lab for each stack, in which it is planned. */
  const PLANNED: Readonly<Record<string, string>> = {
    cluster: "examples/default.yaml",
    platform: "examples/default.yaml",
    "model-staging": "examples/air-gapped.yaml",
    ollama: "examples/default.yaml",
  };
  const LIVING = "examples/smallest.yaml";

  test.each(Object.entries(PLANNED))("plans a first %s of %s, and warns of nothing", async (name, file) => {
    const plan = await (await open(file)).stack(name).plan();
    expect([plan.succeeded || describeRun(plan), plan.diagnostics]).toEqual([true, []]);
  });

  test.each(LAB_FILES.filter((file) => file !== LIVING))(
    "finds every other stack of %s valid, and warns of nothing",
    async (file) => {
      const workspace = await open(file);
      for (const name of workspace.stackNames.filter((name) => PLANNED[name] !== file)) {
        const run = await workspace.stack(name).validate();
        expect([name, run.succeeded || describeRun(run), run.diagnostics]).toEqual([name, true, []]);
      }
    },
  );

  test("applies the containers of the smallest lab, plans nothing after that, destroys them, and warns of nothing", async () => {
    expect((await runLifecycle((await open(LIVING)).stack("containers"))).warnings).toEqual([]);
  });
});
