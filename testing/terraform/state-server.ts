// A server for Terraform's backend `http`: it keeps states and locks, as a GitLab or a server of one's own does.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** One request that changed or asked for something, such as `LOCK /lab/containers`. */
export type StateRequest = `${string} ${string}`;

/** States by their paths. Each has one lock: a write without the lock's id is refused while somebody holds it. */
export class StateServer {
  private readonly states = new Map<string, string>();
  private readonly locks = new Map<string, string>();
  /** Every request so far. */
  readonly requests: StateRequest[] = [];

  private constructor(private readonly server: Server) {}

  /** Starts one on a free port of this machine. */
  static async start(): Promise<StateServer> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
        const [status, text] = states.answer(
          request.method ?? "GET",
          pathname,
          searchParams.get("ID"),
          Buffer.concat(chunks).toString(),
        );
        response.writeHead(status, { "Content-Type": "application/json" }).end(text);
      });
    });
    const states = new StateServer(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return states;
  }

  /** The server's URL. */
  get url(): string {
    // as: it listens on a port, not on a pipe.
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The state at a path; undefined where there is none. */
  state(path: string): string | undefined {
    return this.states.get(path);
  }

  /** The paths that have a state. */
  get paths(): readonly string[] {
    return [...this.states.keys()].sort();
  }

  /** The paths that somebody has locked and not unlocked. */
  get locked(): readonly string[] {
    return [...this.locks.keys()];
  }

  stop(): void {
    this.server.close();
  }

  /** What the backend documents: 404 without a state, 423 with the lock of somebody else. */
  private answer(method: string, path: string, id: string | null, body: string): [status: number, text: string] {
    this.requests.push(`${method} ${path}`);
    const lock = this.locks.get(path);
    const holder = lock === undefined ? null : (JSON.parse(lock) as { ID: string }).ID;
    switch (method) {
      case "GET":
        return this.states.has(path) ? [200, this.states.get(path) ?? ""] : [404, ""];
      case "POST":
        if (holder !== null && holder !== id) return [423, lock ?? ""];
        this.states.set(path, body);
        return [200, ""];
      case "DELETE":
        this.states.delete(path);
        return [200, ""];
      case "LOCK":
        if (lock !== undefined) return [423, lock];
        this.locks.set(path, body);
        return [200, ""];
      case "UNLOCK":
        this.locks.delete(path);
        return [200, ""];
      default:
        return [405, ""];
    }
  }
}
