// An Ollama server inside the test's own process. It can fail in the ways of real servers and of the proxies before them.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { dirname, join } from "node:path";

/** A model of the fake server. */
export interface FakeModel {
  /** As the API lists it, such as `llama3.2:1b`. */
  name: string;
  /** Bytes. */
  size: number;
  /** What it can do. Default: not told, as by releases before 0.32. */
  capabilities?: string[];
  /** Its architecture. Default: llama. */
  family?: string;
  /** For a cloud model: where it runs. */
  remoteHost?: string;
}

/** What one path answers in place of Ollama's own answer. */
export type Misbehaviour =
  /** Sends this. Default: status 200 and `application/json`, every time. After `times` times it answers as Ollama does. */
  | { answer: string; status?: number; type?: string; headers?: Record<string, string>; times?: number }
  /** Accepts the request and never answers. */
  | "hang"
  /** Closes the connection without a byte. */
  | "close"
  /** Sends half of an answer and closes the connection. */
  | "break";

/**
 * Models as files, in Ollama's own layout. The server judges them as the real one does. A pull accepts any blob that exists, whatever is in
 * it. 0.32 refuses a truncated model, but it remembers the answer of /api/show while the digest of the manifest stays the same, unless the
 * request has a `system` field. 0.13 remembers nothing, and shows a truncated model.
 */
export interface FakeStore {
  /** The folder with `blobs` and `manifests`. */
  folder: string;
  /** A folder with `registry/<host>/<namespace>/<model>/<tag>` and `registry-blobs/sha256-<hex>`, from which it pulls. */
  remote: string;
  /** The release that it behaves like. */
  release: "0.13.3" | "0.32.15";
}

/** How the fake server behaves. */
export interface FakeOllamaOptions {
  /** Default: none. */
  models?: FakeModel[];
  /** Models as files, in place of `models`. */
  store?: FakeStore;
  /** By path, such as `/api/tags`. Default: none, it answers as Ollama does. */
  misbehave?: Record<string, Misbehaviour>;
  /** How long `/api/generate` thinks, in milliseconds. Default 0. */
  thinks?: number;
  /** The only value of the header Authorization that it answers; others get 401, as from a door before Ollama. Default: it asks nobody. */
  authorization?: string;
  /** Serves HTTPS with this key and certificate (PEM). Default: HTTP. */
  tls?: { key: string; cert: string };
}

/** A request that the server got. */
export interface FakeRequest {
  path: string;
  body: string;
  /** The header Host. */
  host: string | undefined;
  /** The header Authorization. */
  authorization: string | undefined;
}

/** A running fake server. */
export interface FakeOllama {
  /** Such as `http://127.0.0.1:40123`. */
  url: string;
  port: number;
  /** All requests, in order. */
  requests: FakeRequest[];
  /** Forgets what it remembers, as the real one does when it starts again. */
  restart(): void;
  /** Stops it, open connections included. */
  close(): Promise<void>;
}

function listOf(models: FakeModel[]): string {
  return JSON.stringify({
    models: models.map(({ name, size, capabilities, family = "llama", remoteHost }) => ({
      name,
      model: name,
      ...(remoteHost && { remote_model: name.replace("-cloud", ""), remote_host: remoteHost }),
      modified_at: "2026-01-06T18:26:21.023875318Z",
      size,
      digest: "baf6a787fdffd633537aa2eb51cfd54cb93ff08e28040095462bb63daf552878",
      details: { parent_model: "", format: "gguf", family, families: [family], parameter_size: "1.2B" },
      ...(capabilities && { capabilities }),
    })),
  });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}

