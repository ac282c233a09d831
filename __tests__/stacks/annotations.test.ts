import { Testing } from "cdktf";
import { STACK_IDS } from "../../lab/problem";
import type { LabInput } from "../../lab/schema";
import { buildLab } from "../../stacks";
import { baseLab, type Changes, gpuLab, labWith, ollamaLab } from "../../testing/lab";

/** What buildLab prints, and the annotations of each stack that has one. */
function built(changes: Changes, base: LabInput) {
  const printed: string[] = [];
  const warn = jest.spyOn(console, "warn").mockImplementation((text) => printed.push(String(text)));
  const stacks = buildLab(Testing.app({ stackTraces: false }), labWith(changes, base), { directory: "/lab" });
  warn.mockRestore();
  const annotations = stacks.map(({ node }) => [node.id, node.metadata.map(({ data }) => String(data))] as const);
  return {
    printed,
    all: stacks.map(({ node }) => node.id),
    annotations: Object.fromEntries(annotations.filter(([, texts]) => texts.length > 0)),
  };
}

const both = labWith({ containers: baseLab.containers, defaults: { container: baseLab.defaults?.container } }, gpuLab);

test("the lab of these tests has every stack but model-staging, and no annotation", () => {
  const { all, annotations } = built({}, both);
  expect([all, annotations]).toEqual([STACK_IDS.filter((id) => id !== "model-staging"), {}]);
});

test.each<[fact: string, lab: Changes, stacks: string[]]>([
  [
    "a container's archive without a checksum",
    { defaults: { container: { ollama: { version: "0.31.0", sha256: undefined } } } },
    ["containers"],
  ],
  ["an image of the cluster without a checksum", { cluster: { image: { sha256: undefined } } }, ["cluster"]],
  ["an API whose certificate nothing verifies", { proxmox: { insecure: true } }, ["containers"]],
  ["the same without containers", { proxmox: { insecure: true }, containers: undefined }, ["cluster"]],
  ["a chart older than the cluster", { kubernetes: { certManager: { chart: { version: "v1.18.2" } } } }, ["platform"]],
  [
    "models larger than their claim",
    { ollama: { releases: { ollama: { models: ["gpt-oss:20b", "gemma3:27b", "qwen2.5:32b", "qwen2.5:14b"] } } } },
    ["ollama"],
  ],
])("the warning about %s is one annotation, of the first stack that it concerns", (_, changes, stacks) => {
  const { annotations, printed } = built(changes, both);
  const texts = Object.values(annotations).flat();
  expect([Object.keys(annotations), texts.length, printed]).toEqual([stacks, 1, []]);
});

test("an annotation says where, what and what to do", () => {
  const { annotations } = built({ cluster: { image: { sha256: undefined } } }, both);
  expect(annotations["cluster"]?.[0]).toMatch(/^cluster\.image: no-checksum: .* is downloaded without .* → Set image\.sha256/);
});

test("a warning whose stack the lab does not have is printed", () => {
  const { annotations, printed } = built({ ollama: undefined, ollamaNfsPath: "/mnt/nfs/ollama" }, baseLab);
  expect([annotations, printed]).toEqual([{}, [expect.stringContaining("warning nfs-path-ignored")]]);
});

test("a warning that is an annotation is not printed as well", () => {
  expect(built({ ollamaNfsPath: "/mnt/nfs/ollama" }, ollamaLab).printed).toEqual([]);
});
