// Runs scripts of package.json at the same time, and prints what each says when it ends. `node tools/side-by-side.mjs lint types`
import { spawn } from "node:child_process";

/** The script's exit code. */
function run(name) {
  const output = [];
  const script = spawn("npm", ["run", "--silent", name], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [script.stdout, script.stderr]) stream.on("data", (part) => output.push(part));
  return new Promise((ended) => {
    script.on("error", (error) => {
      console.error(`npm run ${name} did not start: ${error.message}`);
      ended(1);
    });
    script.on("close", (code) => {
      process.stdout.write(Buffer.concat(output));
      if (code !== 0) console.error(`npm run ${name} failed.`);
      ended(code ?? 1);
    });
  });
}

const codes = await Promise.all(process.argv.slice(2).map(run));
process.exitCode = Math.max(...codes);
