/** How large a text is, in pixels, and whether it is bold. */
export interface Font {
  readonly size: number;
  readonly bold: boolean;
}

/**
 * Widths of characters as parts of the font size. They are those of DejaVu Sans Bold or more, which is wider than the usual fonts of
 * Windows, macOS, Android and Linux. So a text never is wider than computed here, whatever font a viewer has.
 */
const WIDTHS: readonly (readonly [string, number])[] = [
  ["iljI.,:;'|!", 0.41],
  [' ()[]{}ft/\\"`-r·', 0.5],
  ["mwMW@%", 1.12],
  ["ABCDEFGHJKLNOPQRSTUVXYZ&+<>=#~^", 0.87],
];
const WIDTH_OF = new Map(
  WIDTHS.flatMap(([characters, width]) => [...characters].map((character) => [character, width] as const)),
);

/** The other letters and digits of ASCII. */
const ASCII = 0.72;

/** Any other character: a full-width one, such as a Chinese letter, has the font's size. */
const OTHER = 1.12;

/** How much narrower DejaVu Sans is than DejaVu Sans Bold, at the least. */
const REGULAR = 0.92;

/** The width that a text takes at most, in pixels. */
export function textWidth(text: string, { size, bold }: Font): number {
  let width = 0;
  for (const character of text) width += WIDTH_OF.get(character) ?? (character <= "~" ? ASCII : OTHER);
  return Math.ceil(width * size * (bold ? 1 : REGULAR));
}

/** A word in parts that are no wider than `widest`: broken after a separator where there is one, and anywhere where there is none. */
function broken(word: string, font: Font, widest: number): string[] {
  if (textWidth(word, font) <= widest) return [word];
  const pieces = word.split(/(?<=[-./:,@])/u);
  return joined(pieces.length > 1 ? pieces.flatMap((piece) => broken(piece, font, widest)) : [...word], font, widest);
}

/** Pieces put together again, as many as there is room for. */
function joined(pieces: readonly string[], font: Font, widest: number): string[] {
  const lines: string[] = [];
  for (const piece of pieces) {
    const line = lines.at(-1);
    if (line !== undefined && textWidth((line + piece).trimEnd(), font) <= widest) lines[lines.length - 1] = line + piece;
    else lines.push(piece);
  }
  return lines;
}

/** A text in lines that are no wider than `widest` pixels: broken after a space, and within a word only where the word alone is too wide. */
export function wrap(text: string, font: Font, widest: number): string[] {
  const words = text.split(/(?<=\s)/u).flatMap((word) => broken(word, font, widest));
  return joined(words, font, widest).map((line) => line.trimEnd());
}
