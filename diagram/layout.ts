import type { Arrow, Box, Column, Content, Group, GroupKind, Item, Kind, Picture } from "./picture";
import { type Font, textWidth, wrap } from "./text-width";

/** How a text looks. */
export type TextStyle = "title" | "heading" | "line" | "chip" | "arrow";

/** Font sizes in pixels, and which are bold. */
export const FONTS: Readonly<Record<TextStyle, Font>> = {
  title: { size: 20, bold: true },
  heading: { size: 14, bold: true },
  line: { size: 12, bold: false },
  chip: { size: 11, bold: true },
  arrow: { size: 12, bold: false },
};

/** From the baseline of a line of text to the next, in font sizes. */
const LINE_HEIGHT = 1.5;

/** A rectangle in pixels, from the picture's upper left corner. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One line of text; `y` is its baseline. */
export interface PlacedText {
  readonly style: TextStyle;
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/** A frame with its texts, all of them inside it. */
export interface PlacedFrame extends Rectangle {
  /** What it shows, or `gpu` for a graphics card. */
  readonly kind: Kind | GroupKind | "gpu";
  /** Whether it is a frame around others. */
  readonly isGroup: boolean;
  readonly texts: readonly PlacedText[];
}

/** An arrow, straight down or up, and its label beside it. */
export interface PlacedArrow {
  readonly x: number;
  readonly from: number;
  readonly to: number;
  readonly label?: PlacedText;
}

/** Where everything is. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Texts that stand in no frame. */
  readonly texts: readonly PlacedText[];
  /** Outer frames come before those inside them. */
  readonly frames: readonly PlacedFrame[];
  readonly arrows: readonly PlacedArrow[];
}

/** How wide a picture may be, in pixels. The first is about the text column of GitHub; a larger lab takes the first that makes it no tower. */
const PAGES = [1080, 1440, 1800, 2160] as const;
/** How much higher than its page a picture may be, before a wider page is taken. */
const TOWER = 1.5;
const MARGIN = 24;
const GAP = 16;
const PADDING = 12;
/** Between two things of a column with an arrow between them. */
const ARROW_GAP = 40;
/** The widest line in a box. Names may have 63 characters, hosts 253. */
const WIDEST_LINE = 260;
const CHIP_HEIGHT = 20;
/** How many boxes of a group stand side by side at most. */
const MOST_COLUMNS = 6;

/** What is placed for a thing once its place is known. */
interface Placed {
  readonly frames: readonly PlacedFrame[];
  readonly arrows: readonly PlacedArrow[];
}

/** A thing whose size is known. It may be placed in a larger rectangle, which its frame then fills. */
interface Measured {
  readonly width: number;
  readonly height: number;
  readonly place: (at: Rectangle) => Placed;
}

const NOTHING: Placed = { frames: [], arrows: [] };

function all(parts: readonly Placed[]): Placed {
  return { frames: parts.flatMap(({ frames }) => frames), arrows: parts.flatMap(({ arrows }) => arrows) };
}

interface Line {
  readonly style: TextStyle;
  readonly text: string;
}

const lineHeight = (style: TextStyle) => Math.round(FONTS[style].size * LINE_HEIGHT);

function linesOf(title: string, lines: readonly string[], widest: number): Line[] {
  const wrapped = (text: string, style: TextStyle) => wrap(text, FONTS[style], widest).map((part) => ({ style, text: part }));
  return [...wrapped(title, "heading"), ...lines.flatMap((line) => wrapped(line, "line"))];
}

function placeLines(lines: readonly Line[], x: number, top: number): PlacedText[] {
  let y = top;
  return lines.map(({ style, text }) => {
    const height = lineHeight(style);
    // The baseline leaves a third of the font size for what hangs below it.
    const baseline = y + height - Math.round(FONTS[style].size * 0.4);
    y += height;
    return { style, text, x, y: baseline };
  });
}

const chipWidth = (text: string) => textWidth(text, FONTS.chip) + 16;

/** Chips in as many rows as they need: the offset of each, and what all take. */
function chipRows(gpus: readonly string[], widest: number) {
  let [x, y, width] = [0, 0, 0];
  const chips = gpus.flatMap((gpu) => {
    // A name that is too long for a row is broken; each part has a chip of its own.
    return wrap(`GPU ${gpu}`, FONTS.chip, widest - 16).map((text) => {
      const own = chipWidth(text);
      if (x > 0 && x + own > widest) [x, y] = [0, y + CHIP_HEIGHT + 6];
      const chip = { text, x, y, width: own };
      x += own + 6;
      width = Math.max(width, chip.x + own);
      return chip;
    });
  });
  return { chips, width, height: chips.length > 0 ? y + CHIP_HEIGHT + 8 : 0 };
}

