import { Agent, request } from "node:https";
import { trusting } from "../trust";

/** How the doctor logs in. Proxmox takes a token in a header; for a password it makes a ticket first. */
export type Credential =
  | { readonly kind: "token" /** `USER@REALM!NAME=UUID` */; readonly value: string }
  | { readonly kind: "password"; readonly user: string; readonly password: string };

/** Why a question got no answer. Each kind has its own remedy; see `connection.ts`. */
export type ApiFaultKind =
  | "unreachable"
  | "timeout"
  | "untrusted-certificate"
  | "expired-certificate"
  | "wrong-certificate-name"
  | "not-tls"
  | "unauthorized"
  | "forbidden"
  | "missing"
  | "redirect"
  | "not-proxmox"
  | "cut-off"
  | "refused";

/** A question that got no answer. The message holds no secret. */
export class ApiFault extends Error {
  override readonly name = "ApiFault";

  constructor(
    readonly kind: ApiFaultKind,
    message: string,
  ) {
    super(message);
  }
}

/** Where the API is, and how to ask it. */
export interface ApiOptions {
  /** URL of the API, such as `https://pve1.lab.example:8006/`. */
  readonly endpoint: string;
  /** Accept a certificate that cannot be verified. @default false */
  readonly insecure?: boolean;
  readonly credential: Credential;
  /** Certificates, in PEM, that are trusted besides the public ones. @default none */
  readonly ca?: string;
  /** How long one answer may take, in milliseconds. @default 10 000 */
  readonly timeoutMs?: number;
  /** How many questions may be under way at once. @default 8 */
  readonly parallel?: number;
}

/** What answers questions to Proxmox's API. */
export interface Questions {
  /**
   * The data that a path answers with.
   * @param path below `/api2/json`, such as `/nodes`
   * @throws ApiFault
   */
  get(path: string, query?: Readonly<Record<string, string | number>>): Promise<unknown>;
}

/** The longest answer that is read, in bytes. The guests of a thousand-node cluster have a tenth of it. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** What Node calls the ways in which a certificate fails. */
const CERTIFICATE_FAULTS: Readonly<Record<string, ApiFaultKind>> = {
  CERT_HAS_EXPIRED: "expired-certificate",
  CERT_NOT_YET_VALID: "expired-certificate",
  ERR_TLS_CERT_ALTNAME_INVALID: "wrong-certificate-name",
  DEPTH_ZERO_SELF_SIGNED_CERT: "untrusted-certificate",
  SELF_SIGNED_CERT_IN_CHAIN: "untrusted-certificate",
  UNABLE_TO_GET_ISSUER_CERT: "untrusted-certificate",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "untrusted-certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "untrusted-certificate",
  EPROTO: "not-tls",
  ERR_SSL_WRONG_VERSION_NUMBER: "not-tls",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "not-tls",
};

interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly location: string | undefined;
  readonly body: string;
}

interface Login {
  readonly headers: Readonly<Record<string, string>>;
  /** What must not show in any message. */
  readonly secrets: readonly string[];
}

/**
 * Proxmox's API, for questions alone: the only request that is no GET is the login with a password. The credential goes to the endpoint
 * and nowhere else: a redirect is refused.
 */
export class ProxmoxApi implements Questions {
  private readonly agent: Agent;
  private login?: Promise<Login>;

  constructor(private readonly options: ApiOptions) {
    this.agent = new Agent({
      // One connection for each question: a server that closes an idle one would look like a fault.
      keepAlive: false,
      maxSockets: options.parallel ?? 8,
      rejectUnauthorized: !options.insecure,
      ...(options.ca && { secureContext: trusting(options.ca) }),
    });
  }

