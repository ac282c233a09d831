// Replays the provider schemas of provider-schemas/ to the real Terraform, over its plugin protocol 6 and a unix socket, so
// that init, validate, plan, apply and destroy run with no provider binary, no network and no credential.
//
// It replays the schema, not the provider. A test against it proves what Terraform's core checks: types, required and unknown
// attributes, block counts, references, cycles, sensitive values, variables, preconditions, lifecycle, moved blocks, state and
// convergence. A table of this folder (replacement.ts) adds which edits replace an object.
// It cannot prove what a provider does in its own code: checks of values and of attributes that exclude each other, defaults
// that the code fills in (an attribute that is left out stays null here), values that it normalizes, and what the real API
// refuses. It shows no drift either: reading an object returns what the state says.
//
// start.ts starts it once for a jest run, as a process of its own, so that a test that blocks its thread does not stop it.
// A test opens a "world" over the control socket (client.ts): its own sockets, guests and answers of data sources. All worlds
// share the loaded schemas. The server ends and removes its folder when the process that started it is gone.
import { readdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import type { LoadedProvider } from "./provider-server";
import { readSnapshot } from "./snapshot";
import { type Fixtures, type Guest, World } from "./world";

/** What TF_REATTACH_PROVIDERS holds for one provider address. */
export interface Reattach {
  Protocol: "grpc";
  ProtocolVersion: 6;
  Pid: number;
  Test: true;
  Addr: { Network: "unix"; String: string };
}

/** The answer to opening a world. */
export interface OpenedWorld {
  id: number;
  /** By provider address. */
  reattach: Record<string, Reattach>;
}

const [runFolder, schemaFolder] = process.argv.slice(2);
if (runFolder === undefined || schemaFolder === undefined) {
  throw new Error("usage: server.ts RUN_FOLDER SCHEMA_FOLDER");
}

const worlds: World[] = [];
let providers: LoadedProvider[] | undefined;

/** Loaded for the first world, because most test files need none. */
async function loadedProviders(): Promise<LoadedProvider[]> {
  if (providers === undefined) {
    const { loadProvider } = await import("./provider-server");
    providers = readdirSync(schemaFolder as string)
      .filter((file) => /^[^@]+@.+\.json$/.test(file))
      .map((file) => loadProvider(readSnapshot(schemaFolder as string, file)));
  }
  return providers;
}

async function openWorld(fixtures: Fixtures): Promise<OpenedWorld> {
  const { serveProvider } = await import("./provider-server");
  const world = new World(fixtures);
  const id = worlds.push(world) - 1;
  const reattach: Record<string, Reattach> = {};
  for (const [index, provider] of (await loadedProviders()).entries()) {
    const socket = join(runFolder as string, `${id}-${index}`);
    await serveProvider(provider, world, socket);
    const address: Reattach["Addr"] = { Network: "unix", String: socket };
    const { address: source } = provider.snapshot;
    // OpenTofu looks for the same provider in its own registry.
    for (const name of [source, source.replace("registry.terraform.io/", "registry.opentofu.org/")]) {
      reattach[name] = { Protocol: "grpc", ProtocolVersion: 6, Pid: process.pid, Test: true, Addr: address };
    }
  }
  return { id, reattach };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8") || "null");
}

/** `POST /worlds` opens one; `GET /worlds/ID/guests` lists its guests and `POST` there adds one. */
async function answer(request: IncomingMessage): Promise<unknown> {
  const { method = "", url = "" } = request;
  if (method === "POST" && url === "/worlds") {
    return openWorld((await bodyOf(request)) as Fixtures);
  }
  const world = worlds[Number(/^\/worlds\/(\d+)\/guests$/.exec(url)?.[1] ?? -1)];
  if (world === undefined) {
    throw new Error(`The provider replay has no ${method} ${url}.`);
  }
  if (method === "POST") {
    world.add((await bodyOf(request)) as Guest);
  }
  return world.guests();
}

const control = createServer((request, response) => {
  answer(request).then(
    (body) => response.end(JSON.stringify(body)),
    (error: unknown) => {
      response.statusCode = 500;
      response.end(error instanceof Error ? (error.stack ?? error.message) : String(error));
    },
  );
});
control.listen(join(runFolder, "control"));

function end(): never {
  rmSync(runFolder as string, { recursive: true, force: true });
  process.exit();
}

process.on("disconnect", end);
// If the run ended before this process started, no message comes.
if (!process.connected) {
  end();
}
