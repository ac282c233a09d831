// The way in over HTTPS: what the stack synthesizes, on a real API, and a real Traefik that reads it there.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OLLAMA_PORT } from "../../../catalog/ollama";
import { objectsOf } from "../../../testing/kubernetes";
import { kubectl } from "../../../testing/kubernetes-cluster/cluster";
import { describeWithTraefik, ownAddress, Traefik } from "../../../testing/kubernetes-cluster/traefik";
import { labWith, ollamaLab, stackOf } from "../../../testing/lab";

/** As `htpasswd -B` writes them. */
const USERS = {
  alice: "alice:$2y$05$vNnXo67Abx/Hsrtk3QYNQubeZDeIQCLZDPMXbOCgGMyTlvWT9Af/C\n",
  bob: "bob:$2y$05$8GrSLxpT0M7yOj2yZUUnde2oy0pxqi5QkXubvGpeEEb90HdAJYHMq\n",
};
const [ALICE, BOB, CAROL] = ["alice:alice-password", "bob:bob-password", "carol:carol-password"];

const namespace = `lab-trial-${randomBytes(4).toString("hex")}`;
const lab = labWith(
  {
    ollama: {
      namespace,
      releases: {
        locked: { host: "locked.lab.example", auth: { secretName: "alice" } },
        both: { host: "both.lab.example", auth: { secretName: "bob" }, allowFrom: ["127.0.0.2/32"] },
        listed: { host: "listed.lab.example", allowFrom: ["127.0.0.3/32"] },
        waiting: { host: "waiting.lab.example", auth: { secretName: "later" } },
      },
    },
  },
  ollamaLab,
);
const RELEASES = ["locked", "both", "listed", "waiting"];

/** Answers with the name of the release and the login that reached it. /api/generate streams for a second. */
function startOllama(name: string): Promise<Server> {
  const server = createServer((request, response) => {
    const line = `${JSON.stringify({ name, authorization: request.headers.authorization })}\n`;
    if (request.url !== "/api/generate") response.end(line);
    else {
      response.write(line);
      setTimeout(() => response.end(line), 1000);
    }
  });
  return new Promise((done) => server.listen(0, ownAddress(), () => done(server)));
}

/** The Service of a release, and where it leads. */
function serviceOf(name: string, server: Server): object[] {
  const labels = { "kubernetes.io/service-name": name };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { ports: [{ name: "http", port: OLLAMA_PORT }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, namespace, labels },
      addressType: "IPv4",
      endpoints: [{ addresses: [ownAddress()], conditions: { ready: true } }],
      ports: [{ name: "http", port: (server.address() as AddressInfo).port, protocol: "TCP" }],
    },
  ];
}