  async get(path: string, query: Readonly<Record<string, string | number>> = {}): Promise<unknown> {
    this.login ??= this.logIn();
    const { headers, secrets } = await this.login;
    const parameters = new URLSearchParams(Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]));
    const search = parameters.size > 0 ? `?${parameters}` : "";
    return this.data(path, await this.send("GET", `${path}${search}`, headers), secrets);
  }

  private async logIn(): Promise<Login> {
    const { credential } = this.options;
    if (credential.kind === "token") {
      const [, secret = credential.value] = credential.value.split("=");
      return { headers: { Authorization: `PVEAPIToken=${credential.value}` }, secrets: [credential.value, secret] };
    }
    const { user, password } = credential;
    const form = new URLSearchParams({ username: user, password }).toString();
    const answer = await this.send("POST", "/access/ticket", { "Content-Type": "application/x-www-form-urlencoded" }, form);
    const data = this.data("/access/ticket", answer, [password]);
    const ticket = typeof data === "object" && data !== null && "ticket" in data ? data.ticket : undefined;
    if (typeof ticket !== "string") throw new ApiFault("not-proxmox", "the login answered without a ticket");
    return {
      headers: { Cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}` },
      secrets: [password, ticket, encodeURIComponent(ticket)],
    };
  }

  private data(path: string, answer: HttpAnswer, secrets: readonly string[]): unknown {
    const { status, location } = answer;
    const text = reasonIn(answer);
    const fault = (kind: ApiFaultKind, message: string) => new ApiFault(kind, without(message, secrets));
    if (status >= 300 && status < 400) throw fault("redirect", `${path} redirects to ${hostIn(location)}`);
    if (status === 401) throw fault("unauthorized", text);
    if (status === 403) throw fault("forbidden", text);
    if (status === 404 || status === 501) throw fault("missing", text);
    const document = parsed(answer.body);
    if (status >= 400) throw fault(document ? "refused" : "not-proxmox", `${path} answered ${status}: ${text}`);
    if (!document || !("data" in document))
      throw fault("not-proxmox", `${path} answered with something that is not Proxmox's JSON`);
    return document.data;
  }

  private send(method: string, path: string, headers: Readonly<Record<string, string>>, body?: string): Promise<HttpAnswer> {
    const { endpoint, timeoutMs = 10_000 } = this.options;
    const url = new URL(`api2/json${path}`, endpoint.endsWith("/") ? endpoint : `${endpoint}/`);
    return new Promise((resolve, reject) => {
      const fail = (kind: ApiFaultKind, message: string) => {
        clearTimeout(timer);
        reject(new ApiFault(kind, message));
        call.destroy();
      };
      const call = request(
        url,
        { method, headers: { Accept: "application/json", ...headers }, agent: this.agent },
        (response) => {
          const parts: Buffer[] = [];
          let bytes = 0;
          response.on("data", (part: Buffer) => {
            bytes += part.length;
            if (bytes > MAX_ANSWER_BYTES) fail("not-proxmox", `${path} answered with more than ${MAX_ANSWER_BYTES} bytes`);
            else parts.push(part);
          });
          response.on("end", () => {
            clearTimeout(timer);
            if (!response.complete) return fail("cut-off", `the answer of ${path} ended before it was whole`);
            resolve({
              status: response.statusCode ?? 0,
              statusText: response.statusMessage ?? "",
              location: response.headers.location,
              body: Buffer.concat(parts).toString("utf8"),
            });
          });
          response.on("error", () => fail("cut-off", `the answer of ${path} ended before it was whole`));
        },
      );
      // Over the whole exchange: a server that sends a byte now and then would never be idle. A question that still waits for its
      // turn has no socket, and the wait is not the server's.
      let timer: NodeJS.Timeout | undefined;
      call.on("socket", () => {
        timer = setTimeout(() => fail("timeout", `${url.host} did not answer within ${timeoutMs / 1000} s`), timeoutMs);
      });
      call.on("error", (error: NodeJS.ErrnoException) => {
        const certificate = CERTIFICATE_FAULTS[error.code ?? ""];
        if (certificate === "not-tls") fail(certificate, `${url.host} answers, but not by HTTPS`);
        else if (certificate) fail(certificate, error.message);
        else if (error.code === "ECONNRESET") fail("cut-off", `${url.host} closed the connection`);
        else fail("unreachable", `${url.host} cannot be reached (${error.code ?? error.message})`);
      });
      call.end(body);
    });
  }
}

/** What an answer says went wrong: the body's message, else the status line, where Proxmox puts it. */
function reasonIn({ body, statusText, status }: HttpAnswer): string {
  const document = parsed(body);
  const message = document && typeof document["message"] === "string" ? document["message"].trim() : "";
  const errors = document?.["errors"];
  const details =
    typeof errors === "object" && errors !== null
      ? Object.entries(errors).map(([parameter, reason]) => `${parameter}: ${String(reason).trim()}`)
      : [];
  return [message || statusText || `status ${status}`, ...details].join("; ");
}

function parsed(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const document: unknown = JSON.parse(body);
    return typeof document === "object" && document !== null ? (document as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function hostIn(location: string | undefined): string {
  return location && URL.canParse(location) ? new URL(location).host : "another address";
}

/** The text without the secrets, whatever a server put into its messages: as they are, and as URLs and forms write them. */
function without(text: string, secrets: readonly string[]): string {
  const forms = secrets
    .filter((secret) => secret !== "")
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      new URLSearchParams({ secret }).toString().slice("secret=".length),
    ]);
  return forms.reduce((result, form) => result.replaceAll(form, "***"), text);
}
