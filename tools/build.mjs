// Builds the program that `ollama-lab` runs: the TypeScript of this project and what it imports, as a few files in dist/ that Node reads
// without transpiling. main.mjs calls it when dist/ is missing or a source changed, `npm ci` by way of `npm run build`. The bindings come first.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { makeBindings } from "./bindings.mjs";
import sources from "./source-state.cjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What a file in the program expects: `__root`, the folder of the checkout, comes from tools/program.cjs. */
const TARGET = { target: "node20", platform: "node", legalComments: "none", logLevel: "error" };

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

/** Leaves out what zips assets in cdktf. It runs in a process of its own, started from cdktf's folder, and no construct here has such an asset. */
const withoutArchiver = {
  name: "without-archiver",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^archiver$/ }, () => ({ path: "archiver", namespace: "left-out" }));
    onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "" }));
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
    const { outputFiles } = await build({
      ...TARGET,
      entryPoints: [join(root, "cli/index.ts")],
      outdir: next,
      bundle: true,
      write: false,
      // Commands import what they need when they run, so that a check loads none of cdktf.
      splitting: true,
      format: "esm",
      outExtension: { ".js": ".cjs" },
      minifySyntax: true,
      plugins: [sourceFolders, withoutArchiver],
    });
    mkdirSync(next, { recursive: true });
    for (const { path, text } of outputFiles) {
      // esbuild splits ES modules only, but V8 lets a cache be given for scripts only.
      const { code } = await transform(text, {
        ...TARGET,
        format: "cjs",
        minifyWhitespace: true,
        supported: { "dynamic-import": false },
      });
      writeFileSync(join(next, basename(path)), code);
    }
    try {
      renameSync(next, folder);
    } catch (error) {
      if (!existsSync(join(folder, "index.cjs"))) throw error;
    }
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
  removeFormer(folder);
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !existsSync(sources.programFolder(root))) await buildProgram();
