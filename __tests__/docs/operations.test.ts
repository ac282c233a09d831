// Whatever the pages for operators name is there: in a synthesized stack of the default lab, or in the repository.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { load } from "../../lab/load";
import type { LabInput } from "../../lab/schema";
import schema from "../../lab.schema.json";
import { objectsOf, valuesOf } from "../../testing/kubernetes";
import { addresses, labWith, type StackJson, synthesized } from "../../testing/lab";

const ROOT = join(__dirname, "../..");
const PAGES = ["docs/operations.md", "docs/kubernetes.md"];

/** The default lab, with what the pages say can be switched on. */
function stacksOf(file: string): Record<string, StackJson> {
  const source = load(join(ROOT, file));
  if (Array.isArray(source)) throw new Error(`${file} cannot be read`);
  const optional = {
    kubernetes: { devicePlugin: { smokeTest: true } },
    ollama: { networkPolicy: {}, releases: { ollama: { allowFrom: ["192.0.2.0/24"] } } },
  };
  return synthesized(labWith(optional, source.value as LabInput));
}

const stacks = stacksOf("examples/default.yaml");
const labText = readFileSync(join(ROOT, "examples/default.yaml"), "utf8");
const resources = (type: string) => Object.values(stacks).flatMap(({ resource }) => Object.values(resource[type] ?? {}));
const names = (type: string) => resources(type).map(({ metadata }) => (metadata as { name: string }).name);
const releases = resources("helm_release") as { name: string; namespace: string; chart: string }[];

/** What a chart names after its release, and K3s' own Traefik. */
const CHART_OBJECTS: Readonly<Record<string, readonly string[]>> = {
  ollama: ["deployment", "service"],
  "nvidia-device-plugin": ["daemonset"],
  "cert-manager": ["deployment"],
};

