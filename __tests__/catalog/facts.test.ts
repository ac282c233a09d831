import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { CHARTS } from "../../catalog/charts";
import { CUDA_IMAGE } from "../../catalog/nvidia";
import { ollamaOfChart } from "../../catalog/ollama";
import { REGISTRIES, registryOf } from "../../catalog/registries";
import { compareVersions } from "../../grammar/version";

const ROOT = join(__dirname, "../..");
/** The rooms that take every fact about a product from the catalog. */
const ROOMS = ["grammar", "lab", "constructs", "stacks", "cli", "doctor"];

function sourcesOf(room: string): string[] {
  return readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(ROOT, room, file));
}

const known = new Map<string, string[]>();

/**
 * Every text in a file's code: string literals and the fixed parts of templates. What it imports is left out, and so are the labs under
 * `example` of a kind of problem, which show what is refused.
 */
function textsIn(file: string): string[] {
  const texts = known.get(file) ?? textsOf(readFileSync(file, "utf8"));
  known.set(file, texts);
  return texts;
}

function textsOf(code: string): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && node.name.text === "example") return;
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) texts.push(node.text);
    node.forEachChild(visit);
  };
  visit(ts.createSourceFile("code.ts", code, ts.ScriptTarget.ES2022));
  return texts;
}

const HOST = /(?:[a-z0-9-]+\.)+(?:ai|com|dev|io|net|org)\b(?:\/[\w.-]+)?/g;
const VERSION = /(?<![\w.])v?\d+(?:\.\d+)+(?:[+-][\w.+-]*\w)?/g;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+/;

/** The repositories of images that the catalog names, without registry and tag, such as ollama/ollama. */
const IMAGES = [...Object.values(CHARTS).flatMap(({ version, images }) => images(version)), CUDA_IMAGE].map((image) =>
  image.replace(`${registryOf(image)}/`, "").replace(/:.*$/, ""),
);

/**
 * What a text says about a product: hosts, versions, images. In `grammar/` what follows "such as" is left out: an example shows the form of a
 * value, and the form stays the same when the catalog changes.
 */
function factsIn(whole: string, room = ""): string[] {
  const text = room === "grammar" ? whole.replace(/such as [^;]*/g, "") : whole;
  const versions = [...text.matchAll(VERSION)].map(([version]) => version).filter((version) => !ADDRESS.test(version));
  return [...[...text.matchAll(HOST)].map(([host]) => host), ...versions, ...IMAGES.filter((image) => text.includes(image))];
}

/** What looks like a fact of the catalog, and why it may stand outside the catalog. */
const EXCEPTIONS: readonly { readonly rooms: readonly string[]; readonly fact: RegExp; readonly why: string }[] = [
  {
    rooms: ["grammar"],
    fact: /^docker\.io$|^registry\.ollama\.ai$/,
    why: "The host that a reference without a host means is a part of its grammar. The catalog takes it from there.",
  },
  {
    rooms: ["constructs", "stacks", "doctor"],
    fact: /^(app\.)?kubernetes\.io\//,
    why: "The names of Kubernetes' own labels look like hosts.",
  },
  { rooms: ["grammar", "lab"], fact: /^00\.0$/, why: "The end of a PCI path looks like a version." },
  { rooms: ["grammar", "lab"], fact: /^example\.com\/disk$/, why: "example.com is reserved for documentation." },
  { rooms: ["grammar"], fact: /^openssh\.com$/, why: "The names of OpenSSH's own types of keys end in its domain." },
  { rooms: ["lab"], fact: /^1\.2$/, why: "YAML 1.2 is the language of the lab file." },
];

function strangers(room: string): string[] {
  return sourcesOf(room).flatMap((file) =>
    textsIn(file)
      .flatMap((text) => factsIn(text, room))
      .filter((fact) => !EXCEPTIONS.some((exception) => exception.rooms.includes(room) && exception.fact.test(fact)))
      .map((fact) => `${relative(ROOT, file)}: ${fact}`),
  );
}

test.each(ROOMS)("%s names no host, no version and no image, because the catalog does", (room) => {
  expect(strangers(room)).toEqual([]);
});

test.each(EXCEPTIONS.map(({ rooms, fact, why }) => [why, rooms, fact] as const))(
  "an exception is needed: %s",
  (_, rooms, fact) => {
    const found = rooms.flatMap((room) =>
      sourcesOf(room).flatMap((file) => textsIn(file).flatMap((text) => factsIn(text, room))),
    );
    expect(found.some((text) => fact.test(text))).toBe(true);
  },
);

