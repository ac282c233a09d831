// A real Traefik before a throw-away cluster, and what is missing where there is none.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import type { TLSSocket } from "node:tls";
import { TRAEFIK_API_GROUP } from "../../catalog/traefik";
import { describeUnless } from "../proxmox/providers";
import { kubectl, missingCluster } from "./cluster";

/** Its provider starts where the cluster knows all of these (Traefik's kubernetes-crd-definition-v1.yml). */
const KINDS = [
  "ingressroutes",
  "ingressroutetcps",
  "ingressrouteudps",
  "middlewares",
  "middlewaretcps",
  "serverstransports",
  "serverstransporttcps",
  "tlsoptions",
  "tlsstores",
  "traefikservices",
].map((kind) => `${kind}.${TRAEFIK_API_GROUP}`);

const program = () => process.env["TRAEFIK_BINARY"] ?? "traefik";

/** An address of this machine that an EndpointSlice may have: none on loopback. */
export function ownAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

function missingTraefik(): string | undefined {
  const { status, error } = spawnSync(program(), ["version"], { encoding: "utf8" });
  if (status !== 0) return `${program()} does not run (TRAEFIK_BINARY names another): ${error?.message ?? `exit code ${status}`}`;
  const known = kubectl(undefined, "get", "crd", "-o", "name");
  const absent = KINDS.filter((kind) => !known.includes(`/${kind}\n`));
  if (absent.length > 0)
    return `the cluster does not know ${absent.join(", ")}: testing/kubernetes-cluster/README.md says whence they come`;
  return ownAddress() ? undefined : "this machine has no address besides loopback, and Kubernetes takes no endpoint there";
}

/** `describe` for tests with a real Traefik before a throw-away cluster; REQUIRE_TRAEFIK=1 lets none be skipped. */
export function describeWithTraefik(name: string, tests: () => void): void {
  describeUnless(missingCluster() ?? missingTraefik(), name, tests, "REQUIRE_TRAEFIK");
}

/** A question to Traefik. */
export interface Question {
  readonly host: string;
  /** @default /api/tags */
  readonly path?: string;
  /** @default GET */
  readonly method?: string;
  /** `user:password`. @default nobody logs in */
  readonly user?: string;
  /** The address on loopback that it comes from. @default 127.0.0.1 */
  readonly from?: string;
  /** The name that TLS asks for. @default the host */
  readonly servername?: string;
  /** Further headers, or another Host. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** @default true */
  readonly tls?: boolean;
}

/** Traefik's answer. */
export interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** The common name of the certificate; none without TLS. */
  readonly certificate?: string;
  /** Milliseconds from the first piece of the answer to its end. */
  readonly took: number;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((done) =>
    server.listen(0, "127.0.0.1", () => done((server.address() as AddressInfo).port)),
  );
  await new Promise((done) => server.close(done));
  return port;
}

/** Traefik with the settings that K3s' chart gives it, for one namespace of the cluster that KUBECONFIG names. */
export class Traefik {
  private constructor(
    private readonly child: ChildProcess,
    private readonly ports: { readonly web: number; readonly websecure: number },
  ) {}

  static async start(namespace: string): Promise<Traefik> {
    const ports = { web: await freePort(), websecure: await freePort() };
    const args = [
      `--entryPoints.web.address=127.0.0.1:${ports.web}/tcp`,
      `--entryPoints.websecure.address=127.0.0.1:${ports.websecure}/tcp`,
      "--entryPoints.websecure.http.tls=true",
      "--providers.kubernetescrd",
      "--providers.kubernetescrd.allowEmptyServices=true",
      `--providers.kubernetescrd.namespaces=${namespace}`,
      "--global.checkNewVersion=false",
    ];
    const env = { HOME: tmpdir(), PATH: process.env["PATH"], KUBECONFIG: process.env["KUBECONFIG"] };
    return new Traefik(spawn(program(), args, { env, stdio: "ignore" }), ports);
  }

  stop(): void {
    this.child.kill();
  }

  /** Asks a host. @throws when nothing listens */
  ask(question: Question): Promise<Answer> {
    const {
      host,
      path = "/api/tags",
      method = "GET",
      user,
      from = "127.0.0.1",
      servername = host,
      tls = true,
      headers,
    } = question;
    const options = {
      host: "127.0.0.1",
      port: tls ? this.ports.websecure : this.ports.web,
      localAddress: from,
      path,
      method,
      headers: { Host: host, ...(user && { Authorization: `Basic ${Buffer.from(user).toString("base64")}` }), ...headers },
      agent: false,
    };
    return new Promise((done, fail) => {
      const ask = tls ? requestHttps({ ...options, servername, rejectUnauthorized: false }) : requestHttp(options);
      ask.on("error", fail).on("response", (response) => {
        const { socket } = response;
        const certificate = tls ? String((socket as TLSSocket).getPeerCertificate().subject.CN) : undefined;
        const pieces: [number, string][] = [];
        response.on("data", (piece) => pieces.push([Date.now(), String(piece)]));
        response.on("end", () =>
          done({
            status: response.statusCode,
            headers: response.headers,
            body: pieces.map(([, text]) => text).join(""),
            ...(certificate && { certificate }),
            took: Date.now() - (pieces[0]?.[0] ?? Date.now()),
          }),
        );
      });
      ask.end();
    });
  }

  /** Asks again until the answer has a status; some seconds lie between a change in the cluster and Traefik's answer. @returns the last answer */
  async until(status: number, question: Question): Promise<Answer | undefined> {
    let answer: Answer | undefined;
    for (let i = 0; i < 120; i += 1) {
      answer = await this.ask(question).catch(() => undefined);
      if (answer?.status === status) return answer;
      await new Promise((done) => setTimeout(done, 250));
    }
    return answer;
  }

  /** All statuses that a question is answered with for a while. @param milliseconds how long */
  async during(milliseconds: number, question: Question): Promise<Set<number | undefined>> {
    const seen = new Set<number | undefined>();
    for (const end = Date.now() + milliseconds; Date.now() < end; ) {
      seen.add((await this.ask(question)).status);
      await new Promise((done) => setTimeout(done, 50));
    }
    return seen;
  }
}
