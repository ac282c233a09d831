import { canonicalJson, mergeValues } from "../../../constructs/kubernetes/values";

test("values of maps are merged key by key", () => {
  expect(mergeValues({ a: { b: 1, c: 2 }, d: 3 }, { a: { c: 4 }, e: 5 })).toEqual({ a: { b: 1, c: 4 }, d: 3, e: 5 });
});
test.each<[what: string, below: unknown, over: unknown]>([
  ["a list", [1, 2], [3]],
  ["a list in the place of a map", { a: 1 }, [3]],
  ["a map in the place of a list", [1, 2], { a: 1 }],
  ["null in the place of a map", { a: 1 }, null],
  ["a map in the place of null", null, { a: 1 }],
  ["a number in the place of a map", { a: 1 }, 5],
  ["a map in the place of a text", "text", { a: 1 }],
])("%s is taken as a whole", (_, below, over) => {
  expect(mergeValues({ value: below }, { value: over })).toEqual({ value: over });
});
test("the values that are merged stay as they are", () => {
  const base = { a: { b: 1 } };
  mergeValues(base, { a: { b: 2 } });
  expect(base).toEqual({ a: { b: 1 } });
});
test("JSON has the keys of every map in order, and lists as they are", () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }, 2, 1], a: "x" })).toBe('{"a":"x","b":[{"c":null,"d":1},2,1]}');
});
