// A headless Chromium, driven by its command line alone.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What a page takes a person to prefer. */
export type Scheme = "light" | "dark";

/** Chromium's own numbers for the schemes. */
const PREFERRED: Readonly<Record<Scheme, number>> = { dark: 0, light: 1 };

function chromium(scheme: Scheme, args: readonly string[], page: string): string {
  const profile = mkdtempSync(join(tmpdir(), "chromium-"));
  try {
    const run = spawnSync(
      "chromium",
      [
        "--headless",
        // Its sandbox needs a user that is not root; the page is this project's own and reaches no network.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        `--user-data-dir=${profile}`,
        `--blink-settings=preferredColorScheme=${PREFERRED[scheme]}`,
        ...args,
        page,
      ],
      { encoding: "utf8", timeout: 120_000, maxBuffer: 2 ** 28 },
    );
    if (run.status !== 0) throw new Error(`chromium ended with ${run.status ?? run.signal}:\n${run.stderr}`);
    return run.stdout;
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}

/** The attribute that the answer is handed over in. */
const RESULT = "result-of-the-test";

/**
 * Runs a script in a page that holds an SVG, and returns what it returns.
 * @param script JavaScript, the body of a function that gets the `<svg>` element as `svg` and returns what JSON can hold
 */
export function inPage(svg: string, scheme: Scheme, script: string): unknown {
  const folder = mkdtempSync(join(tmpdir(), "page-"));
  try {
    const page = join(folder, "page.html");
    // The answer goes into an attribute, in which URI encoding leaves nothing for HTML to change.
    writeFileSync(
      page,
      `<!doctype html><meta charset="utf-8"><body>${svg}<script>
const answer = (() => { const svg = document.querySelector("svg"); ${script} })();
document.body.setAttribute("${RESULT}", encodeURIComponent(JSON.stringify(answer)));
</script>`,
    );
    const dom = chromium(scheme, ["--dump-dom"], pathToFileURL(page).href);
    const [, answer] = new RegExp(`${RESULT}="([^"]*)"`).exec(dom) ?? [];
    if (answer === undefined) throw new Error(`the script of the page failed:\n${dom.slice(-2000)}`);
    return JSON.parse(decodeURIComponent(answer)) as unknown;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Takes a screenshot of an SVG as a page shows it that has it as a picture. Writes a PNG. */
export function screenshot(svgFile: string, scheme: Scheme, width: number, height: number, png: string): void {
  chromium(scheme, [`--window-size=${width},${height}`, `--screenshot=${png}`], pathToFileURL(svgFile).href);
}