/** Every object by kind and name: typed resources, those of the local chart, those that charts make. */
const objects = new Set([
  ...names("kubernetes_namespace_v1").map((name) => `namespace/${name}`),
  ...names("kubernetes_persistent_volume_claim_v1").map((name) => `pvc/${name}`),
  ...names("kubernetes_storage_class_v1").map((name) => `storageclass/${name}`),
  ...names("kubernetes_network_policy_v1").map((name) => `networkpolicy/${name}`),
  ...Object.values(stacks).flatMap((stack) =>
    Object.keys(stack.resource["helm_release"] ?? {}).flatMap((release) =>
      "objects" in valuesOf(stack, release)
        ? objectsOf(stack, release).flatMap(({ kind, metadata, spec }) => [
            `${kind.toLowerCase()}/${metadata.name}`,
            // cert-manager makes the Secret that a Certificate names.
            ...(typeof spec?.["secretName"] === "string" ? [`secret/${spec["secretName"]}`] : []),
          ])
        : [],
    ),
  ),
  // The operator makes the Secrets that the issuer's solver and the middleware of a host's users name.
  ...[...JSON.stringify(Object.values(stacks)).matchAll(/basicAuth\\*":\{[^}]*secret\\*":\\*"([a-z0-9-]+)\\*"/g)].map(
    ([, name]) => `secret/${name}`,
  ),
  ...[...JSON.stringify(Object.values(stacks)).matchAll(/SecretRef\\":\{[^}]*\\"name\\":\\"([a-z0-9-]+)\\"/g)].map(
    ([, name]) => `secret/${name}`,
  ),
  ...releases.flatMap(({ chart, name }) => (CHART_OBJECTS[chart] ?? []).map((kind) => `${kind}/${name}`)),
  ...Object.values((stacks["cluster"]?.resource["proxmox_virtual_environment_vm"] ?? {}) as Record<string, { name: string }>).map(
    ({ name }) => `node/${name}`,
  ),
  "deployment/traefik",
]);

const namespaces = new Set([...names("kubernetes_namespace_v1"), ...releases.map(({ namespace }) => namespace)]);
const everything = JSON.stringify(stacks).replaceAll("\\", "");

/** Labels: of our own objects and nodes, those that charts give their pods, and one that Kubernetes gives slices. */
function hasLabel(text: string): boolean {
  const [key = "", value] = text.split("=");
  if (value === undefined) return everything.includes(`${key}=`) || everything.includes(`"${key}":`);
  if (key === "app.kubernetes.io/instance") return releases.some(({ name }) => name === value);
  if (key === "kubernetes.io/service-name") return objects.has(`service/${value}`);
  return everything.includes(`"${key}":"${value}"`) || everything.includes(`${key}=${value}`);
}

const KINDS: Readonly<Record<string, string>> = {
  deploy: "deployment",
  nodes: "node",
  persistentvolumeclaim: "pvc",
  svc: "service",
};
/** Kinds whose names are not the lab's to say, and kinds asked for as a whole. */
const ANONYMOUS = ["pod", "pv", "endpointslices", "all"];

/** What a `kubectl` command names: objects, by kind and name. */
function* namedBy(command: string): Iterable<string> {
  const words = command.split(/\s+/);
  const flagsWithValue = ["-n", "--namespace", "-l", "-L", "-o", "--selector"];
  const plain = words.filter((word, i) => !word.startsWith("-") && !flagsWithValue.includes(words[i - 1] ?? ""));
  const [, verb = "", ...rest] = plain;
  for (const word of rest) {
    const [, kind, name] = /^(?:([a-z]+)\/)([a-z0-9-]+)$/.exec(word) ?? [];
    if (kind && name) yield `${KINDS[kind] ?? kind}/${name}`;
  }
  const [kind = "", name] = rest;
  if (
    ["get", "describe", "delete", "label", "taint"].includes(verb) &&
    name &&
    /^[a-z][a-z0-9-]*$/.test(name) &&
    !kind.includes(",")
  ) {
    yield `${KINDS[kind] ?? kind}/${name}`;
  }
}

/** Spans and blocks of code on a page, a command or word each. */
function codeOf(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```(?:sh|bash)\n([\s\S]*?)^ *```/gm)].flatMap(([, block = ""]) =>
    block.replaceAll("\\\n", " ").split("\n"),
  );
  const withoutBlocks = text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "");
  const spans = [...withoutBlocks.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  return [...blocks, ...spans].map((line) => line.replace(/\s+#.*$/, "").trim()).filter(Boolean);
}

/** GitHub's anchors of a page's headings. */
function anchorsOf(file: string): string[] {
  const text = readFileSync(file, "utf8").replaceAll(/^ *```[\s\S]*?^ *```/gm, "");
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function isSetting(path: string): boolean {
  type Node = { properties?: Record<string, Node>; additionalProperties?: Node; anyOf?: Node[] };
  const step = (nodes: Node[], key: string): Node[] =>
    nodes
      .flatMap((node) => [node, ...(node.anyOf ?? [])])
      .flatMap(
        (node) => node.properties?.[key] ?? (typeof node.additionalProperties === "object" ? node.additionalProperties : []),
      );
  return path.split(".").reduce(step, [schema as unknown as Node]).length > 0;
}

const stackIds = Object.keys(stacks);
const PUBLIC = ["localhost:11434", "acme-staging-v02.api.letsencrypt.org"];

/** Everything on a page that names what is not there. `from` is the page's place, for its links. */
function unresolved(text: string, from: string): string[] {
  const wrong: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) wrong.push(what);
  };
  for (const code of codeOf(text)) {
    for (const [, name = ""] of code.matchAll(/(?:\s-n|--namespace)[ =]([a-z0-9-]+)/g))
      must(namespaces.has(name), `namespace ${name}`);
    for (const [, label = ""] of code.matchAll(/\s(?:-l|-L|--selector)[ =](\S+)/g)) must(hasLabel(label), `label ${label}`);
    for (const [command] of code.matchAll(/\bkubectl [^|;&$]+/g)) {
      for (const object of namedBy(command.trim())) {
        must(objects.has(object) || ANONYMOUS.includes(object.split("/")[0] ?? ""), object);
      }
    }
    for (const [, verb, name = ""] of code.matchAll(/\bhelm -n \S+ (history|rollback|uninstall) ([a-z0-9-]+)/g)) {
      must(
        releases.some((release) => release.name === name),
        `helm ${verb} ${name}`,
      );
    }
    for (const [, type = "", name = ""] of code.matchAll(/\b((?:helm|kubernetes|proxmox|null)_[a-z0-9_]+)\.([a-z0-9_-]+)/g)) {
      must(
        Object.values(stacks).some((stack) => addresses(stack).includes(`${type}.${name}`)),
        `${type}.${name}`,
      );
    }
    for (const [, stack = ""] of code.matchAll(/cdktf\.out\/stacks\/([a-z-]+)/g))
      must(stackIds.includes(stack), `stack ${stack}`);
    for (const [, stack = ""] of code.matchAll(/npx cdktf (?:deploy|diff|destroy|output) ([a-z-]+)/g)) {
      must(stackIds.includes(stack), `stack ${stack}`);
    }
    for (const [path] of code.matchAll(
      /(?<![\w/.-])(?:scripts|docs|examples|ansible|templates|__tests__|catalog)\/[\w./-]*\w/g,
    )) {
      must(existsSync(join(ROOT, path)), path);
    }
    for (const [, host = ""] of code.matchAll(/https?:\/\/([\w.:-]+)/g)) {
      must(PUBLIC.includes(host) || everything.includes(host), `host ${host}`);
    }
    for (const [address] of code.matchAll(/\b192\.0\.2\.\d+(?!\/)\b/g)) must(labText.includes(address), address);
    for (const [, id = ""] of code.matchAll(/\bpct \w+ (\d+)/g)) must(labText.includes(`vmId: ${id},`), `VMID ${id}`);
    for (const [, name = ""] of code.matchAll(/\b([a-z0-9-]+)\.lab\.example/g))
      must(labText.includes(`${name}.lab.example`), name);
    if (/^(kubernetes|ollama|network|cluster)(\.[a-zA-Z]+)+$/.test(code) && !code.endsWith(".example"))
      must(isSetting(code), `setting ${code}`);
  }
  for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    const [path = "", anchor] = link.split("#");
    const file = path === "" ? join(ROOT, from) : join(ROOT, dirname(from), path);
    must(existsSync(file) && (!anchor || anchorsOf(file).includes(anchor)), `link ${link}`);
  }
  return wrong;
}