test.each([
  ["a URL", 'const url = "https://charts.jetstack.io";', "charts.jetstack.io"],
  ["a host in a template", "const url = `${scheme}://github.com/${path}`;", "github.com"],
  ["a version", 'const version = "1.77.0";', "1.77.0"],
  ["a version of K3s", "const version = `v1.36.3+k3s1`;", "v1.36.3+k3s1"],
  ["an image", "const image = `ollama/ollama:${version}`;", "ollama/ollama"],
])("the search finds %s", (_, code, fact) => {
  expect(textsOf(code).flatMap((text) => factsIn(text))[0]).toMatch(fact);
});

/** The hosts that files name outside their comments. */
function hostsIn(folder: string, files: RegExp): string[] {
  const texts = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => files.test(file))
    .map((file) => readFileSync(join(ROOT, folder, file), "utf8").replace(/^\s*#.*$/gm, ""));
  const hosts = texts.flatMap((text) =>
    [...text.matchAll(/https?:\/\/([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]+)/g)].map(([, host = ""]) => host),
  );
  return [...new Set(hosts)].sort();
}

test.each([
  ["the scripts of templates/", "templates", /\.sh$/],
  ["the roles of ansible/", "ansible/roles", /\.(yml|j2)$/],
] as const)("%s cannot import the catalog, but it names every host that they take something from", (_, folder, files) => {
  const named = sourcesOf("catalog").flatMap((file) => textsIn(file));
  expect(hostsIn(folder, files).filter((host) => !named.includes(host) && !host.endsWith(".svc"))).toEqual([]);
});

describe.each(Object.entries(CHARTS))("the chart %s", (name, { version, keys, images }) => {
  test("has the keys of its default version", () => {
    expect(Object.keys(keys)).toContain(version.replace(/^v/, ""));
  });

  test("says its default version in one file of the catalog", () => {
    expect(sourcesOf("catalog").filter((file) => textsIn(file).includes(version))).toHaveLength(1);
  });

  test("lists the versions of its keys from the oldest to the newest", () => {
    expect(Object.keys(keys)).toEqual(Object.keys(keys).sort(compareVersions));
  });

  test("has no file of keys that is not used", () => {
    const files = readdirSync(join(ROOT, "catalog/chart-keys")).filter((file) => file.startsWith(`${name}-`));
    expect(files.sort()).toEqual(
      Object.keys(keys)
        .map((one) => `${name}-${one}.json`)
        .sort(),
    );
  });

  test("takes its images from registries that a mirror of all images stands for", () => {
    expect(images(version).filter((image) => !REGISTRIES.includes(registryOf(image)))).toEqual([]);
  });
});

test("the default version of the chart ollama brings an Ollama that is known", () => {
  expect(ollamaOfChart(CHARTS.ollama.version)).toMatch(/^\d+\.\d+\.\d+$/);
});

test("another version and repository in a product's file are what a lab gets by default", () => {
  jest.isolateModules(() => {
    const products = {
      "cert-manager": "CERT_MANAGER",
      "csi-driver-nfs": "CSI_DRIVER_NFS",
      nvidia: "DEVICE_PLUGIN",
      ollama: "OLLAMA",
    };
    for (const [file, chart] of Object.entries(products)) {
      jest.doMock(`../../catalog/${file}`, () => {
        const facts = jest.requireActual<Record<string, object>>(`../../catalog/${file}`);
        const repository = `https://${file}.lab.example/`;
        return { ...facts, [`${chart}_CHART`]: { ...facts[`${chart}_CHART`], version: "9.8.7", repository } };
      });
    }
    const { gpuLab, labWith, synthesized } = jest.requireActual<typeof import("../../testing/lab")>("../../testing/lab");
    const image = "ollama/ollama:9.8.7";
    const stacks = synthesized(labWith({ ollama: { releases: { ollama: { image } } } }, gpuLab));
    const releases = [stacks["platform"], stacks["ollama"]].flatMap((stack) =>
      Object.values(stack?.resource["helm_release"] ?? {}),
    );
    const charts = releases.flatMap(({ repository, version }) => (repository ? [`${repository}: ${version}`] : []));
    expect(charts.sort()).toEqual(Object.keys(products).map((file) => `https://${file}.lab.example/: 9.8.7`));
  });
});
