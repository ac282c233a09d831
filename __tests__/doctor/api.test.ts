import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Finding } from "../../doctor/finding";
import { listedModels } from "../../doctor/ollama";
import { examineProxmox } from "../../doctor/proxmox";
import { ApiFault, type ApiOptions, type Credential, ProxmoxApi } from "../../doctor/proxmox/api";
import { checkLab } from "../../lab/read";
import { describeWithTool } from "../../testing/external-tool";
import { baseLab, labWith } from "../../testing/lab";

const SECRET = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
const TOKEN = `terraform@pve!lab=${SECRET}`;
const BY_TOKEN: Credential = { kind: "token", value: TOKEN };
const BY_PASSWORD: Credential = { kind: "password", user: "root@pam", password: "pass word/of root!" };
const VERSION = { data: { version: "9.1.4", release: "9.1" } };

type Certificate = "good" | "expired" | "elsewhere";

let folder: string;
const servers: Server[] = [];

const file = (name: string): string => join(folder, name);

/** A key and a certificate that it signs itself, for one name and a number of days. */
function makeCertificate(name: Certificate, subjectAltName: string, days: number): void {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  const [key, request, extensions] = [file(`${name}.key`), file(`${name}.csr`), file(`${name}.ext`)];
  writeFileSync(extensions, `subjectAltName=${subjectAltName}`);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  openssl("req", ...curve, "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=test");
  openssl(
    ...["x509", "-req", "-in", request, "-signkey", key, "-days", String(days)],
    ...["-extfile", extensions, "-out", file(`${name}.pem`)],
  );
}