/** The head of a frame: title, lines, chips. */
function head({ title, lines, gpus }: Pick<Box, "title" | "lines" | "gpus">, widest: number) {
  const texts = linesOf(title, lines, widest);
  const rows = chipRows(gpus, widest);
  const textHeight = texts.reduce((sum, { style }) => sum + lineHeight(style), 0);
  return {
    width: Math.max(rows.width, ...texts.map(({ style, text }) => textWidth(text, FONTS[style]))),
    height: textHeight + rows.height,
    texts: (x: number, y: number) => placeLines(texts, x, y),
    chips: (left: number, top: number): PlacedFrame[] =>
      rows.chips.map(({ text, x, y, width }) => {
        const [at, below] = [left + x, top + textHeight + 6 + y];
        return {
          kind: "gpu",
          isGroup: false,
          x: at,
          y: below,
          width,
          height: CHIP_HEIGHT,
          texts: [{ style: "chip", text, x: at + 8, y: below + CHIP_HEIGHT - 6 }],
        };
      }),
  };
}

/** Boxes that were measured: their size is always the same, but rows are tried in several widths. */
const BOXES = new WeakMap<Box, Measured>();

function measureBox(box: Box): Measured {
  const known = BOXES.get(box);
  if (known) return known;
  const measured = newBox(box);
  BOXES.set(box, measured);
  return measured;
}

function newBox(box: Box): Measured {
  const top = head(box, WIDEST_LINE);
  return {
    width: top.width + 2 * PADDING + 4,
    height: top.height + 2 * PADDING - 4,
    place: (at) => {
      const [x, y] = [at.x + PADDING + 4, at.y + PADDING - 2];
      return { frames: [{ kind: box.kind, isGroup: false, ...at, texts: top.texts(x, y) }, ...top.chips(x, y)], arrows: [] };
    },
  };
}

/** `columns`: how many boxes of a grid stand side by side at most. */
function measureGroup(group: Group, room: number, columns: number): Measured {
  const inner = room - 2 * PADDING;
  const top = head(group, inner);
  const content = measureContent(group.content, inner, columns);
  const below = content.height > 0 ? top.height + 8 : top.height;
  return {
    width: Math.max(top.width, content.width) + 2 * PADDING,
    height: below + content.height + 2 * PADDING,
    place: (at) => {
      const [x, y] = [at.x + PADDING, at.y + PADDING];
      const frame: PlacedFrame = { kind: group.kind, isGroup: true, ...at, texts: top.texts(x, y) };
      const inside = content.place({ x, y: y + below, width: at.width - 2 * PADDING, height: at.height - below - 2 * PADDING });
      return all([{ frames: [frame, ...top.chips(x, y)], arrows: [] }, inside]);
    },
  };
}

function measureContent(content: Content, room: number, columns: number): Measured {
  return "grid" in content ? measureGrid(content.grid, room, columns) : measureColumn(content, room, columns);
}

const isBox = (item: Item): item is Box => !("content" in item) && !("items" in item);

function measure(item: Item, room: number, columns: number): Measured {
  if (isBox(item)) return measureBox(item);
  return "items" in item ? measureColumn(item, room, columns) : measureGroup(item, room, columns);
}

const labelWidth = (arrow: Arrow | undefined) => (arrow ? 24 + textWidth(arrow.label, FONTS.arrow) : 0);

function measureColumn({ items, arrows }: Column, room: number, columns: number): Measured {
  const measured = items.map((item) => measure(item, room, columns));
  const gapBelow = (i: number) => (i === items.length - 1 ? 0 : arrows[i] ? ARROW_GAP : GAP);
  return {
    width: Math.max(0, ...measured.map(({ width }) => width), ...arrows.map((arrow) => PADDING + labelWidth(arrow))),
    height: measured.reduce((sum, { height }, i) => sum + height + gapBelow(i), 0),
    place: ({ x, y, width }) => {
      let top = y;
      const parts = measured.map(({ height, place }, i): Placed => {
        const part = place({ x, y: top, width, height });
        top += height + gapBelow(i);
        const arrow = arrows[i];
        if (!arrow || i === items.length - 1) return part;
        return all([part, { frames: [], arrows: [placeArrow(arrow, x + 2 * PADDING, top - ARROW_GAP, top)] }]);
      });
      return all(parts);
    },
  };
}

