import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { stringify } from "yaml";
import type { Lab } from "../../lab/lab";
import { readLab } from "../../lab/read";
import { changedLab, madeLab, slightlyChangedLab, slippedText } from "../../testing/any-lab";
import type { StackJson } from "../../testing/lab";
import { inMemory } from "../../testing/synthesis";

/** How many labs: few and always the same ones, or as many as ANY_LAB_RUNS says, and others in each run. */
const asked = Number(process.env["ANY_LAB_RUNS"] ?? 0);
const runs = (few: number): fc.Parameters<unknown> => (asked > 0 ? { numRuns: asked } : { numRuns: few, seed: 7 });
const times = { timeout: 60_000 + asked * 200 };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "any-lab-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The text of the file, so that a failure shows the lab as it was read. */
const yaml = (lab: unknown) => stringify(lab);

function read(text: string) {
  const file = join(folder, "lab.yaml");
  writeFileSync(file, text);
  return readLab(file);
}

/** More time of a processor than any lab takes on a slow machine. Time on the clock would say how busy the machine is. */
const MOST_MILLISECONDS = 5000;

function processorMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** What the reader owes to every text: an answer in time, and for each problem a place, what is wrong and what to do. */
function answers(text: string): void {
  const begin = processorMilliseconds();
  const { lab, problems } = read(text);
  expect(processorMilliseconds() - begin).toBeLessThan(MOST_MILLISECONDS);
  expect(lab === undefined).toBe(problems.some(({ severity }) => severity === "error"));
  for (const { position, message, remedy } of problems) {
    expect([position?.line, position?.column]).toEqual([expect.any(Number), expect.any(Number)]);
    expect([message, remedy]).toEqual([expect.stringMatching(/\S{2}/), expect.stringMatching(/\S{2}/)]);
    expect(`${message}${remedy}`).not.toMatch(/undefined|\[object/);
  }
}

describe("The reader answers in problems with place, message and remedy, in time, for", () => {
  test(
    "labs that were right and have changes",
    () => {
      fc.assert(fc.property(changedLab.map(yaml), answers), runs(12));
    },
    times.timeout,
  );
  test(
    "labs that the schema makes",
    () => {
      fc.assert(fc.property(madeLab.map(yaml), answers), runs(4));
    },
    times.timeout,
  );
  test(
    "files with slips of the hand",
    () => {
      fc.assert(fc.property(slippedText, answers), runs(12));
    },
    times.timeout,
  );
});

/** The names that Terraform takes: of resources, data, variables, outputs and locals (developer.hashicorp.com/terraform/language, Identifiers). */
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_-]*$/;

function namesIn({ resource = {}, data = {}, variable = {}, output = {}, locals = {} }: Partial<StackJson>): string[] {
  return [...[resource, data].flatMap((types) => Object.values(types)), variable, output, locals].flatMap((names) =>
    Object.keys(names),
  );
}

function synthesize(lab: Lab): StackJson[] {
  return Object.values(inMemory(lab, [])).map((json) => JSON.parse(json()) as StackJson);
}

test(
  "every lab that is accepted synthesizes, and Terraform takes every name in it",
  () => {
    let accepted = 0;
    fc.assert(
      fc.property(slightlyChangedLab.map(yaml), (text) => {
        const { lab } = read(text);
        if (!lab) return;
        accepted += 1;
        const names = synthesize(lab).flatMap(namesIn);
        expect(names.filter((name) => !IDENTIFIER.test(name))).toEqual([]);
      }),
      runs(15),
    );
    // Else the property says nothing.
    expect(accepted).toBeGreaterThan(2);
  },
  times.timeout,
);
