import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A model as /api/tags and /api/ps list it. */
export interface FakeModel {
  readonly name: string;
  readonly size: number;
  readonly size_vram?: number;
}

/** An answer of the fake API: a status code and a JSON body. */
export type Answer = readonly [status: number, body: unknown];

/** The parts of Ollama's API that the roles use, in this process. */
export class FakeOllama {
  /** The installed models. */
  models: FakeModel[];
  /** The loaded models. */
  loaded: FakeModel[] = [];
  /** The models that were pulled, deleted and loaded, in the order of the requests. */
  readonly pulls: string[] = [];
  readonly deletes: string[] = [];
  readonly loads: string[] = [];
  /** The version that answers; undefined while nothing runs. */
  version: () => string | undefined = () => "0.0.0";
  /** How a pull ends. A name without a tag becomes NAME:latest, as Ollama does. */
  pull: (model: string) => Answer = (model) => {
    this.models.push({ name: model.includes(":") ? model : `${model}:latest`, size: 1 });
    return [200, { status: "success" }];
  };
  /** How the loading of a model ends, for each of the two requests that do it. */
  load: (path: string, model: string) => Answer = (_path, model) => {
    this.loaded.push({ name: model, size: 1, size_vram: 1 });
    return [200, { done: true }];
  };
  private readonly server: Server;

  constructor(...models: string[]) {
    this.models = models.map((name) => ({ name, size: 1 }));
    this.server = createServer((request, response) => void this.respond(request, response));
  }

  /** Starts to listen on a free port of this machine. */
  async start(): Promise<number> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    return this.port;
  }

  /** The port; only once it was started. */
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const model = text === "" ? "" : String((JSON.parse(text) as { model?: unknown }).model);
    const [status, body] = this.answer(`${request.method} ${request.url}`, model);
    response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
    response.end(JSON.stringify(body));
  }

  private answer(request: string, model: string): Answer {
    const version = this.version();
    if (version === undefined) return [503, { error: "not running" }];
    switch (request) {
      case "GET /api/version":
        return [200, { version }];
      case "GET /api/tags":
        return [200, { models: this.models }];
      case "GET /api/ps":
        return [200, { models: this.loaded }];
      case "POST /api/pull":
        this.pulls.push(model);
        return this.pull(model);
      case "DELETE /api/delete":
        this.deletes.push(model);
        this.models = this.models.filter((installed) => installed.name !== model);
        return [200, {}];
      case "POST /api/generate":
      case "POST /api/embed":
        this.loads.push(`${request} ${model}`);
        return this.load(request, model);
      default:
        return [404, { error: `no ${request}` }];
    }
  }
}