describeWithTool("openssl", "Proxmox's API over HTTPS", () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "doctor-api-"));
    makeCertificate("good", "IP:127.0.0.1", 2);
    makeCertificate("expired", "IP:127.0.0.1", -1);
    makeCertificate("elsewhere", "DNS:pve9.lab.example", 2);
  });

  afterEach(() => {
    for (const server of servers.splice(0)) {
      if ("closeAllConnections" in server && typeof server.closeAllConnections === "function") server.closeAllConnections();
      server.close();
    }
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  /** Listens on a free port of loopback until the test ends. */
  async function listening(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return (server.address() as AddressInfo).port;
  }

  /** An HTTPS server with one of the certificates; the URL where it answers. */
  async function serve(listener: RequestListener, certificate: Certificate = "good"): Promise<string> {
    const [key, cert] = [readFileSync(file(`${certificate}.key`)), readFileSync(file(`${certificate}.pem`))];
    return `https://127.0.0.1:${await listening(createServer({ key, cert }, listener))}/`;
  }

  const json =
    (body: unknown, status = 200): RequestListener =>
    (_request, response) => {
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    };

  function api(endpoint: string, options: Partial<ApiOptions> = {}): ProxmoxApi {
    return new ProxmoxApi({ endpoint, credential: BY_TOKEN, ca: readFileSync(file("good.pem"), "utf8"), ...options });
  }

  /** The fault that a question ends with. */
  async function faultOf(question: Promise<unknown>): Promise<ApiFault> {
    try {
      await question;
    } catch (error) {
      if (error instanceof ApiFault) return error;
      throw error;
    }
    throw new Error("the question was answered");
  }

  /** What the doctor finds at an address, with a limit of one second for each answer. */
  function examined(
    endpoint: string,
    { ca, insecure = false }: { ca?: Certificate; insecure?: boolean } = {},
  ): Promise<readonly Finding[]> {
    const { lab } = checkLab(labWith({ proxmox: { endpoint, insecure } }), "/lab");
    const env = { PROXMOX_VE_API_TOKEN: TOKEN, ...(ca && { SSL_CERT_FILE: file(`${ca}.pem`) }) };
    return examineProxmox(lab, env, 1000).then(({ findings }) => findings);
  }

  describe("an HTTPS door of a container", () => {
    const door = (request: IncomingMessage, response: ServerResponse): void => {
      const knows = request.headers.authorization === "Bearer a-token";
      response.writeHead(knows ? 200 : 401).end(JSON.stringify({ models: [{ name: "llama3.2:1b" }] }));
    };
    const ask = async (how: { token?: string; ca?: string }) => {
      const url = (await serve(door)).replace(/\/$/, "");
      return listedModels({ url, token: "a-token", ca: readFileSync(file("good.pem"), "utf8"), ...how });
    };

    it("lists its models to who has the token", async () =>
      expect(await ask({})).toEqual({ known: true, value: ["llama3.2:1b"] }));
    it("lists nothing to who has another token", async () =>
      expect(await ask({ token: "another" })).toEqual({ known: false, why: "it answered with status 401" }));
    it("is given no token while its certificate is not trusted", async () =>
      expect(await ask({ ca: undefined })).toMatchObject({
        known: false,
        why: expect.stringMatching(/cannot be reached \(\w+_SELF_SIGNED/),
      }));
  });

  describe("the certificate", () => {
    test("that signs itself is refused", async () => {
      expect(await faultOf(api(await serve(json(VERSION)), { ca: undefined }).get("/version"))).toHaveProperty(
        "kind",
        "untrusted-certificate",
      );
    });
    test("that signs itself is accepted where it is trusted", async () => {
      expect(await api(await serve(json(VERSION))).get("/version")).toEqual(VERSION.data);
    });
    test("that signs itself is accepted with insecure", async () => {
      expect(await api(await serve(json(VERSION)), { ca: undefined, insecure: true }).get("/version")).toEqual(VERSION.data);
    });
    test("gets no credential before it is accepted", async () => {
      const seen = jest.fn();
      await faultOf(api(await serve(seen), { ca: undefined }).get("/version"));
      expect(seen).not.toHaveBeenCalled();
    });
  });

  interface Connection {
    readonly when: string;
    readonly listener: RequestListener;
    readonly certificate?: Certificate;
    readonly trusted?: Certificate | false;
    readonly code: Finding["code"];
    readonly field: "endpoint" | "auth";
    readonly remedy: string;
    readonly message: string;
  }

  /** Says the credential that it was sent, as a careless proxy may. */
  function echo({ headers }: IncomingMessage): string {
    return `authentication failure for ${headers.authorization}`;
  }

  function cutOff(_request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { "Content-Length": "1000" });
    response.write('{"data":');
    setTimeout(() => response.destroy(), 20);
  }

  const connections: readonly Connection[] = [
    {
      when: "its certificate is not trusted",
      listener: json(VERSION),
      trusted: false,
      code: "certificate-untrusted",
      field: "endpoint",
      remedy: "set SSL_CERT_FILE to it",
      message: "self-signed certificate",
    },
    {
      when: "its certificate has expired",
      listener: json(VERSION),
      certificate: "expired",
      code: "certificate-expired",
      field: "endpoint",
      remedy: "pvecm updatecerts --force",
      message: "certificate has expired",
    },
    {
      when: "its certificate is for another name",
      listener: json(VERSION),
      certificate: "elsewhere",
      code: "certificate-name",
      field: "endpoint",
      remedy: "Write the endpoint with a name that the certificate has",
      message: "127.0.0.1 is not in the cert's list",
    },
    {
      when: "it does not know the credential",
      listener: (request, response) => response.writeHead(401, echo(request)).end(),
      code: "credential-refused",
      field: "auth",
      remedy: "Check PROXMOX_VE_API_TOKEN",
      message: "authentication failure for PVEAPIToken=***",
    },
    {
      when: "it forbids the first question",
      listener: (request, response) => response.writeHead(403).end(JSON.stringify({ message: echo(request), data: null })),
      code: "credential-forbidden",
      field: "auth",
      remedy: "`ollama-lab rights`",
      message: "authentication failure for PVEAPIToken=***",
    },
    {
      when: "it has no such API",
      listener: json({ data: null }, 501),
      code: "proxmox-too-old",
      field: "endpoint",
      remedy: "Proxmox VE 8",
      message: "Not Implemented",
    },
    {
      when: "it redirects",
      listener: (_request, response) => response.writeHead(302, { Location: "https://login.lab.example/?from=pve" }).end(),
      code: "proxmox-redirects",
      field: "endpoint",
      remedy: "The credential was sent nowhere else.",
      message: "/version redirects to login.lab.example",
    },
    {
      when: "it answers with HTML",
      listener: (_request, response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<h1>Log in</h1>"),
      code: "not-proxmox",
      field: "endpoint",
      remedy: "a proxy or a login page may answer there",
      message: "/version answered with something that is not Proxmox's JSON",
    },
    {
      when: "it answers with an error in HTML",
      listener: (_request, response) => response.writeHead(502, { "Content-Type": "text/html" }).end("<h1>Bad Gateway</h1>"),
      code: "not-proxmox",
      field: "endpoint",
      remedy: "a proxy or a login page may answer there",
      message: "/version answered 502: Bad Gateway",
    },
    {
      when: "it answers with an error of its own",
      listener: json({ message: "got timeout\n", data: null }, 500),
      code: "proxmox-refuses",
      field: "endpoint",
      remedy: "journalctl -u pveproxy -u pvedaemon",
      message: "/version answered 500: got timeout",
    },
    {
      when: "it is cut off within an answer",
      listener: cutOff,
      code: "proxmox-cut-off",
      field: "endpoint",
      remedy: "Run doctor again.",
      message: "the answer of /version ended before it was whole",
    },
    {
      when: "it closes the connection without an answer",
      listener: (request) => request.socket.destroy(),
      code: "proxmox-cut-off",
      field: "endpoint",
      remedy: "Run doctor again.",
      message: "closed the connection",
    },
    {
      when: "it does not answer in time",
      listener: () => undefined,
      code: "proxmox-slow",
      field: "endpoint",
      remedy: "Check that the host is not overloaded",
      message: "did not answer within 1 s",
    },
  ];

  describe.each(connections)("when Proxmox answers, but $when", (connection) => {
    const { listener, certificate = "good", trusted = certificate, code, field, remedy, message } = connection;
    let findings: readonly Finding[];
    beforeAll(async () => {
      const endpoint = await serve(listener, certificate);
      findings = await examined(endpoint, trusted === false ? {} : { ca: trusted });
    });

    test(`${code} alone is found, at proxmox.${field}, with its remedy`, () => {
      expect(findings).toEqual([
        {
          code,
          severity: "error",
          path: ["proxmox", field],
          message: expect.stringContaining(message),
          remedy: expect.stringContaining(remedy),
        },
      ]);
    });
    test("no word of the finding holds the credential", () => expect(JSON.stringify(findings)).not.toContain(SECRET));
  });

  test("a server that sends a byte now and then is cut off after the time for one answer", async () => {
    const endpoint = await serve((_request, response) => {
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(drip));
    });
    expect(await faultOf(api(endpoint, { timeoutMs: 300 }).get("/version"))).toHaveProperty("kind", "timeout");
  });

  test("a question that waits for its turn does not run out of time", async () => {
    const endpoint = await serve((_request, response) => setTimeout(() => response.end(JSON.stringify(VERSION)), 150));
    const client = api(endpoint, { timeoutMs: 600, parallel: 1 });
    const answers = await Promise.all(Array.from({ length: 6 }, () => client.get("/version")));
    expect(answers).toHaveLength(6);
  });

  test("no more questions are under way at once than it may have", async () => {
    let [current, most] = [0, 0];
    const endpoint = await serve((_request, response) => {
      current += 1;
      most = Math.max(most, current);
      setTimeout(() => {
        current -= 1;
        response.end(JSON.stringify(VERSION));
      }, 20);
    });
    const client = api(endpoint, { parallel: 3 });
    await Promise.all(Array.from({ length: 12 }, () => client.get("/version")));
    expect(most).toBe(3);
  });

  test("an address that answers without TLS is told", async () => {
    const server = createHttpServer((_request, response) => response.end("hello"));
    const findings = await examined(`https://127.0.0.1:${await listening(server)}/`, { insecure: true });
    expect(findings.map(({ code, path }) => ({ code, path }))).toEqual([
      { code: "proxmox-not-tls", path: ["proxmox", "endpoint"] },
    ]);
  });

  test("an address where nothing listens is told", async () => {
    const server = createHttpServer();
    const port = await listening(server);
    await new Promise((closed) => server.close(closed));
    const findings = await examined(`https://127.0.0.1:${port}/`);
    expect(findings.map(({ code, path }) => ({ code, path }))).toEqual([
      { code: "proxmox-unreachable", path: ["proxmox", "endpoint"] },
    ]);
  });

  test("a redirect is not followed, so the other host gets no request", async () => {
    const other = jest.fn();
    const elsewhere = await serve(other);
    const endpoint = await serve((_request, response) => response.writeHead(307, { Location: elsewhere }).end());
    await faultOf(api(endpoint).get("/version"));
    expect(other).not.toHaveBeenCalled();
  });

  describe("without a usable credential or certificate", () => {
    const examineWith = async (env: Record<string, string>, changes = {}): Promise<Pick<Finding, "code" | "path">[]> => {
      const { lab } = checkLab(labWith({ proxmox: { endpoint: "https://127.0.0.1:1/", ...changes } }, baseLab), "/lab");
      return (await examineProxmox(lab, env)).findings.map(({ code, path }) => ({ code, path }));
    };

    test("a token that is not set is told, and nothing is asked", async () => {
      expect(await examineWith({})).toEqual([{ code: "credential-missing", path: ["proxmox", "auth"] }]);
    });
    test("a password that is not set is told where the lab logs in as root", async () => {
      expect(await examineWith({ PROXMOX_VE_API_TOKEN: TOKEN }, { auth: "rootPassword" })).toEqual([
        { code: "credential-missing", path: ["proxmox", "auth"] },
      ]);
    });
    test("a token of another form is told, and nothing is asked", async () => {
      expect(await examineWith({ PROXMOX_VE_API_TOKEN: "terraform@pve" })).toEqual([
        { code: "credential-malformed", path: ["proxmox", "auth"] },
      ]);
    });
    test("certificates that cannot be read are told", async () => {
      expect(await examineWith({ PROXMOX_VE_API_TOKEN: TOKEN, SSL_CERT_FILE: "/nowhere/ca.pem" })).toEqual([
        { code: "certificates-unreadable", path: ["proxmox", "endpoint"] },
      ]);
    });
  });

  describe("the credential", () => {
    test("is sent as Proxmox takes a token", async () => {
      const seen: (string | undefined)[] = [];
      const endpoint = await serve((request, response) => {
        seen.push(request.headers.authorization);
        response.end(JSON.stringify(VERSION));
      });
      await api(endpoint).get("/version");
      expect(seen).toEqual([`PVEAPIToken=${TOKEN}`]);
    });

    test("is a ticket, asked for once, where it is a password", async () => {
      const seen: string[] = [];
      const endpoint = await serve((request, response) => {
        seen.push(`${request.method} ${request.url} ${request.headers.cookie ?? "-"}`);
        response.end(JSON.stringify(request.method === "POST" ? { data: { ticket: "PVE:root@pam:1" } } : VERSION));
      });
      const client = api(endpoint, { credential: BY_PASSWORD });
      await client.get("/version");
      await client.get("/nodes");
      const cookie = "PVEAuthCookie=PVE%3Aroot%40pam%3A1";
      expect(seen).toEqual([
        "POST /api2/json/access/ticket -",
        `GET /api2/json/version ${cookie}`,
        `GET /api2/json/nodes ${cookie}`,
      ]);
    });

    test("is in no message where the login repeats the password", async () => {
      const endpoint = await serve((request, response) => {
        request.on("data", (body: Buffer) =>
          response.writeHead(401).end(JSON.stringify({ message: `refused: ${body}`, data: null })),
        );
      });
      const fault = await faultOf(api(endpoint, { credential: BY_PASSWORD }).get("/version"));
      expect(fault.message).toBe("refused: username=root%40pam&password=***");
    });

    test("is in no message where an answer repeats the ticket", async () => {
      const endpoint = await serve((request, response) => {
        if (request.method === "POST") response.end(JSON.stringify({ data: { ticket: "PVE:root@pam:1" } }));
        else response.writeHead(403).end(JSON.stringify({ message: `no: ${request.headers.cookie}`, data: null }));
      });
      const fault = await faultOf(api(endpoint, { credential: BY_PASSWORD }).get("/version"));
      expect(fault.message).toBe("no: PVEAuthCookie=***");
    });
  });

  test("an answer says which parameter was wrong", async () => {
    const refusal = { message: "Parameter verification failed.\n", errors: { vmid: "VM 201 already exists\n" }, data: null };
    const fault = await faultOf(api(await serve(json(refusal, 400))).get("/cluster/nextid", { vmid: 201 }));
    expect(fault.message).toBe("/cluster/nextid answered 400: Parameter verification failed.; vmid: VM 201 already exists");
  });
});
