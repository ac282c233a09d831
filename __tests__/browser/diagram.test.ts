// The diagrams as a real browser draws them, with the fonts of this machine. SCREENSHOTS=FOLDER keeps a picture of each, in light and in dark.
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pictureOf } from "../../diagram/picture";
import { svg } from "../../diagram/svg";
import type { Lab } from "../../lab/lab";
import { checkLab, readLab } from "../../lab/read";
import { inPage, type Scheme, screenshot } from "../../testing/browser";
import { describeWithTool } from "../../testing/external-tool";
import { largeLab } from "../../testing/large-lab";

const ROOT = join(__dirname, "../..");

function exampleLab(file: string): Lab {
  const { lab, problems } = readLab(join(ROOT, "examples", file));
  if (!lab) throw new Error(JSON.stringify(problems));
  return lab;
}

/** The default lab, the example with the most guests, the one with an air gap, and 60 guests. */
const LABS: readonly (readonly [string, () => Lab])[] = [
  ["default", () => exampleLab("default.yaml")],
  ["high-availability", () => exampleLab("high-availability.yaml")],
  ["air-gapped", () => exampleLab("air-gapped.yaml")],
  ["sixty-guests", () => checkLab(largeLab, "/lab").lab],
];

/** What the page finds: pairs of texts that overlap, texts that leave their frame or cross another's edge, and colours. */
interface Found {
  readonly texts: number;
  readonly overlaps: readonly string[];
  readonly outside: readonly string[];
  readonly crossing: readonly string[];
  readonly faint: readonly string[];
  readonly page: string;
}

const SCRIPT = `
const extent = (element) => { const { x, y, width, height } = element.getBBox(); return { left: x, top: y, right: x + width, bottom: y + height }; };
const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
const inside = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
const texts = [...svg.querySelectorAll("text")].map((element) => ({ element, text: element.textContent, ...extent(element) }));
const frames = [...svg.querySelectorAll("rect.frame, rect.page")].map((element) => ({ element, ...extent(element) }));
const overlaps = texts.flatMap((a, i) => texts.slice(i + 1).filter((b) => !apart(a, b)).map((b) => a.text + " × " + b.text));
const outside = texts.filter((text) => {
  const frame = text.element.parentElement.querySelector(":scope > rect.frame") ?? svg.querySelector("rect.page");
  return !inside(text, extent(frame));
}).map(({ text }) => text);
const crossing = texts.filter((text) => frames.some((frame) => !apart(text, frame) && !inside(text, frame))).map(({ text }) => text);
const light = (colour) => {
  const [r, g, b] = colour.match(/\\d+/g).map(Number).map((value) => value / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const fill = (element) => getComputedStyle(element).fill;
const faint = texts.filter((text) => {
  // The innermost frame around it is drawn last.
  const under = frames.filter((frame) => inside(text, frame)).at(-1).element;
  const [a, b] = [light(fill(text.element)), light(fill(under))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
}).map(({ text }) => text);
return { texts: texts.length, overlaps, outside, crossing, faint, page: fill(svg.querySelector("rect.page")) };
`;

describeWithTool("chromium", "the SVG in Chromium", () => {
  describe.each(LABS)("of the lab %s", (name, lab) => {
    const drawn = svg(pictureOf(lab()));
    const [, width = "0", height = "0"] = /width="(\d+)" height="(\d+)"/.exec(drawn) ?? [];

    describe.each<[Scheme, string]>([
      ["light", "rgb(255, 255, 255)"],
      ["dark", "rgb(13, 17, 23)"],
    ])("in %s", (scheme, background) => {
      let found: Found;
      beforeAll(() => {
        // as: the script above returns this.
        found = inPage(drawn, scheme, SCRIPT) as Found;
      });

      test("has all of its texts", () => expect(found.texts).toBe(drawn.split("<text ").length - 1));
      test("has no two texts that overlap", () => expect(found.overlaps).toEqual([]));
      test("has each text inside its frame", () => expect(found.outside).toEqual([]));
      test("has no text across the edge of a frame", () => expect(found.crossing).toEqual([]));
      test("has the background of the scheme", () => expect(found.page).toBe(background));
      test("has texts that stand out: a contrast of 4.5 or more (www.w3.org/TR/WCAG22/#contrast-minimum)", () => {
        expect(found.faint).toEqual([]);
      });
      test("is drawn as a file of its own", () => {
        const folder = process.env["SCREENSHOTS"] ?? join(tmpdir(), `screenshots-${process.pid}`);
        mkdirSync(folder, { recursive: true });
        const file = join(folder, `${name}.svg`);
        writeFileSync(file, drawn);
        const png = join(folder, `${name}-${scheme}.png`);
        screenshot(file, scheme, Number(width), Number(height), png);
        // A page with an error of XML, or an empty one, has a few kilobytes.
        expect(statSync(png).size).toBeGreaterThan(20_000);
      });
    });
  });

  test("the largest example is among them", () => {
    const guests = (file: string) => {
      const { cluster, containers } = exampleLab(file);
      return Object.keys(containers ?? {}).length + (cluster ? cluster.servers.length + cluster.workers.length : 0);
    };
    const files = readdirSync(join(ROOT, "examples")).filter((file) => file.endsWith(".yaml"));
    expect(Math.max(...files.map(guests))).toBe(guests("high-availability.yaml"));
  });
  test("a text that is too wide for its frame would be found", () => {
    const wide = svg(pictureOf(exampleLab("default.yaml"))).replace("homelab-ollama-1", "homelab-ollama-1".repeat(5));
    const found = inPage(wide, "light", SCRIPT) as Found;
    expect([found.outside.length, found.crossing.length]).toEqual([1, 1]);
  });
});