function misbehave(how: Misbehaviour, response: ServerResponse): void {
  if (how === "hang") return;
  if (how === "close") {
    response.destroy();
  } else if (how === "break") {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"models":[', () => response.destroy());
  } else {
    const type: Record<string, string> = how.type === "" ? {} : { "content-type": how.type ?? "application/json" };
    response.writeHead(how.status ?? 200, { ...type, ...how.headers }).end(how.answer);
  }
}

/** A status code and a JSON body. */
type Answer = [status: number, body: unknown];

interface Manifest {
  config: { digest: string; size: number };
  layers: { mediaType: string; digest: string; size: number }[];
}

/** The server's side of a folder of models. */
class Store {
  private shown = new Map<string, string>();

  constructor(private readonly store: FakeStore) {}

  forget(): void {
    this.shown = new Map();
  }

  /** What the server answers to a request that is about models. */
  answer(path: string, body: string): Answer {
    if (path === "/api/tags") return [200, { models: this.list() }];
    const request = JSON.parse(body) as { model: string; system?: string };
    const file = this.pathOf(request.model);
    if (path === "/api/pull") return this.pull(file);
    const manifest = this.manifest(file);
    if (!manifest) return [404, { error: `model '${request.model}' not found` }];
    if (path === "/api/show") return this.show(file, manifest, request.system !== undefined);
    rmSync(join(this.store.folder, "manifests", file));
    for (const digest of digestsOf(manifest)) {
      if (!this.paths().some((other) => digestsOf(this.manifest(other)).includes(digest)))
        rmSync(this.blob(digest), { force: true });
    }
    return [200, {}];
  }

  private blob(digest: string): string {
    return join(this.store.folder, "blobs", digest.replace(":", "-"));
  }

  private paths(): string[] {
    const folder = join(this.store.folder, "manifests");
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(folder, path)).isFile());
  }

  /** The path of a reference below manifests/. If the same name exists in another case, it is that one. */
  private pathOf(reference: string): string {
    const [, name = reference, tag = "latest"] = /^(.*):([^/:]+)$/.exec(reference) ?? [];
    const parts = name.split("/");
    if (parts.length === 1) parts.unshift("library");
    if (parts.length === 2) parts.unshift("registry.ollama.ai");
    const path = `${parts.join("/")}/${tag}`;
    return this.paths().find((other) => other.toLowerCase() === path.toLowerCase()) ?? path;
  }

  private manifest(path: string): Manifest | undefined {
    try {
      return JSON.parse(readFileSync(join(this.store.folder, "manifests", path), "utf8")) as Manifest;
    } catch {
      return undefined;
    }
  }

  /** Every manifest that is JSON, with or without its blobs. */
  private list(): object[] {
    return this.paths().flatMap((path) => {
      const manifest = this.manifest(path);
      const name = path
        .replace(/\/([^/]*)$/, ":$1")
        .replace(/^registry\.ollama\.ai\//, "")
        .replace(/^library\//, "");
      return manifest ? [{ name, model: name, size: manifest.layers.reduce((sum, { size }) => sum + size, 0) }] : [];
    });
  }

  private show(path: string, manifest: Manifest, overlay: boolean): Answer {
    const remembers = this.store.release === "0.32.15" && !overlay;
    const digest = createHash("sha256")
      .update(readFileSync(join(this.store.folder, "manifests", path)))
      .digest("hex");
    if (remembers && this.shown.get(path) === digest) return [200, {}];
    const weights = manifest.layers.find(({ mediaType }) => mediaType === "application/vnd.ollama.image.model");
    if (!weights || !existsSync(this.blob(weights.digest))) return [404, { error: "model not found" }];
    if (this.store.release === "0.32.15" && statSync(this.blob(weights.digest)).size < weights.size) {
      return [500, { error: "tensor offset+size exceeds file size" }];
    }
    if (remembers) this.shown.set(path, digest);
    return [200, {}];
  }

  private pull(path: string): Answer {
    const remote = join(this.store.remote, "registry", path.toLowerCase());
    if (!existsSync(remote)) return [500, { error: "pull model manifest: file does not exist" }];
    const file = join(this.store.folder, "manifests", path);
    for (const folder of [dirname(file), join(this.store.folder, "blobs")]) mkdirSync(folder, { recursive: true });
    for (const digest of digestsOf(JSON.parse(readFileSync(remote, "utf8")) as Manifest)) {
      const name = digest.replace(":", "-");
      if (existsSync(this.blob(digest))) continue;
      // The notes of a partial download are JSON, and it is resumed from them (server/download.go, Prepare and readPart).
      const notes = readdirSync(dirname(this.blob(digest))).filter((other) => other.startsWith(`${name}-partial-`));
      if (notes.some((note) => statSync(join(dirname(this.blob(digest)), note)).size === 0)) return [500, { error: "EOF" }];
      copyFileSync(join(this.store.remote, "registry-blobs", name), this.blob(digest));
    }
    copyFileSync(remote, file);
    return [200, { status: "success" }];
  }
}

function digestsOf(manifest: Manifest | undefined): string[] {
  return manifest ? [manifest.config, ...manifest.layers].map(({ digest }) => digest) : [];
}

const STORE_PATHS = ["/api/tags", "/api/show", "/api/pull", "/api/delete"];

/** Starts it on a free port of this machine. */
export async function startFakeOllama(options: FakeOllamaOptions = {}): Promise<FakeOllama> {
  const models = options.models ?? [];
  const store = options.store && new Store(options.store);
  const requests: FakeRequest[] = [];
  const sockets = new Set<Socket>();

  const answer = (path: string, body: string, response: ServerResponse): void => {
    const how = options.misbehave?.[path];
    const before = requests.filter((request) => request.path === path).length - 1;
    if (how !== undefined && !(typeof how === "object" && before >= (how.times ?? Number.POSITIVE_INFINITY))) {
      misbehave(how, response);
      return;
    }
    if (store && STORE_PATHS.includes(path)) {
      send(response, ...store.answer(path, body));
      return;
    }
    if (path === "/api/tags") {
      response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(listOf(models));
      return;
    }
    const { model } = JSON.parse(body) as { model: string };
    const wanted = model.includes(":") ? model : `${model}:latest`;
    if (!models.some(({ name }) => name === wanted)) {
      send(response, 404, { error: `model '${model}' not found` });
    } else if (path === "/api/generate") {
      setTimeout(() => {
        send(response, 200, { model, created_at: "2026-01-06T19:45:23Z", response: "OK.", done: true, eval_count: 2 });
      }, options.thinks ?? 0);
    } else {
      send(response, 200, { model, embeddings: [[0.01, -0.5e-3]], total_duration: 14143917 });
    }
  };

  const listen = (request: IncomingMessage, response: ServerResponse): void => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      const path = request.url ?? "";
      const { host, authorization } = request.headers;
      requests.push({ path, body, host, authorization });
      if (options.authorization !== undefined && authorization !== options.authorization) response.writeHead(401).end();
      else answer(path, body, response);
    });
  };

  const server: Server = options.tls ? createTlsServer(options.tls, listen) : createServer(listen);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    requests,
    restart: () => store?.forget(),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
