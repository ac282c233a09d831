import { z } from "zod";
import { formatPath } from "../../lab/problem";
import type { LabInput } from "../../lab/schema";
import { problemsOf } from "../../testing/lab";
import { PLACES, type Place } from "../../testing/schema-places";

/** What the reader says about a lab that nobody checked before. */
const said = (lab: unknown) => problemsOf(lab as LabInput);

/** A value of a type that the place does not take. */
function wrongType({ schema }: Place): unknown {
  const refusedWhole = (value: unknown) => z.safeParse(schema, value).error?.issues.every(({ path }) => path.length === 0);
  return [true, "no such word", 5.5, [], {}].find((value) =>
    typeof value !== "string" || !(schema instanceof z.ZodString) ? refusedWhole(value) : false,
  );
}

/** The values just outside the bounds of the place. */
function outside({ schema }: Place): { what: string; value: unknown }[] {
  if (schema instanceof z.ZodNumber) {
    const { minimum, maximum } = z.toJSONSchema(schema, { io: "input" });
    return [
      ...(minimum === undefined ? [] : [{ what: `${minimum - 1}`, value: minimum - 1 }]),
      ...(maximum === undefined ? [] : [{ what: `${maximum + 1}`, value: maximum + 1 }]),
    ];
  }
  if (!(schema instanceof z.ZodArray) && !(schema instanceof z.ZodString)) return [];
  const { minItems, maxItems, maxLength } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return [
    ...(minItems === undefined ? [] : [{ what: `${minItems - 1} entries`, value: [] }]),
    ...(maxItems === undefined
      ? []
      : [{ what: `${maxItems + 1} entries`, value: Array.from({ length: maxItems + 1 }, (_, i) => `a${i}`) }]),
    ...(maxLength === undefined ? [] : [{ what: `${maxLength + 1} characters`, value: "a".repeat(maxLength + 1) }]),
  ];
}

const titled = PLACES.map((place) => ({ title: formatPath(place.path), place }));
/** z.json() takes everything: what is below it is another program's. */
const typed = titled.filter(({ place }) => wrongType(place) !== undefined);
const bounded = titled.flatMap(({ title, place }) => outside(place).map((one) => ({ title, place, ...one })));
const settings = titled.flatMap(({ title, place }) => (place.misspelt ? [{ title, place, misspelt: place.misspelt }] : []));

test("the schema has the places that the tests below are made from", () => {
  expect([typed.length > 300, bounded.length > 80, settings.length > 250]).toEqual([true, true, true]);
});

test.each(typed)("$title of a wrong type is refused there, with a remedy", ({ place }) => {
  expect(said(place.with(wrongType(place)))).toContainEqual(
    expect.objectContaining({
      path: place.path,
      severity: "error",
      message: expect.stringMatching(/./),
      remedy: expect.stringMatching(/./),
    }),
  );
});

test.each(bounded)("$title with $what is refused there, with the bound", ({ place, value }) => {
  expect(said(place.with(value))).toContainEqual(
    expect.objectContaining({ path: place.path, severity: "error", remedy: expect.stringMatching(/\d/) }),
  );
});

test.each(settings)(
  "$title without its first letter is refused there, with the setting that was meant",
  ({ place, misspelt }) => {
    const key = String(place.path.at(-1));
    const wrong = key.slice(1);
    const path = [...place.path.slice(0, -1), wrong];
    const problem = said(misspelt(wrong)).find((one) => formatPath(one.path) === formatPath(path));
    expect(problem).toMatchObject({ code: "unknown-key", remedy: expect.stringContaining(key) });
  },
);
