// An Ollama server inside the test's own process, which can misbehave in the ways real ones and the proxies before them do.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";

/** A model of the fake server. */
export interface FakeModel {
  /** As the API lists it, such as `llama3.2:1b`. */
  name: string;
  /** Bytes. */
  size: number;
}

/** What one path answers instead of what Ollama would. */
export type Misbehaviour =
  /** Sends this. Default: status 200, `application/json`. */
  | { answer: string; status?: number; type?: string; headers?: Record<string, string> }
  /** Accepts the request and never answers. */
  | "hang"
  /** Closes the connection without a byte. */
  | "close"
  /** Sends half of an answer and closes the connection. */
  | "break";

/** How the fake server behaves. */
export interface FakeOllamaOptions {
  /** Default: none. */
  models?: FakeModel[];
  /** By path, such as `/api/tags`. Default: none, it answers as Ollama does. */
  misbehave?: Record<string, Misbehaviour>;
  /** How long `/api/generate` thinks, in milliseconds. Default 0. */
  thinks?: number;
  /** Serves HTTPS with this key and certificate (PEM). Default: HTTP. */
  tls?: { key: string; cert: string };
}

/** A request the server got. */
export interface FakeRequest {
  path: string;
  body: string;
}

/** A running fake server. */
export interface FakeOllama {
  /** Such as `http://127.0.0.1:40123`. */
  url: string;
  port: number;
  /** All it was asked, in order. */
  requests: FakeRequest[];
  /** Stops it, open connections included. */
  close(): Promise<void>;
}

function listOf(models: FakeModel[]): string {
  return JSON.stringify({
    models: models.map(({ name, size }) => ({
      name,
      model: name,
      modified_at: "2026-01-06T18:26:21.023875318Z",
      size,
      digest: "baf6a787fdffd633537aa2eb51cfd54cb93ff08e28040095462bb63daf552878",
      details: { parent_model: "", format: "gguf", family: "llama", families: ["llama"], parameter_size: "1.2B" },
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

/** Starts it on a free port of this machine. */
export async function startFakeOllama(options: FakeOllamaOptions = {}): Promise<FakeOllama> {
  const models = options.models ?? [];
  const requests: FakeRequest[] = [];
  const sockets = new Set<Socket>();

  const answer = (path: string, body: string, response: ServerResponse): void => {
    const how = options.misbehave?.[path];
    if (how !== undefined) {
      misbehave(how, response);
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
      requests.push({ path, body });
      answer(path, body, response);
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
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
