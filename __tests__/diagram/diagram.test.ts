import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../cli";
import { FONTS, layoutOf, type PlacedText } from "../../diagram/layout";
import { escapeLabel, mermaid } from "../../diagram/mermaid";
import { type Group, type Item, pictureOf } from "../../diagram/picture";
import { escapeXml, svg } from "../../diagram/svg";
import { textWidth, wrap } from "../../diagram/text-width";
import type { Lab } from "../../lab/lab";
import { checkLab, readLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { airGappedLab, baseLab, clusterLab, gpuLab, labWith, ollamaLab } from "../../testing/lab";
import { largeLab } from "../../testing/large-lab";

const ROOT = join(__dirname, "../..");

const proved = (input: LabInput): Lab => checkLab(input, "/lab").lab;

function exampleLab(file: string): Lab {
  const { lab, problems } = readLab(join(ROOT, file));
  if (!lab) throw new Error(JSON.stringify(problems));
  return lab;
}

const examples = readdirSync(join(ROOT, "examples"))
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => `examples/${file}`);

const LABS: readonly (readonly [string, () => Lab])[] = [
  ...examples.map((file) => [file, () => exampleLab(file)] as const),
  ["a lab of 60 guests", () => proved(largeLab)],
];

/** Every box and group of a picture. */
function things(item: Item): Exclude<Item, { items: readonly Item[] }>[] {
  if ("items" in item) return item.items.flatMap(things);
  if (!("content" in item)) return [item];
  const content = item.content;
  return [item, ...("grid" in content ? content.grid.flatMap(things) : content.items.flatMap(things))];
}

const thing = (input: LabInput, title: string) => things(pictureOf(proved(input)).column).find((one) => one.title === title);
const isGroup = (item: Item): item is Group => "content" in item;
const titlesIn = (item: Item | undefined) =>
  item && isGroup(item)
    ? things({ items: "grid" in item.content ? item.content.grid : item.content.items, arrows: [] }).map(({ title }) => title)
    : [];

