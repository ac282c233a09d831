// A check looks at the whole text: a good value with more before or after it is another value.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { TextCheck } from "../../grammar/fault";

const GRAMMAR = join(__dirname, "../../grammar");

const isTextCheck = (value: unknown): value is TextCheck => typeof value === "function" && "form" in value;

/** Every check of a text that a file of the room exports, by its name. */
const checks = readdirSync(GRAMMAR).flatMap((file) =>
  Object.entries(require(join(GRAMMAR, file)) as Record<string, unknown>).flatMap(([name, check]) =>
    isTextCheck(check) ? [{ name, check, form: check.form }] : [],
  ),
);

/** Characters that no value has in this order, so that a check that finds a good value after or before them looks at a part of the text. */
const MORE = "{ :";

/** Checks that accept a remark after a good value. */
const WITH_REMARK = ["checkSshPublicKey"];

/** Checks whose pattern is about the beginning of the text, while the check looks at the rest too. */
const PATTERN_OF_BEGINNING = [
  ...WITH_REMARK,
  "checkEndpoint",
  "checkHttpUrl",
  "checkHttpsUrl",
  "checkNodeTaint",
  "checkImageVolume",
  "checkTemplateVolume",
];

const without = (names: readonly string[]) => checks.filter(({ name }) => !names.includes(name));

test("the room has checks of texts", () => expect(checks.length).toBeGreaterThan(40));

test.each(checks)("$name accepts its example, which its pattern matches", ({ check, form }) => {
  expect([check(form.example), form.pattern?.test(form.example) ?? true]).toEqual([undefined, true]);
});
test.each(checks)("$name refuses its example with more before it, with a reason and a remedy", ({ check, form }) => {
  const sentence = expect.stringMatching(/^\S.{10,}/);
  expect(check(MORE + form.example)).toMatchObject({ message: sentence, remedy: sentence });
});
test.each(without(WITH_REMARK))("$name refuses its example with more after it", ({ check, form }) => {
  expect(check(form.example + MORE)).toBeDefined();
});
test.each(checks)("the pattern of $name does not match with more before it", ({ form }) => {
  expect(form.pattern?.test(MORE + form.example) ?? false).toBe(false);
});
test.each(without(PATTERN_OF_BEGINNING))("the pattern of $name does not match with more after it", ({ form }) => {
  expect(form.pattern?.test(form.example + MORE) ?? false).toBe(false);
});
