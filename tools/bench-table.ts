/** What one kind of run took. */
export interface Measured {
  /** What ran, such as `synth, 100 guests`. It tells the rows of two runs apart. */
  readonly name: string;
  /** Seconds from start to end on this machine: the median of the runs. */
  readonly seconds: number;
  /** How many times as long as an empty `node` it took; the median of the runs. Machines differ less in this than in seconds. */
  readonly ratio: number;
  /** Most memory that the process had, in MiB. @default it was not measured */
  readonly memoryMiB?: number;
  /** Size of what was written, in MiB. @default it writes nothing */
  readonly outputMiB?: number;
}

/** What `--save` writes and `--against` reads. */
export interface Record {
  /** The version of Node that ran. */
  readonly node: string;
  readonly rows: readonly Measured[];
}

/** How much slower or larger something may be than before, until it is named: runs differ by so much by themselves. */
const TOLERANCE = 1.2;

/** A number as somebody reads it: three digits that count, at most two of them behind the point. */
function short(number: number): string {
  return number >= 100 ? String(Math.round(number)) : number >= 10 ? number.toFixed(1) : number.toFixed(2);
}

/** The rows as a table with a head. */
export function table(rows: readonly Measured[]): string {
  const mib = (size: number | undefined) => (size === undefined ? "" : `${short(size)} MiB`);
  const cells = [
    ["", "seconds", "× empty node", "memory", "output"],
    ...rows.map(({ name, seconds, ratio, memoryMiB, outputMiB }) => [
      name,
      short(seconds),
      short(ratio),
      mib(memoryMiB),
      mib(outputMiB),
    ]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ");
  return cells.map((row) => line(row).trimEnd()).join("\n");
}

/** What takes more time, memory or room than before, a line each. What only one of the two has is left out. */
export function slower(now: readonly Measured[], before: readonly Measured[]): string[] {
  return now.flatMap((row) => {
    const former = before.find(({ name }) => name === row.name);
    if (!former) return [];
    const grew = (what: string, unit: string, after: number | undefined, earlier: number | undefined) =>
      after !== undefined && earlier !== undefined && after > earlier * TOLERANCE
        ? [`${row.name}: ${what}, ${short(after)}${unit} instead of ${short(earlier)}${unit}`]
        : [];
    return [
      ...grew("slower", " × an empty node", row.ratio, former.ratio),
      ...grew("more memory", " MiB", row.memoryMiB, former.memoryMiB),
      ...grew("a larger output", " MiB", row.outputMiB, former.outputMiB),
    ];
  });
}

/** The middle one of some numbers. @throws Error without a number */
export function median(numbers: readonly number[]): number {
  const middle = [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
  if (middle === undefined) throw new Error("nothing was measured");
  return middle;
}
