import { FONTS, layoutOf, type PlacedArrow, type PlacedFrame, type PlacedText, type TextStyle } from "./layout";
import type { Picture } from "./picture";

/** Fill and line of a frame, in light and in dark. */
interface Colours {
  readonly fill: readonly [light: string, dark: string];
  readonly line: readonly [light: string, dark: string];
}

const GREY: Colours = { fill: ["#f6f8fa", "#161b22"], line: ["#afb8c1", "#484f58"] };
const BLUE: Colours = { fill: ["#e8f1fd", "#10233c"], line: ["#2563eb", "#5b9bf5"] };
const GREEN: Colours = { fill: ["#e6f6ec", "#0f2a1b"], line: ["#15803d", "#4bb974"] };
const VIOLET: Colours = { fill: ["#f1ebfd", "#241a3d"], line: ["#7c3aed", "#a585f2"] };
const ORANGE: Colours = { fill: ["#fdf1e3", "#35220d"], line: ["#c2570c", "#e8924a"] };
const TEAL: Colours = { fill: ["#e2f5f5", "#0c2a2c"], line: ["#0e7c86", "#3fb5bf"] };
const WHITE: Colours = { fill: ["#ffffff", "#0d1117"], line: ["#afb8c1", "#484f58"] };

type FrameKind = PlacedFrame["kind"];

const COLOURS: Readonly<Record<FrameKind, Colours>> = {
  band: GREY,
  part: WHITE,
  production: WHITE,
  container: BLUE,
  server: VIOLET,
  worker: GREEN,
  platform: WHITE,
  release: BLUE,
  route: TEAL,
  claim: ORANGE,
  storage: ORANGE,
  staging: WHITE,
  mirror: TEAL,
  gpu: { fill: ["#ffffff", "#0d1117"], line: ["#3f7d0a", "#86c440"] },
};

const TEXT_COLOUR: Readonly<Record<TextStyle, readonly [light: string, dark: string]>> = {
  title: ["#1f2328", "#f0f6fc"],
  heading: ["#1f2328", "#f0f6fc"],
  line: ["#4b535d", "#b1bac4"],
  chip: ["#2f6000", "#a6dd6b"],
  arrow: ["#4b535d", "#b1bac4"],
};

/** Fonts that every system has; the last is whatever the viewer has. */
const FAMILIES = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** The rules of one scheme: 0 is light, 1 dark. Classes instead of variables, which not every viewer of SVG knows. */
function rules(scheme: 0 | 1, used: ReadonlySet<FrameKind>): string[] {
  const line = TEXT_COLOUR.arrow[scheme];
  return [
    rule("page", `fill:${WHITE.fill[scheme]}`),
    ...Object.entries(TEXT_COLOUR).map(([style, colour]) => rule(style, `fill:${colour[scheme]}`)),
    rule("shaft", `stroke:${line}`),
    rule("point", `fill:${line}`),
    ...[...used].sort().flatMap((kind) => {
      const { fill, line: own } = COLOURS[kind];
      return [rule(kind, `fill:${fill[scheme]};stroke:${own[scheme]}`), rule(`${kind}-bar`, `fill:${own[scheme]}`)];
    }),
  ];
}

/** A rule for what has a class in this picture. Without its own class it would hold for the whole page that somebody puts the picture into. */
function rule(name: string, declarations: string): string {
  return `.ollama-lab .${name}{${declarations}}`;
}

function style(used: ReadonlySet<FrameKind>): string {
  return [
    `.ollama-lab text{font-family:${FAMILIES}}`,
    ...Object.entries(FONTS).map(([name, { size, bold }]) => rule(name, `font-size:${size}px${bold ? ";font-weight:600" : ""}`)),
    rule("production", "stroke-dasharray:6 4;stroke-width:1.5"),
    ...rules(0, used),
    `@media (prefers-color-scheme:dark){${rules(1, used).join("")}}`,
  ].join("\n");
}

/** A text as XML takes it: no character of markup, and none that XML forbids. */
export function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 forbids them (www.w3.org/TR/xml/#charsets).
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\p{Surrogate}\ufffe\uffff]/gu, "\ufffd")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      .replaceAll("'", "&#39;")
  );
}

const text = ({ style: name, x, y, text: content }: PlacedText) =>
  `<text class="${name}" x="${x}" y="${y}">${escapeXml(content)}</text>`;

function frame({ kind, isGroup, x, y, width, height, texts }: PlacedFrame): string {
  const radius = kind === "gpu" ? height / 2 : isGroup ? 8 : 6;
  const bar =
    isGroup || kind === "gpu" ? "" : `<rect class="${kind}-bar" x="${x}" y="${y + 6}" width="4" height="${height - 12}" rx="2"/>`;
  return [
    `<g><rect class="frame ${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`,
    bar,
    ...texts.map(text),
    "</g>",
  ].join("");
}

function arrow({ x, from, to, label }: PlacedArrow): string {
  const back = to > from ? -7 : 7;
  return [
    `<g><path class="shaft" fill="none" stroke-width="1.5" d="M${x} ${from}V${to + back}"/>`,
    `<path class="point" d="M${x} ${to}l-4.5 ${back}h9z"/>`,
    label ? text(label) : "",
    "</g>",
  ].join("");
}

/**
 * A picture as one SVG file that needs nothing else: no font, no script, no other file. Its colours follow the viewer's scheme, light or dark,
 * and it brings its own background, since some viewers show a dark page to somebody who prefers light.
 */
export function svg(picture: Picture): string {
  const { width, height, texts, frames, arrows } = layoutOf(picture);
  const used = new Set(frames.map(({ kind }) => kind));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="ollama-lab" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeXml(picture.title)}</title>`,
    `<desc>${escapeXml(picture.summary)}</desc>`,
    `<style>${style(used)}</style>`,
    `<rect class="page" width="${width}" height="${height}" rx="10"/>`,
    ...texts.map(text),
    ...frames.map(frame),
    ...arrows.map(arrow),
    "</svg>",
    "",
  ].join("\n");
}