test.each(PAGES)("every namespace, name, label, path, host and setting on %s is there", (page) => {
  expect(unresolved(readFileSync(join(ROOT, page), "utf8"), page)).toEqual([]);
});

test.each([
  ["a namespace", "`kubectl -n ai get pods`", "namespace ai"],
  ["a Job", "```sh\nkubectl -n ml logs -f job/ollama-pull\n```", "job/ollama-pull"],
  ["a Secret", "`kubectl -n ml get secret other-tls`", "secret/other-tls"],
  ["a node", "`kubectl describe node gpu-1`", "node/gpu-1"],
  ["a label", "`kubectl -n ml get pods -l app=ollama`", "label app=ollama"],
  ["a label's value", "`kubectl -n ml get pods -l app.kubernetes.io/instance=chat`", "label app.kubernetes.io/instance=chat"],
  ["a Helm release", "`helm -n ml rollback chat`", "helm rollback chat"],
  ["an address in Terraform", "`terraform state rm helm_release.chat`", "helm_release.chat"],
  ["a stack", "`npx cdktf deploy apps`", "stack apps"],
  ["a script", "`scripts/health.sh --json`", "scripts/health.sh"],
  ["a host", "`curl https://chat.home.example/api/tags`", "host chat.home.example"],
  ["an address", "`curl http://192.0.2.99:11434`", "host 192.0.2.99:11434"],
  ["a container", "`pct exec 999 -- true`", "VMID 999"],
  ["a setting", "`kubernetes.devicePlugin.shares`", "setting kubernetes.devicePlugin.shares"],
  ["a link", "[x](kubernetes.md#no-such-heading)", "link kubernetes.md#no-such-heading"],
])("%s that is not there would be found", (_, text, expected) => {
  expect(unresolved(text, "docs/operations.md")).toContain(expected);
});

test("the pages have something to look for", () => {
  const text = PAGES.map((page) => readFileSync(join(ROOT, page), "utf8")).join("\n");
  expect(codeOf(text).filter((code) => code.includes("kubectl")).length).toBeGreaterThan(50);
});