describe("the picture", () => {
  test("has each guest on its node, with its VMID, address and size", () => {
    expect(titlesIn(thing(baseLab, "pve1"))).toEqual(["test-ollama-1"]);
    expect(thing(baseLab, "test-ollama-1")?.lines).toEqual(["Container 201 · 192.0.2.21", "8 cores · 16 GiB · disk 50 GiB"]);
  });
  test("says what a guest of the cluster is", () => {
    expect(thing(clusterLab, "test-k3s-1")?.lines[0]).toBe("K3s server · VM 301 · 192.0.2.31");
    expect(thing(clusterLab, "test-gpu-1")?.lines[0]).toBe("K3s worker · VM 311 · 192.0.2.41");
  });
  test("has a graphics card in the guest that gets it", () => {
    expect([thing(clusterLab, "test-gpu-1")?.gpus, thing(clusterLab, "pve1")?.gpus]).toEqual([["rtx"], []]);
  });
  test("has a graphics card that nobody gets on its node, as free", () => {
    const lab = labWith({ cluster: { workers: { "gpu-1": { gpus: [] } } } }, clusterLab);
    expect(thing(lab, "pve1")?.gpus).toEqual(["rtx, free"]);
  });
  test("has the card of a container by its kind where the lab gives it no name", () => {
    const lab = labWith({ proxmox: { auth: "rootPassword" }, containers: { "ollama-1": { gpu: { type: "intel" } } } });
    expect(thing(lab, "test-ollama-1")?.gpus).toEqual(["intel"]);
  });
  test("has a node without a guest, and says so", () => {
    const lab = labWith({ proxmox: { nodes: { pve2: { address: "192.0.2.12" } } } });
    expect(thing(lab, "pve2")?.lines).toContain("no guest of this lab");
  });
  test("says dhcp for a leased address", () => {
    expect(thing(labWith({ containers: { "ollama-1": { address: "dhcp" } } }), "test-ollama-1")?.lines[0]).toBe(
      "Container 201 · dhcp",
    );
  });
  test("says what is protected", () => {
    expect(thing(labWith({ containers: { "ollama-1": { protect: true } } }), "test-ollama-1")?.lines).toContain(
      "protected against destruction",
    );
  });
  test("counts models that are too many to list", () => {
    const models = ["a:1b", "b:1b", "c:1b", "d:1b", "e:1b", "f:1b"];
    expect(thing(labWith({ containers: { "ollama-1": { models } } }), "test-ollama-1")?.lines).toContain(
      "a:1b, b:1b, c:1b, d:1b and 2 more",
    );
  });
  test("says where a container answers over HTTPS", () => {
    const https = { host: "chat.lab.example", tokenFile: "./token", certificate: { type: "internal" } };
    expect(thing(labWith({ containers: { "ollama-1": { https } } }), "test-ollama-1")?.lines).toContain(
      "https://chat.lab.example",
    );
  });
  test("has the API of the cluster", () => {
    expect(thing(clusterLab, "Kubernetes cluster")?.lines).toEqual(["K3s v1.36.3+k3s1 · API https://192.0.2.31:6443"]);
  });
  test("says of a cluster that the lab does not make that it is there already", () => {
    expect(thing(ollamaLab, "Kubernetes cluster")?.lines).toEqual(["is there already · kubeconfig ./kubeconfig-test"]);
  });
  test("has namespace, release, route and claim of an Ollama", () => {
    const lab = labWith({ ollama: { releases: { ollama: { host: "ollama.lab.example" } } } }, gpuLab);
    expect(titlesIn(thing(lab, "Namespace ml"))).toEqual(["https://ollama.lab.example", "Ollama ollama", "Claim ollama, 50 Gi"]);
  });
  test("has a claim that is kept without a release", () => {
    expect(thing(labWith({ ollama: { keptClaims: ["ml/chat"] } }, gpuLab), "Claim ml/chat")?.lines).toEqual([
      "kept without a release",
    ]);
  });
  test("says where a release without a host answers", () => {
    expect(thing(ollamaLab, "Ollama ollama")?.lines).toContain("http://ollama.ml:11434 inside the cluster");
  });
  test("has the NFS server behind the claims", () => {
    expect(thing(gpuLab, "NFS 192.0.2.5")?.lines).toEqual(["/volume1/k8s", "StorageClass nfs-client"]);
  });
  test("has what is installed on the cluster", () => {
    expect(titlesIn(thing(gpuLab, "Platform"))).toEqual(["NVIDIA device plugin", "NFS provisioner", "cert-manager"]);
  });
  test("encloses production of an air-gapped lab, with the mirrors inside and the staging cluster outside", () => {
    const inside = titlesIn(thing(airGappedLab, "Production, air-gapped"));
    expect([inside.includes("registry.lab.example"), inside.includes("Staging cluster")]).toEqual([true, false]);
    expect(thing(airGappedLab, "Staging cluster")).toBeDefined();
  });
  test("leads from the staging cluster to the share, and from production to it", () => {
    expect(pictureOf(proved(airGappedLab)).column.arrows).toEqual([
      { label: "mounts the models, read-only", direction: "down" },
      { label: "publishes the models", direction: "up" },
    ]);
  });
  test("has no arrow from containers to a cluster that is there already", () => {
    const lab = labWith({ ollama: { releases: { ollama: { models: ["llama3.2:1b"] } } } });
    expect(pictureOf(proved(lab)).column.arrows[0]).toBeUndefined();
  });
  test("is the same whatever the order of keys", () => {
    const lab = labWith({ containers: { "ollama-2": { vmId: 202, address: "192.0.2.22" } } });
    const other = { ...lab, containers: Object.fromEntries(Object.entries(lab.containers ?? {}).reverse()) };
    expect(svg(pictureOf(proved(other)))).toBe(svg(pictureOf(proved(lab))));
  });
});

