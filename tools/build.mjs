// Builds the program that `ollama-lab` runs: the TypeScript of this project and what it imports, as a few files in dist/ that Node reads
// without transpiling. main.mjs calls it when dist/ is missing or a source changed, `npm ci` by way of `npm run build`. The bindings come first.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { makeBindings } from "./bindings.mjs";
import sources from "./source-state.cjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What CommonJS packages expect of Node, in files that are ES modules. */
const BANNER = [
  'import { createRequire as __createRequire } from "node:module";',
  'import { fileURLToPath as __fileURLToPath } from "node:url";',
  "const require = __createRequire(import.meta.url);",
  'const __root = __fileURLToPath(new URL("../..", import.meta.url));',
  "const __dirname = __root, __filename = __fileURLToPath(import.meta.url);",
].join("\n");

/** Gives each source file the `__dirname` that it has in the checkout, since constructs find templates/ and ansible/ by it. */
const sourceFolders = {
  name: "source-folders",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (!text.includes("__dirname") || path.includes("node_modules")) return undefined;
      const folder = relative(root, dirname(path));
      return {
        contents: text.replaceAll("__dirname", `(__root + ${JSON.stringify(folder)})`),
        loader: "ts",
        resolveDir: dirname(path),
      };
    });
  },
};

/** How long a program of other sources stays after it was built, in milliseconds: it may still run, and read its files as it needs them. */
const KEEP_MS = 60 * 60 * 1000;

function removeFormer(current) {
  for (const name of readdirSync(dirname(current))) {
    const folder = join(dirname(current), name);
    if (folder !== current && Date.now() - statSync(folder).mtimeMs > KEEP_MS) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Builds the program of the sources as they are now. Its folder appears as a whole; processes that build at the same time make the same.
 * @throws when a source does not compile
 */
export async function buildProgram() {
  await makeBindings();
  const folder = sources.programFolder(root);
  const next = `${folder}.${process.pid}`;
  try {
    await build({
      entryPoints: [join(root, "cli/index.ts")],
      outdir: next,
      bundle: true,
      // Commands import what they need when they run, so that a check loads none of cdktf.
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      keepNames: true,
      legalComments: "none",
      logLevel: "error",
      outExtension: { ".js": ".mjs" },
      banner: { js: BANNER },
      plugins: [sourceFolders],
    });
    try {
      renameSync(next, folder);
    } catch (error) {
      if (!existsSync(join(folder, "index.mjs"))) throw error;
    }
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
  removeFormer(folder);
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !existsSync(sources.programFolder(root))) await buildProgram();
