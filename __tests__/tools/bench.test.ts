// What `npm run bench` makes of its figures.
import { type Measured, median, slower, table } from "../../tools/bench-table";

const row: Measured = { name: "synth, 100 guests", seconds: 0.456, ratio: 6.789, memoryMiB: 123.4, outputMiB: 0.5 };

test("the table has a head, and a row for each kind of run with its units", () => {
  expect(table([{ name: "check", seconds: 12.34, ratio: 150.4 }, row])).toBe(
    [
      "                   seconds  × empty node   memory    output",
      "check                 12.3           150",
      "synth, 100 guests     0.46          6.79  123 MiB  0.50 MiB",
    ].join("\n"),
  );
});

describe("compared with an earlier run", () => {
  test("what is as fast is not named", () => expect(slower([row], [row])).toEqual([]));
  test("what is faster is not named", () => expect(slower([row], [{ ...row, ratio: 60 }])).toEqual([]));
  test("what differs by no more than runs do is not named", () => expect(slower([row], [{ ...row, ratio: 5.7 }])).toEqual([]));
  test("seconds of another machine do not count", () => expect(slower([row], [{ ...row, seconds: 0.1 }])).toEqual([]));
  test("a new kind of run is not named", () => expect(slower([row], [])).toEqual([]));
  test.each<[string, Partial<Measured>, string]>([
    ["slower", { ratio: 5 }, "synth, 100 guests: slower, 6.79 × an empty node instead of 5.00 × an empty node"],
    ["larger in memory", { memoryMiB: 100 }, "synth, 100 guests: more memory, 123 MiB instead of 100 MiB"],
    ["larger in output", { outputMiB: 0.4 }, "synth, 100 guests: a larger output, 0.50 MiB instead of 0.40 MiB"],
  ])("what is %s is named with both figures", (_, former, line) => {
    expect(slower([row], [{ ...row, ...former }])).toEqual([line]);
  });
});

test("the median is the middle one, whatever the order", () => expect(median([9, 1, 5])).toBe(5));
test("without a figure there is no median", () => expect(() => median([])).toThrow("nothing was measured"));
