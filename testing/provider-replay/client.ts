// A test's side of the provider replay.
import { existsSync } from "node:fs";
import { request } from "node:http";
import { dirname } from "node:path";
import type { OpenedWorld } from "./server";
import type { Fixtures, Guest } from "./world";

/** The variable with the path of the running server's control socket. start.ts sets it. */
export const CONTROL_VARIABLE = "PROVIDER_REPLAY_CONTROL";

const STARTING_TAKES_AT_MOST_MS = 30_000;

function controlSocket(): string {
  const socket = process.env[CONTROL_VARIABLE];
  if (socket === undefined) {
    throw new Error(
      `${CONTROL_VARIABLE} is not set, so no provider replay runs. jest.config.cjs must name ` +
        "testing/provider-replay/start.ts as its globalSetup.",
    );
  }
  return socket;
}

/** The folder of this run: sockets and workspaces, removed when jest ends. */
export function runFolder(): string {
  return dirname(controlSocket());
}

async function untilServerListens(socket: string): Promise<void> {
  const deadline = Date.now() + STARTING_TAKES_AT_MOST_MS;
  while (!existsSync(socket)) {
    if (Date.now() > deadline) {
      throw new Error(`The provider replay did not start within ${STARTING_TAKES_AT_MOST_MS / 1000} s: ${socket} is missing.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const socketPath = controlSocket();
  await untilServerListens(socketPath);
  return new Promise((resolve, reject) => {
    // Each request has a connection of its own. The server may have closed one that was kept, and writing to that would fail with EPIPE.
    const outgoing = request({ socketPath, method, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (response.statusCode === 200) {
          resolve(JSON.parse(text) as Answer);
        } else {
          reject(new Error(`The provider replay failed: ${text}`));
        }
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** One Proxmox and one Kubernetes cluster of a test's own, served by the running replay until jest ends. */
export interface ReplayedWorld {
  /** The value of TF_REATTACH_PROVIDERS that lets Terraform find this world. */
  reattachProviders: string;
  /** The guests that run now, by VMID: those of the fixtures, and those that were applied and not destroyed. */
  guests(): Promise<Guest[]>;
  /** Adds a guest without Terraform, or replaces the guest with its VMID. */
  addGuest(guest: Guest): Promise<void>;
}

/** Opens a new world with these guests and answers. Takes a few milliseconds. */
export async function openWorld(fixtures: Fixtures = {}): Promise<ReplayedWorld> {
  const { id, reattach } = await call<OpenedWorld>("POST", "/worlds", fixtures);
  return {
    reattachProviders: JSON.stringify(reattach),
    guests: () => call<Guest[]>("GET", `/worlds/${id}/guests`),
    addGuest: async (guest) => {
      await call("POST", `/worlds/${id}/guests`, guest);
    },
  };
}