function placeArrow({ label, direction }: Arrow, x: number, top: number, bottom: number): PlacedArrow {
  const [from, to] = direction === "down" ? [top + 2, bottom - 3] : [bottom - 2, top + 3];
  return { x, from, to, label: { style: "arrow", text: label, x: x + 12, y: (top + bottom) / 2 + 4 } };
}

/** Things side by side, in rows. Things of one kind that are boxes get one width. */
function measureGrid(items: readonly Item[], room: number, columns: number): Measured {
  if (items.length === 0) return { width: 0, height: 0, place: () => NOTHING };
  if (items.every(isBox)) return rowsOf(items.map(measureBox), room, columns, true);
  // Groups hold grids of their own: how wide those are is free, so that the whole is as low as can be.
  const tries = Array.from({ length: MOST_COLUMNS }, (_, i) =>
    rowsOf(
      items.map((item) => measure(item, room, i + 1)),
      room,
      Number.POSITIVE_INFINITY,
      false,
    ),
  );
  return tries.reduce((best, next) => (next.height < best.height ? next : best));
}

/** Rows of things that are as high as the highest of the row. `even`: all get the width of the widest. Otherwise each row is filled. */
function rowsOf(things: readonly Measured[], room: number, columns: number, even: boolean): Measured {
  const widest = Math.max(...things.map(({ width }) => width));
  const widthOf = (thing: Measured) => (even ? widest : thing.width);
  const rows: Measured[][] = [];
  let taken = 0;
  for (const thing of things) {
    const row = rows.at(-1);
    if (row && row.length < columns && taken + GAP + widthOf(thing) <= room) {
      row.push(thing);
      taken += GAP + widthOf(thing);
    } else {
      rows.push([thing]);
      taken = widthOf(thing);
    }
  }
  const rowWidth = (row: readonly Measured[]) => row.reduce((sum, thing) => sum + widthOf(thing), 0) + GAP * (row.length - 1);
  const rowHeight = (row: readonly Measured[]) => Math.max(...row.map(({ height }) => height));
  return {
    width: Math.max(...rows.map(rowWidth)),
    height: rows.reduce((sum, row) => sum + rowHeight(row), 0) + GAP * (rows.length - 1),
    place: (at) => {
      let y = at.y;
      const parts = rows.flatMap((row) => {
        const height = rowHeight(row);
        let { x } = at;
        const placed = row.map((thing, i) => {
          // The last frame of a row reaches to the edge.
          const width = even || i < row.length - 1 ? widthOf(thing) : at.x + at.width - x;
          const part = thing.place({ x, y, width, height });
          x += width + GAP;
          return part;
        });
        y += height + GAP;
        return placed;
      });
      return all(parts);
    },
  };
}

/** Places everything in a picture. Texts never overlap, whatever their length and the viewer's font. */
export function layoutOf(picture: Picture): Layout {
  const [narrowest, ...wider] = PAGES;
  return wider.reduce(
    (layout, page) => {
      if (layout.height <= layout.width * TOWER) return layout;
      const next = layoutOn(page, picture);
      return next.height < layout.height ? next : layout;
    },
    layoutOn(narrowest, picture),
  );
}

function layoutOn(page: number, { title, summary, column }: Picture): Layout {
  const room = page - 2 * MARGIN;
  const heads: Line[] = [
    ...wrap(title, FONTS.title, room).map((text): Line => ({ style: "title", text })),
    ...wrap(summary, FONTS.line, room).map((text): Line => ({ style: "line", text })),
  ];
  const headHeight = heads.reduce((sum, { style }) => sum + lineHeight(style), 0) + GAP;
  const content = measureColumn(column, room, MOST_COLUMNS);
  const width = Math.max(content.width, ...heads.map(({ style, text }) => textWidth(text, FONTS[style])));
  const placed = content.place({ x: MARGIN, y: MARGIN + headHeight, width, height: content.height });
  return {
    width: width + 2 * MARGIN,
    height: headHeight + content.height + 2 * MARGIN,
    texts: placeLines(heads, MARGIN, MARGIN),
    ...placed,
  };
}