interface Extent {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function extentOf({ x, y, text, style }: PlacedText): Extent {
  const { size } = FONTS[style];
  return { left: x, right: x + textWidth(text, FONTS[style]), top: y - size, bottom: y + size * 0.3 };
}

const apart = (a: Extent, b: Extent) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
const inside = (a: Extent, b: Extent) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;

describe.each(LABS)("the layout of %s", (_, lab) => {
  const layout = layoutOf(pictureOf(lab()));
  const { frames, arrows, texts } = layout;
  const frameExtents = frames.map(({ x, y, width, height }) => ({ left: x, right: x + width, top: y, bottom: y + height }));
  const all = [...texts, ...frames.flatMap((frame) => frame.texts), ...arrows.flatMap(({ label }) => label ?? [])];

  test("has no two texts that overlap", () => {
    const extents = all.map((text) => ({ text: text.text, ...extentOf(text) }));
    const overlaps = extents.flatMap((a, i) =>
      extents
        .slice(i + 1)
        .filter((b) => !apart(a, b))
        .map((b) => [a.text, b.text]),
    );
    expect(overlaps).toEqual([]);
  });
  test("has each text wholly inside its frame", () => {
    const outside = frames.flatMap((frame, i) =>
      frame.texts.filter((text) => !inside(extentOf(text), frameExtents[i] ?? extentOf(text))).map(({ text }) => text),
    );
    expect(outside).toEqual([]);
  });
  test("has no text on the edge of a frame", () => {
    const cut = all.flatMap((text) =>
      frameExtents.filter((frame) => !apart(extentOf(text), frame) && !inside(extentOf(text), frame)).map(() => text.text),
    );
    expect(cut).toEqual([]);
  });
  test("has nothing outside the picture", () => {
    const page = { left: 0, right: layout.width, top: 0, bottom: layout.height };
    expect([...frameExtents, ...all.map(extentOf)].filter((extent) => !inside(extent, page))).toEqual([]);
  });
  test("is no wider than the widest page", () => expect(layout.width).toBeLessThanOrEqual(2160));
  test("is no tower", () => expect(layout.height / layout.width).toBeLessThan(2));
});

describe("a text that is wrapped", () => {
  const font = { size: 12, bold: false };
  test("is broken at spaces before it is broken within a word", () => {
    expect(wrap("K3s worker · VM 311 · 192.0.2.41", font, 180)).toEqual(["K3s worker · VM 311 ·", "192.0.2.41"]);
  });
  test("is broken after a separator where a word alone is too wide", () => {
    expect(wrap("https://chat.lab.example", font, 100)).toEqual(["https://chat.", "lab.example"]);
  });
  test("is broken anywhere where there is no separator", () => {
    const lines = wrap("x".repeat(63), font, 100);
    expect([lines.join(""), lines.every((line) => textWidth(line, font) <= 100)]).toEqual(["x".repeat(63), true]);
  });
  test("stays one line where there is room", () => expect(wrap("a b", font, 100)).toEqual(["a b"]));
});

describe("the SVG", () => {
  const drawn = svg(pictureOf(proved(largeLab)));
  test("asks for nothing else: no script, no font, no picture, no link", () => {
    expect(drawn.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(
      /<(script|image|use|a|foreignObject)\b|href|url\(|@import|@font-face|xmlns/,
    );
  });
  test("has the colours of both schemes", () => expect(drawn).toContain("@media (prefers-color-scheme:dark)"));
  test("has a title and a description for who cannot see it", () => {
    expect(drawn).toContain('role="img">\n<title>test</title>\n<desc>5 Proxmox nodes · 60 guests · 7 Ollama releases</desc>');
  });
  test("has rules for this picture alone, so that a page which holds it keeps its looks", () => {
    const [, style = ""] = /<style>(.*?)<\/style>/s.exec(drawn) ?? [];
    const selectors = [...style.matchAll(/([^{}]+)\{/g)].map(([, selector = ""]) => selector.trim());
    expect(selectors.filter((selector) => !selector.startsWith(".ollama-lab ") && !selector.startsWith("@media"))).toEqual([]);
  });
});

test.each([
  ["markup", `<b>"x"&'y'</b>`, "&lt;b&gt;&quot;x&quot;&amp;&#39;y&#39;&lt;/b&gt;"],
  ["a control character", "a\u0000b\u001fc", "a\ufffdb\ufffdc"],
  ["half of a character", "a\ud800b", "a\ufffdb"],
])("XML gets %s as text", (_, text, expected) => expect(escapeXml(text)).toBe(expected));

test.each([
  ["a quotation mark", 'say "hi"', "say #34;hi#34;"],
  ["markup", "<br>&amp;", "#60;br#62;#38;amp;"],
  ["a character code", "#35;", "#35;35;"],
  ["Markdown", "*a* `b` _c_", "#42;a#42; #96;b#96; #95;c#95;"],
  ["a URL, which Markdown would make a link", "https://a.example", "https#58;//a.example"],
  ["a host that Markdown would make a link", "www.a.example", "www#46;a.example"],
  ["an address of e-mail", "a@b.example", "a#64;b.example"],
  ["a line break", "a\nb", "a b"],
])("a label of Mermaid gets %s as text", (_, text, expected) => expect(escapeLabel(text)).toBe(expected));

describe("the Mermaid source", () => {
  const source = mermaid(pictureOf(proved(largeLab)));
  const lines = source.split("\n");
  test("has every guest", () => expect(lines.filter((line) => /:::(container|server|worker)$/.test(line))).toHaveLength(60));
  test("gives a frame one line of text, since Mermaid draws over a second", () => {
    expect(lines.filter((line) => line.includes("subgraph ") && line.includes("<br/>"))).toEqual([]);
  });
  test("ends each subgraph that it begins", () => {
    expect(lines.filter((line) => line.trim() === "end")).toHaveLength(lines.filter((line) => /^ *subgraph /.test(line)).length);
  });
  test("uses ids of its own, since a name of the lab may be a word of Mermaid", () => {
    expect(mermaid(pictureOf(proved(labWith({ containers: { end: { vmId: 209, address: "192.0.2.29" } } }))))).toMatch(
      /n\d+\["test-end</,
    );
  });
  test("links only ids that are there", () => {
    const ids = new Set([...source.matchAll(/\b(n\d+)\[/g)].map(([, id]) => id));
    const linked = [...source.matchAll(/^ *(n\d+) (?:~~~|-->).* (n\d+)$/gm)].flatMap(([, from, to]) => [from, to]);
    expect(linked.filter((id) => !ids.has(id))).toEqual([]);
  });
  test("leads from the staging cluster to the share", () => {
    const drawn = mermaid(pictureOf(proved(airGappedLab)));
    const id = (title: string) => new RegExp(`(n\\d+)\\["${title}`).exec(drawn)?.[1];
    expect(drawn).toContain(`${id("Outside the air gap")} -->|"publishes the models"| ${id("Storage")}`);
  });
});

describe("the command", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "diagram-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const lab = join(ROOT, "examples/lxc.yaml");

  test("prints Mermaid unless something else is asked for", async () => {
    expect(await run(["diagram", lab], {})).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^flowchart TB\n/),
      stderr: "",
    });
  });
  test("prints SVG when asked for it", async () => {
    expect((await run(["diagram", lab, "--format", "svg"], {})).stdout).toMatch(/^<svg /);
  });
  test("writes SVG to a file whose name ends in .svg, and leaves nothing beside it", async () => {
    const { stdout } = await run(["diagram", lab, "--output", join(folder, "lab.svg")], {});
    expect(stdout).toMatch(/lab\.svg: .*lxc\.yaml as svg\.$/);
    expect([readdirSync(folder), readFileSync(join(folder, "lab.svg"), "utf8").slice(0, 5)]).toEqual([["lab.svg"], "<svg "]);
  });
  test("has the diagram in its JSON unless it went to a file", async () => {
    const { stdout } = await run(["diagram", lab, "--json"], {});
    expect(JSON.parse(stdout).result).toEqual({ format: "mermaid", output: null, diagram: expect.stringMatching(/^flowchart/) });
    const written = await run(["diagram", lab, "--json", "-o", join(folder, "lab.mmd")], {});
    expect(JSON.parse(written.stdout).result).toEqual({ format: "mermaid", output: join(folder, "lab.mmd") });
  });
  test("refuses a file that cannot be written, with the reason and the remedy", async () => {
    const { exitCode, stderr } = await run(["diagram", lab, "-o", join(folder, "no/lab.svg")], {});
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/no\/lab\.svg: there is no such folder, or none can be made \(ENOENT\)\. Name another/),
    ]);
  });
  test("draws nothing of a lab with an error", async () => {
    const { exitCode, stdout, stderr } = await run(["diagram", join(folder, "none.yaml"), "-o", join(folder, "a.svg")], {});
    expect([exitCode, stdout, stderr]).toEqual([1, "", expect.stringContaining("Nothing was drawn")]);
    expect(existsSync(join(folder, "a.svg"))).toBe(false);
  });
  test("refuses a form that it does not know with 64", async () => {
    expect((await run(["diagram", lab, "--format", "png"], {})).exitCode).toBe(64);
  });
});
