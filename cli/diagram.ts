import { mermaid } from "../diagram/mermaid";
import { pictureOf } from "../diagram/picture";
import { svg } from "../diagram/svg";
import { readLab } from "../lab/read";
import { EXIT, type Outcome } from "./command";
import { verdict } from "./print";
import { writeOutput } from "./written";

/** What can be said on the command line about the diagram. */
export interface DiagramOptions {
  /** @default svg for an output that ends in .svg, else mermaid */
  readonly format?: "mermaid" | "svg";
  /** The file to write. @default stdout */
  readonly output?: string;
}

const DRAW = { mermaid, svg } as const;

/**
 * `diagram`: a picture of what a lab builds. A file is there as a whole or not at all.
 * @throws Refusal when the file cannot be written
 */
export function diagram(file: string, { format: named, output }: DiagramOptions): Outcome {
  const { lab, problems } = readLab(file);
  if (!lab) return { exitCode: EXIT.refused, lab: file, problems, notice: `${file}: ${verdict(problems)}. Nothing was drawn.` };
  const format = named ?? (output?.toLowerCase().endsWith(".svg") ? "svg" : "mermaid");
  const drawn = DRAW[format](pictureOf(lab));
  if (output === undefined)
    return { exitCode: EXIT.done, lab: file, result: { format, output: null, diagram: drawn }, text: drawn };
  writeOutput(output, drawn, "Name another file with --output.");
  return { exitCode: EXIT.done, lab: file, result: { format, output }, text: `${output}: ${file} as ${format}.` };
}
