import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { TextCheck } from "../../grammar/fault";
import { anyCharacter } from "../../testing/any-character";

const ROOM = join(__dirname, "../../grammar");

/** Every check of `grammar/` whose texts have a form. */
const checks = readdirSync(ROOM).flatMap((file) =>
  Object.entries(require(join(ROOM, file)) as Record<string, unknown>)
    .filter((entry): entry is [string, TextCheck] => typeof entry[1] === "function" && "form" in entry[1])
    .map(([name, check]) => ({ name, check, ...check.form })),
);
const patterned = checks.flatMap(({ pattern, ...one }) => (pattern ? [{ ...one, pattern }] : []));

test("most checks have a form", () => expect(checks.length).toBeGreaterThan(45));

test.each(checks)("$name accepts its example", ({ check, example }) => expect(check(example)).toBeUndefined());

test.each(patterned)("the pattern of $name is one that every editor reads", ({ pattern }) => {
  expect(pattern.flags).toBe("");
  expect(() => new RegExp(pattern.source, "u")).not.toThrow();
});

/** Texts near to an example: parts of it, doubled and joined, with other characters between. */
const near = (example: string) =>
  fc
    .array(fc.oneof(fc.constantFrom(...example.split(/\b/), example), fc.string({ maxLength: 2, unit: anyCharacter })), {
      maxLength: 5,
    })
    .map((parts) => parts.join(""));

test.each(patterned)(
  "what $name accepts matches its pattern, so that no editor refuses what the reader takes",
  ({ check, pattern, example }) => {
    const accepted = fc
      .oneof(
        near(example),
        near(example).map((text) => text + example),
      )
      .filter((text) => check(text) === undefined);
    fc.assert(
      fc.property(accepted, (text) => pattern.test(text)),
      { numRuns: 20, seed: 20_261_121 },
    );
  },
);
