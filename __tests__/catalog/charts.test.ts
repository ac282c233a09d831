import { checkChartValues, checkedWith } from "../../catalog/charts";

const remedyFor = (values: Record<string, unknown>) => checkChartValues("ollama", "1.77.0", values).map(({ remedy }) => remedy);

describe("a key that the chart does not have is answered with the one that was meant:", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["another word with the same beginning", { persistence: { enabled: true } }, "persistentVolume"],
    ["a letter too many", { ressources: {} }, "resources"],
    ["a letter too few", { toleration: [] }, "tolerations"],
    ["a wrong letter", { nodeSelecter: {} }, "nodeSelector"],
    ["one of another level, by its own name", { ollama: { volumes: [] } }, "volumes"],
    ["one below a section that was left out", { gpu: { enabled: true } }, "ollama.gpu"],
    ["a near one beside it, before a far one of the same name", { ollama: { gpu: { enable: true } } }, "ollama.gpu.enabled"],
    ["one that it is a part of", { env: [] }, "extraEnv"],
  ])("%s", (_, values, meant) => expect(remedyFor(values)).toEqual([`Did you mean ${meant}?`]));

  test("nothing, where nothing is near", () => {
    expect(remedyFor({ xyzzy: 1 })).toEqual(["Look it up in the chart's values file."]);
  });
});

test("every wrong key is reported, each with its dotted path", () => {
  const faults = checkChartValues("ollama", "1.77.0", { a1: 1, image: { tga: "x" }, resources: null });
  expect(faults.map(({ key, code }) => [key, code])).toEqual([
    ["a1", "unknown-chart-key"],
    ["image.tga", "unknown-chart-key"],
    ["resources", "wrong-chart-type"],
  ]);
});

test.each<[string, Record<string, unknown>]>([
  ["text where the chart looks for a switch", { serviceAccount: { automount: "false" } }],
  ["text where the chart looks for a number", { replicaCount: "1" }],
  ["a map where the chart looks for a list", { tolerations: {} }],
  ["a value where the chart looks for a map", { image: "ollama/ollama:0.32.15" }],
  ["a list where the chart looks for a map", { nodeSelector: [] }],
  ["a number where the chart looks for text", { image: { tag: 0.3 } }],
])("%s is refused", (_, values) => {
  expect(checkChartValues("ollama", "1.77.0", values)).toMatchObject([{ code: "wrong-chart-type" }]);
});

test("what stands below a map without keys of its own is Kubernetes', not the chart's", () => {
  expect(checkChartValues("ollama", "1.77.0", { nodeSelector: { any: "thing" }, resources: { limits: { x: 1 } } })).toEqual([]);
});

test("a key that came with a later chart is unknown to an earlier one", () => {
  const values = { podSchedulerName: "mine" };
  expect([checkChartValues("ollama", "1.36.0", values).length, checkChartValues("ollama", "1.77.0", values).length]).toEqual([
    1, 0,
  ]);
});

test.each([
  ["1.77.0", { version: "1.77.0", exact: true }],
  ["v1.77.0", { version: "1.77.0", exact: true }],
  ["1.60.0", { version: "1.36.0", exact: false }],
  ["1.80.0", { version: "1.77.0", exact: false }],
  ["1.2.0", { version: "1.36.0", exact: false }],
])("version %s of the chart is checked with the nearest known one", (version, basis) => {
  expect(checkedWith("ollama", version)).toEqual(basis);
});