/** The Secret that cert-manager keeps a certificate in. */
function certificateOf(name: string): object {
  const folder = mkdtempSync(join(tmpdir(), "certificate-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", `/CN=${name}.lab.example`, "-addext", `subjectAltName=DNS:${name}.lab.example`];
  const made = spawnSync("openssl", [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    ...subject,
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  const data = { "tls.key": readFileSync(key).toString("base64"), "tls.crt": readFileSync(cert).toString("base64") };
  rmSync(folder, { recursive: true });
  return { apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", metadata: { name: `${name}-tls`, namespace }, data };
}

/** A Secret as docs/kubernetes.md makes it. */
function createUsers(secret: string, lines: string): void {
  const folder = mkdtempSync(join(tmpdir(), "users-"));
  const file = join(folder, "users.htpasswd");
  writeFileSync(file, lines);
  kubectl(undefined, "-n", namespace, "create", "secret", "generic", secret, `--from-file=users=${file}`);
  rmSync(folder, { recursive: true });
}

describeWithTraefik("behind a real Traefik", () => {
  const servers: Server[] = [];
  let traefik: Traefik;
  const hostOf = (name: string) => `${name}.lab.example`;
  const status = async (name: string, more: { user?: string; from?: string } = {}) =>
    (await traefik.ask({ host: hostOf(name), ...more })).status;

  beforeAll(async () => {
    for (const name of RELEASES) servers.push(await startOllama(name));
    const stack = stackOf(lab, "ollama");
    const synthesized = ["https-redirect", ...RELEASES.map((name) => `${name}-route`)].flatMap((name) => objectsOf(stack, name));
    const items = [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
      ...RELEASES.flatMap((name, index) => serviceOf(name, servers[index] as Server)),
      // The certificate of the last one has not come yet.
      ...RELEASES.slice(0, -1).map(certificateOf),
      // cert-manager is not there; its Secrets are.
      ...synthesized.filter(({ kind }) => kind !== "Certificate"),
    ];
    kubectl(JSON.stringify({ apiVersion: "v1", kind: "List", items }), "apply", "--server-side", "-f", "-");
    createUsers("alice", USERS.alice);
    createUsers("bob", USERS.bob);
    traefik = await Traefik.start(namespace);
    await traefik.until(401, { host: hostOf("locked") });
  });
  afterAll(() => {
    traefik?.stop();
    for (const server of servers) server.close();
    kubectl(undefined, "delete", "namespace", namespace, "--ignore-not-found", "--wait=false");
  });

  test("a host with a lock asks for a password", async () => {
    expect(await traefik.ask({ host: hostOf("locked") })).toMatchObject({
      status: 401,
      headers: { "www-authenticate": expect.stringMatching(/^Basic /) },
    });
  });
  test.each([
    ["a wrong password", "alice:wrong"],
    ["an unknown user", CAROL],
    ["the user of another host", BOB],
    ["the hash as the password", USERS.alice.trim()],
  ])("it refuses %s", async (_, user) => expect(await status("locked", { user })).toBe(401));
  test("it hands the answer of its own Ollama to who has the password, and the login to nobody", async () => {
    expect(await traefik.ask({ host: hostOf("locked"), user: ALICE })).toMatchObject({
      status: 200,
      body: '{"name":"locked"}\n',
    });
  });

  test("a host with a list answers an address that is on it", async () => {
    expect(await traefik.ask({ host: hostOf("listed"), from: "127.0.0.3" })).toMatchObject({
      status: 200,
      body: '{"name":"listed"}\n',
    });
  });
  test("it answers 403 to others, and to those on the list of another host", async () => {
    expect([await status("listed"), await status("listed", { from: "127.0.0.2" })]).toEqual([403, 403]);
  });
  test.each(["X-Forwarded-For", "X-Real-Ip", "Forwarded"])(
    "the header %s does not put who sends it on the list",
    async (name) => {
      const value = name === "Forwarded" ? "for=127.0.0.3" : "127.0.0.3";
      expect((await traefik.ask({ host: hostOf("listed"), headers: { [name]: value } })).status).toBe(403);
    },
  );

  test("a host with both asks an address on the list for a password, and lets it in with that", async () => {
    const from = "127.0.0.2";
    expect([await status("both", { from }), await status("both", { from, user: BOB })]).toEqual([401, 200]);
  });
  test("it refuses another address without asking, with the right password too", async () => {
    expect([await status("both"), await status("both", { user: BOB })]).toEqual([403, 403]);
  });
  test("whoever greets one host by TLS and asks another meets that one's lock", async () => {
    const question = { host: hostOf("both"), servername: hostOf("listed"), from: "127.0.0.3" };
    expect((await traefik.ask(question)).status).toBe(403);
  });

  test.each(["LOCKED.LAB.EXAMPLE", "locked.lab.example.", "locked.lab.example:443"])(
    "%s does not get by the lock",
    async (Host) => {
      expect((await traefik.ask({ host: hostOf("locked"), headers: { Host } })).status).toBe(401);
    },
  );

  test("nobody answers for a host that no release has", async () => expect(await status("elsewhere")).toBe(404));
  test.each(RELEASES.slice(0, -1))("%s shows the certificate of its Secret", async (name) => {
    expect((await traefik.ask({ host: hostOf(name) })).certificate).toBe(hostOf(name));
  });
  test("without its Secret a host shows Traefik's own certificate", async () => {
    expect((await traefik.ask({ host: hostOf("waiting") })).certificate).toBe("TRAEFIK DEFAULT CERT");
  });

  test.each(RELEASES)("HTTP hands nothing of %s on, but sends to HTTPS", async (name) => {
    const seen = await traefik.ask({ host: hostOf(name), tls: false, user: ALICE });
    expect([seen.status, seen.headers["location"]]).toEqual([301, `https://${hostOf(name)}/api/tags`]);
  });
  test("HTTP keeps the method of a POST", async () => {
    expect((await traefik.ask({ host: hostOf("locked"), tls: false, method: "POST" })).status).toBe(308);
  });

  test("an answer streams", async () => {
    const answer = await traefik.ask({ host: hostOf("locked"), path: "/api/generate", method: "POST", user: ALICE });
    expect([answer.body.split("\n").length, answer.took > 500]).toEqual([3, true]);
  });

  describe("while the Secret with the users", () => {
    const question = { host: hostOf("waiting") };
    const remove = () => kubectl(undefined, "-n", namespace, "delete", "secret", "later");

    test("is missing, the host answers 404", async () => {
      expect(await traefik.during(3000, { ...question, user: ALICE })).toEqual(new Set([404]));
    });
    test("is there, the host asks for the password, without a restart", async () => {
      createUsers("later", USERS.alice);
      await traefik.until(401, question);
      expect([await status("waiting"), await status("waiting", { user: ALICE })]).toEqual([401, 200]);
    });
    test("goes away, the host never opens", async () => {
      remove();
      const seen = await traefik.during(8000, question);
      expect([seen.has(200), await status("waiting")]).toEqual([false, 404]);
    });
    test("has two keys, the host answers 404", async () => {
      kubectl(
        undefined,
        "-n",
        namespace,
        "create",
        "secret",
        "generic",
        "later",
        "--from-literal=users=a",
        "--from-literal=more=b",
      );
      expect(await traefik.during(6000, question)).toEqual(new Set([404]));
      remove();
    });
    test("has the type kubernetes.io/basic-auth, its user is let in", async () => {
      const [username, password] = CAROL.split(":");
      const literals = [`--from-literal=username=${username}`, `--from-literal=password=${password}`];
      kubectl(undefined, "-n", namespace, "create", "secret", "generic", "later", "--type=kubernetes.io/basic-auth", ...literals);
      await traefik.until(401, question);
      expect([await status("waiting"), await status("waiting", { user: CAROL })]).toEqual([401, 200]);
    });
  });
});
