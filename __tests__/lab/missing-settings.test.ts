import { z } from "zod";
import { formatPath } from "../../lab/problem";
import { exampleAt } from "../../lab/schema-tree";
import { PLACES } from "../../testing/schema-places";

const needed = PLACES.filter(({ field, misspelt }) => misspelt !== undefined && !z.safeParse(field, undefined).success);

test("some settings must be there", () => expect(needed.length).toBeGreaterThan(20));

test.each(needed.map(({ path }) => [formatPath(path), path] as const))(
  "a lab without %s can be told what to write there",
  (_, path) => {
    expect(exampleAt(path)).toBeDefined();
  },
);
