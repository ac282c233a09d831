import fc from "fast-check";

/** Any character of Unicode. fast-check's `unit: "binary"` means the same, but makes a table of a million characters before the first text. */
export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff })
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map(
    (code) => String.fromCodePoint(code),
    (text) => codeOf(text),
  );

/** @throws Error for what is not one character: so fast-check asks whether a text could come from here */
function codeOf(text: unknown): number {
  if (typeof text !== "string" || [...text].length !== 1) throw new Error("not a character");
  return text.codePointAt(0) ?? 0;
}
