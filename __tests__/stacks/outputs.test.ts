// The outputs of the stacks.
import { airGappedLab, baseLab, gpuLab, labWith, synthesized } from "../../testing/lab";

const both = labWith({ containers: baseLab.containers, defaults: { container: baseLab.defaults?.container } }, gpuLab);
const stacks = { ...synthesized(both), ...synthesized(labWith({ staging: {} }, airGappedLab)) };

test("of every stack have a description, in a sentence", () => {
  const without = Object.entries(stacks).flatMap(([id, { output }]) =>
    Object.entries(output ?? {}).flatMap(([name, { description }]) =>
      typeof description === "string" && /^[A-Z].{10,}\.$/s.test(description) ? [] : [`${id}.${name}: ${description}`],
    ),
  );
  expect(without).toEqual([]);
});
test.each(Object.entries(stacks))("of %s have a value", (_, { output }) => {
  expect(Object.values(output ?? {}).filter(({ value }) => value === undefined || value === "")).toEqual([]);
});
test("of model-staging are the release and the way to its log", () => {
  expect(Object.keys(stacks["model-staging"]?.output ?? {})).toEqual(["log_command", "release"]);
});
