// jest's globalSetup: starts the provider replay for the whole run, without waiting for it. What tests leave in the folder for temporary files goes with
// the folder of the run.
import { fork } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CONTROL_VARIABLE } from "./client";

/** The longest path that the folder may have. The path of a unix socket has at most 107 bytes, its name in the folder included. */
const LONGEST_FOLDER = 90;

export default function start(): void {
  const parent = tmpdir().length + "/replay-XXXXXX".length > LONGEST_FOLDER ? "/tmp" : tmpdir();
  const folder = mkdtempSync(join(parent, "replay-"));
  const server = fork(join(__dirname, "server.ts"), [folder, resolve(__dirname, "../../provider-schemas")], {
    execArgv: ["--import", "tsx"],
    cwd: resolve(__dirname, "../.."),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  // Neither the process nor the channel to it may keep jest from ending. The process ends itself after jest.
  server.unref();
  server.channel?.unref();
  // Workers inherit the environment.
  process.env[CONTROL_VARIABLE] = join(folder, "control");
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  // cdktf makes a folder there for every app, and never removes one.
  process.env["TMPDIR"] = temporary;
}
