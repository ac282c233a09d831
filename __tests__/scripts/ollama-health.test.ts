import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FakeOllama, type FakeOllamaOptions, startFakeOllama } from "../../testing/fake-ollama";
import { type Finished, killLeftovers, projectRoot, run, testWith } from "../templates/ollama/run";

const script = `${projectRoot}/scripts/ollama-health.sh`;
const models = [
  { name: "qwen2.5:3b", size: 1929912432 },
  { name: "llama3.2:1b", size: 1321098329 },
];
const page = "<html><body>404 page not found</body></html>";

let folder: string;
let fakes: FakeOllama[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ollama-health-"));
  fakes = [];
});
afterEach(async () => {
  killLeftovers();
  for (const fake of fakes) await fake.close();
  rmSync(folder, { recursive: true, force: true });
});

const serve = async (options: FakeOllamaOptions = {}): Promise<FakeOllama> => {
  const fake = await startFakeOllama({ models, ...options });
  fakes.push(fake);
  return fake;
};
const check = (args: string[], env: Record<string, string> = {}): Promise<Finished> =>
  run("bash", script, args, { HOME: folder, NO_PROXY: "*", ...env });
const checkServer = async (options: FakeOllamaOptions, ...args: string[]): Promise<Finished> => {
  const fake = await serve(options);
  return check(["--endpoint", fake.url, ...args]);
};

/** A command that stands before the real one on PATH. */
const command = (name: string, text: string): Record<string, string> => {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, name), 0o755);
  return { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
};

describe("a healthy server", () => {
  test("exits 0, with one line per check and their counts", async () => {
    const finished = await checkServer({}, "--model", "llama3.2:1b", "--model", "qwen2.5:3b");
    expect(finished.code).toBe(0);
    expect(finished.stdout).toMatch(
      /^\[PASS\] API reachable at http:\S+\n\[PASS\] model llama3\.2:1b present \(1\.3 GB\)\n\[PASS\] model qwen2\.5:3b present \(1\.9 GB\)\n\[PASS\] inference with llama3\.2:1b took \d+\.\d s\n\nPassed: 4, warnings: 0, failed: 0\nOllama at \S+: healthy\n$/,
    );
  });

  test("is asked for one short, complete answer", async () => {
    const fake = await serve();
    await check(["--endpoint", `${fake.url}/`, "--model", "llama3.2:1b"]);
    expect(fake.requests.map(({ path }) => path)).toEqual(["/api/tags", "/api/generate"]);
    expect(JSON.parse(fake.requests[1]?.body ?? "")).toMatchObject({
      model: "llama3.2:1b",
      stream: false,
      options: { num_predict: 16 },
    });
  });

  test("lets its smallest model answer when none is named", async () => {
    const finished = await checkServer({});
    expect(finished.code).toBe(0);
    expect(finished.stdout).toContain("inference with llama3.2:1b took");
    expect(finished.stdout).not.toContain("qwen");
  });

  test("has a model under a longer or a shorter spelling of its name", async () => {
    const options = { models: [{ name: "nomic-embed-text:latest", size: 274302450 }] };
    const finished = await checkServer(
      options,
      "--model",
      "nomic-embed-text",
      "--model",
      "registry.ollama.ai/library/nomic-embed-text",
    );
    expect(finished.code).toBe(0);
    expect(finished.stdout).toContain("(274.3 MB)");
  });

  test("may list models with other white space, key order and nested names", async () => {
    const answer = `{ "models" : [\n  { "size" : 1321098329 ,\n "details": {"name": "other:1b", "size": 7, "families": [ ], "labels": { }, "note": "a \\"b\\" } ]"},\r\n\t"name"\t:\t"llama3.2:1b" } , {"size":1,"name":"tiny:1b"}\n]\n}`;
    const finished = await checkServer(
      { misbehave: { "/api/tags": { answer } } },
      "--model",
      "llama3.2:1b",
      "--model",
      "other:1b",
    );
    expect(finished.code).toBe(2);
    expect(finished.stdout).toContain("[PASS] model llama3.2:1b present (1.3 GB)");
    expect(finished.stdout).toContain("[FAIL] model other:1b missing; the server has: tiny:1b llama3.2:1b");
  });

  test("may have only an embedding model, which then embeds instead", async () => {
    const finished = await checkServer({
      misbehave: { "/api/generate": { status: 400, answer: '{"error":"\\"llama3.2:1b\\" does not support generate"}' } },
    });
    expect(finished.code).toBe(0);
    expect(fakes[0]?.requests.map(({ path }) => path)).toEqual(["/api/tags", "/api/generate", "/api/embed"]);
  });

  test("lets a model that generates text answer, and not a smaller one that only embeds", async () => {
    const all = [{ name: "nomic-embed-text:latest", size: 1, capabilities: ["embedding"] }, ...models];
    expect((await checkServer({ models: all })).stdout).toContain("inference with llama3.2:1b took");
  });

  test("of an old release tells an embedding model by its family", async () => {
    const all = [{ name: "nomic-embed-text:latest", size: 1, family: "nomic-bert" }, ...models];
    expect((await checkServer({ models: all })).stdout).toContain("inference with llama3.2:1b took");
  });

  test("with nothing but embedding models embeds at once", async () => {
    const finished = await checkServer({ models: [{ name: "nomic-embed-text:latest", size: 1, capabilities: ["embedding"] }] });
    expect(finished.code).toBe(0);
    expect(fakes[0]?.requests.map(({ path }) => path)).toEqual(["/api/tags", "/api/embed"]);
  });

  test("sends no prompt to the cloud unless its model is named", async () => {
    const stub = { name: "gpt-oss:120b-cloud", size: 384, remoteHost: "https://ollama.com:443" };
    expect((await checkServer({ models: [stub, ...models] })).stdout).toContain("inference with llama3.2:1b took");
    const named = await checkServer({ models: [stub, ...models] }, "--model", "gpt-oss:120b-cloud");
    expect(named.code).toBe(0);
    expect(named.stdout).toContain("[WARN] model gpt-oss:120b-cloud is a cloud model: the prompt leaves this server");
  });

  test("may spend all tokens on thinking", async () => {
    const answer = '{"response":"","thinking":"Well","done":true,"done_reason":"length","eval_count":16}';
    expect((await checkServer({ misbehave: { "/api/generate": { answer } } })).code).toBe(0);
  });

  test("is found healthy under sh, too, which is no bash", async () => {
    const fake = await serve();
    expect((await run("dash", script, ["--endpoint", fake.url], { HOME: folder, NO_PROXY: "*" })).code).toBe(0);
  });

  test("works without jq", async () => {
    const fake = await serve();
    const env = command("jq", `: >'${folder}/jq-was-called'; exit 127`);
    expect((await check(["--endpoint", fake.url], env)).code).toBe(0);
    expect(existsSync(join(folder, "jq-was-called"))).toBe(false);
  });
});

describe("an API that cannot be reached exits 1 and says", () => {
  test.each<[string, FakeOllamaOptions["misbehave"], RegExp]>([
    ["that it hangs", { "/api/tags": "hang" }, /no answer within 0\.3 s/],
    ["that the reply is empty", { "/api/tags": "close" }, /empty reply: the server closed the connection/],
    ["that the reply has no body", { "/api/tags": { answer: "" } }, /empty reply: HTTP 200 without a body/],
    ["that the connection breaks", { "/api/tags": "break" }, /broke in the middle of the answer/],
    ["that HTML comes", { "/api/tags": { answer: page, type: "text/html" } }, /HTML instead of JSON \(HTTP 200\)/],
    [
      "that HTML comes, with an error and without its type",
      { "/api/tags": { answer: page, type: "", status: 502 } },
      /HTML instead of JSON \(HTTP 502\)/,
    ],
    [
      "where a redirect leads",
      {
        "/api/tags": {
          answer: page,
          type: "text/html",
          status: 308,
          headers: { location: "https://ollama.home.example/api/tags" },
        },
      },
      /redirect \(HTTP 308\) to https:\/\/ollama\.home\.example\/api\/tags/,
    ],
    [
      "what comes instead of JSON",
      { "/api/tags": { answer: "Forbidden", type: "text/plain", status: 403 } },
      /not JSON \(HTTP 403\): Forbidden/,
    ],
    ["that JSON is cut off", { "/api/tags": { answer: '{"models":[{"name":"llama3.2:1b"' } }, /not JSON \(HTTP 200\)/],
    [
      "that JSON is of something else",
      { "/api/tags": { answer: '{"status":"ok"}' } },
      /not Ollama's list of models: \{"status":"ok"\}/,
    ],
    [
      "that a login is asked for",
      { "/api/tags": { answer: "", status: 401 } },
      /HTTP 401: a login is asked for; .*--credentials FILE/,
    ],
    [
      "that the name it is called by is refused",
      { "/api/tags": { answer: "", status: 403 } },
      /HTTP 403 without a body: .*Host: localhost/,
    ],
    [
      "what the server reports, without JSON's escapes",
      { "/api/tags": { answer: '{"error":"pull \\"a\\" from \\u003chost\\u003e\\/v2\\nfailed"}', status: 500 } },
      /HTTP 500: pull "a" from <host>\/v2 failed/,
    ],
    [
      "which error the server reports",
      { "/api/tags": { answer: '{"error":"disk on fire"}', status: 500 } },
      /HTTP 500: disk on fire/,
    ],
  ])("%s", async (_, misbehave, message) => {
    const finished = await checkServer({ misbehave }, "--timeout", "0.3");
    expect(finished.code).toBe(1);
    expect(finished.stdout).toMatch(/^\[FAIL\] API not reachable at /);
    expect(finished.stdout).toMatch(message);
    expect(finished.stdout).toContain("Passed: 0, warnings: 0, failed: 1");
    expect(finished.stdout).toContain(": unreachable");
  });

  test("that nobody listens", async () => {
    const fake = await serve();
    await fake.close();
    const finished = await check(["--endpoint", fake.url]);
    expect(finished.code).toBe(1);
    expect(finished.stdout).toContain("connection refused");
  });

  test("that the name does not resolve", async () => {
    const env = command("curl", 'echo "curl: (6) Could not resolve host: ollama.home.example" >&2; exit 6');
    const finished = await check(["--endpoint", "https://ollama.home.example"], env);
    expect(finished.code).toBe(1);
    expect(finished.stdout).toContain("the name does not resolve: Could not resolve host: ollama.home.example");
  });

  test("that the port does not speak TLS", async () => {
    const fake = await serve();
    const finished = await check(["--endpoint", fake.url.replace("http:", "https:")]);
    expect(finished.code).toBe(1);
    expect(finished.stdout).toContain("TLS error: the handshake failed; does this port speak TLS?");
  });

  testWith("openssl", "apt-get install openssl")("that the certificate is not trusted, until its CA is given", async () => {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const request = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    expect(await run("openssl", "req", [...request, ...subject, "-keyout", key, "-out", cert], {})).toMatchObject({ code: 0 });
    const fake = await serve({ tls: { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") } });
    const finished = await check(["--endpoint", fake.url]);
    expect(finished.code).toBe(1);
    expect(finished.stdout).toContain("TLS error: the certificate is not trusted");
    expect((await check(["--endpoint", fake.url], { CURL_CA_BUNDLE: cert })).code).toBe(0);
  });
});

describe("a missing model", () => {
  test("exits 2, and the inference of the one that is there still runs", async () => {
    const finished = await checkServer({}, "--model", "llama3:8b", "--model", "qwen2.5:3b");
    expect(finished.code).toBe(2);
    expect(finished.stdout).toContain("[FAIL] model llama3:8b missing; the server has: llama3.2:1b qwen2.5:3b");
    expect(finished.stdout).toContain("[PASS] inference with qwen2.5:3b");
    expect(finished.stdout).toContain("Passed: 3, warnings: 0, failed: 1");
  });

  test("exits 2 before a failed inference counts", async () => {
    const misbehave = { "/api/generate": "close" } as const;
    expect((await checkServer({ misbehave }, "--model", "llama3:8b", "--model", "qwen2.5:3b")).code).toBe(2);
  });

  test("is not asked to answer", async () => {
    const finished = await checkServer({}, "--model", "llama3:8b");
    expect(finished.code).toBe(2);
    expect(fakes[0]?.requests).toHaveLength(1);
  });

  test("exits 2 when the server has only cloud models and none was named", async () => {
    const finished = await checkServer({
      models: [{ name: "gpt-oss:120b-cloud", size: 384, remoteHost: "https://ollama.com:443" }],
    });
    expect(finished.code).toBe(2);
    expect(finished.stdout).toContain("only cloud models on the server");
    expect(fakes[0]?.requests).toHaveLength(1);
  });

  test("exits 2 when the server has none at all and none was named", async () => {
    const finished = await checkServer({ models: [] });
    expect(finished.code).toBe(2);
    expect(finished.stdout).toContain("[FAIL] no model on the server");
  });
});

describe("an inference that fails exits 3 and says", () => {
  test.each<[string, FakeOllamaOptions["misbehave"], RegExp]>([
    [
      "that the model may still load",
      { "/api/generate": "hang" },
      /no answer within 0\.3 s, but the API answers: .*longer --timeout/,
    ],
    ["that the reply is empty", { "/api/generate": "close" }, /failed: empty reply/],
    ["that the reply has no body", { "/api/generate": { answer: "" } }, /failed: empty reply: HTTP 200 without a body/],
    [
      "that the model has no memory",
      { "/api/generate": { answer: '{"error":"model requires more system memory"}', status: 500 } },
      /HTTP 500: model requires more/,
    ],
    [
      "that the gateway timed out",
      { "/api/generate": { answer: "Gateway Timeout", type: "text/plain", status: 504 } },
      /not JSON \(HTTP 504\): Gateway Timeout/,
    ],
    [
      "that no token came",
      { "/api/generate": { answer: '{"response":"","done":true,"eval_count":0}' } },
      /the model answered with nothing/,
    ],
    [
      "that the answer says nothing of its end",
      { "/api/generate": { answer: '{"response":"O"}' } },
      /the answer is not complete/,
    ],
    [
      "that the answer is not complete",
      { "/api/generate": { answer: '{"response":"O","done":false}' } },
      /the answer is not complete/,
    ],
  ])("%s", async (_, misbehave, message) => {
    const finished = await checkServer({ misbehave }, "--timeout", "0.3");
    expect(finished.code).toBe(3);
    expect(finished.stdout).toMatch(message);
    expect(finished.stdout).toContain("Passed: 2, warnings: 0, failed: 1");
    expect(finished.stderr).toBe("");
  });
});

test("an inference over the threshold exits 4 with a warning", async () => {
  const finished = await checkServer({ thinks: 250 }, "--threshold", "0.2");
  expect(finished.code).toBe(4);
  expect(finished.stdout).toMatch(/\[WARN\] inference with llama3\.2:1b took 0\.\d s, more than 0\.2 s/);
  expect(finished.stdout).toContain("Passed: 2, warnings: 1, failed: 0");
  expect(finished.stdout).toContain(": degraded");
});

describe("--json", () => {
  test("prints one object and nothing else", async () => {
    const finished = await checkServer({}, "--json", "--model", "llama3.2:1b");
    expect(finished).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(finished.stdout)).toEqual({
      endpoint: fakes[0]?.url,
      status: "healthy",
      exitCode: 0,
      checks: [
        { check: "api", result: "pass", message: expect.any(String) },
        { check: "model llama3.2:1b", result: "pass", message: expect.any(String) },
        { check: "inference", result: "pass", message: expect.any(String) },
      ],
      models: [{ name: "llama3.2:1b", present: true, sizeBytes: 1321098329 }],
      inference: { model: "llama3.2:1b", seconds: expect.any(Number) },
      summary: { passed: 3, warnings: 0, failed: 0 },
    });
  });

  test("is valid when the server sends what JSON cannot hold", async () => {
    const answer = 'a "quoted" \\ back\u0007slash\tand\nä';
    const finished = await checkServer({ misbehave: { "/api/tags": { answer, type: "text/plain" } } }, "--json");
    expect(finished.code).toBe(1);
    expect(JSON.parse(finished.stdout)).toMatchObject({ status: "unreachable", exitCode: 1, models: [], inference: null });
  });

  test("names a missing model", async () => {
    const finished = await checkServer({}, "--json", "--model", "llama3:8b");
    expect(finished.code).toBe(2);
    expect(JSON.parse(finished.stdout)).toMatchObject({
      status: "model-missing",
      models: [{ name: "llama3:8b", present: false, sizeBytes: null }],
    });
  });
});

describe("the endpoint", () => {
  test("comes from OLLAMA_EXTERNAL_URL, with and without --external", async () => {
    const { url } = await serve();
    expect((await check([], { OLLAMA_EXTERNAL_URL: url })).code).toBe(0);
    expect((await check(["--external"], { OLLAMA_EXTERNAL_URL: url })).code).toBe(0);
  });

  test("given with --endpoint wins over --internal and the variable", async () => {
    const { url } = await serve();
    const env = { OLLAMA_EXTERNAL_URL: "http://192.0.2.1:1", ...command("kubectl", "exit 1") };
    expect((await check(["--internal", "--endpoint", url], env)).code).toBe(0);
  });

  test("of --internal is a port-forward to the Service, which is ended afterwards", async () => {
    const { port } = await serve();
    const env = command(
      "kubectl",
      `echo "$*" >'${folder}/arguments'; trap 'rm "${folder}/forwarding"; exit' TERM; : >'${folder}/forwarding'
       echo "Forwarding from 127.0.0.1:${port} -> 11434"; while :; do sleep 0.05; done`,
    );
    const finished = await check(["--internal", "--namespace", "lab", "--service", "ollama-gpu"], env);
    expect(finished.code).toBe(0);
    expect(finished.stdout).toContain("API reachable at service ollama-gpu in namespace lab");
    expect(readFileSync(join(folder, "arguments"), "utf8")).toBe(
      "--namespace lab port-forward --address 127.0.0.1 service/ollama-gpu :11434\n",
    );
    expect(existsSync(join(folder, "forwarding"))).toBe(false);
  });

  test("of --internal that kubectl cannot reach exits 1 with kubectl's own words", async () => {
    const env = command("kubectl", `echo 'Error from server (NotFound): services "ollama" not found' >&2; exit 1`);
    const finished = await check(["--internal"], env);
    expect(finished.code).toBe(1);
    expect(finished.stdout).toContain(
      'no way to service ollama in namespace ml: Error from server (NotFound): services "ollama" not found',
    );
  });

  test("of --internal inside a pod is the Service's name", async () => {
    const env = command("curl", `echo "$*" >'${folder}/arguments'; echo "curl: (7) refused" >&2; exit 7`);
    expect((await check(["--internal"], { KUBERNETES_SERVICE_HOST: "192.0.2.1", ...env })).code).toBe(1);
    expect(readFileSync(join(folder, "arguments"), "utf8")).toContain("http://ollama.ml.svc:11434/api/tags");
  });

  test.each(["hunter2", "hun@ter2"])("is printed without the password %s", async (password) => {
    const fake = await serve();
    const finished = await check(["--endpoint", fake.url.replace("//", `//admin:${password}@`)]);
    expect(finished.code).toBe(0);
    expect(finished.text).not.toContain("ter2");
  });
});

describe("a door that asks for a login", () => {
  const login = (text: string): string[] => {
    writeFileSync(join(folder, "login"), text);
    return ["--credentials", join(folder, "login")];
  };
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

  test.each([
    ["a user and a password", "ollama:hunter2\n", basic("ollama:hunter2")],
    ["a password with quotes, a backslash, a colon and a space", 'ollama:h"u\\n: 2', basic('ollama:h"u\\n: 2')],
    ["a line that ends as in Windows", "ollama:hunter2\r\n", basic("ollama:hunter2")],
    ["a token", "hunter2-token\n", "Bearer hunter2-token"],
  ])("is passed with %s from a file, for every question", async (_, text, authorization) => {
    const finished = await checkServer({ authorization }, "--model", "llama3.2:1b", ...login(text));
    expect(finished.stdout).toContain("Passed: 3, warnings: 0, failed: 0");
    expect(finished.code).toBe(0);
  });

  test("is met with no password on a command line, nor in the output", async () => {
    const env = command("curl", `echo "$*" >>'${folder}/arguments'; echo "curl: (7) refused" >&2; exit 7`);
    const finished = await check(["--endpoint", "https://ollama.home.example", ...login("ollama:hunter2")], env);
    expect(readFileSync(join(folder, "arguments"), "utf8") + finished.text).not.toContain("hunter2");
  });

  test("and refuses that login is named with the file", async () => {
    const finished = await checkServer({ authorization: basic("ollama:other") }, ...login("ollama:hunter2"));
    expect(finished.code).toBe(1);
    expect(finished.stdout).toContain(`HTTP 401: the login in ${join(folder, "login")} is refused`);
  });

  test.each([
    ["that is empty", ""],
    ["whose first line is empty", "\nollama:hunter2"],
    ["with a tab", "ollama:hun\tter2"],
  ])("a file %s exits 64", async (_, text) => {
    expect((await checkServer({}, ...login(text))).code).toBe(64);
  });

  test("a file that is not there exits 64", async () => {
    const finished = await checkServer({}, "--credentials", join(folder, "absent"));
    expect([finished.code, finished.stderr]).toEqual([64, expect.stringContaining("absent cannot be read")]);
  });
});

describe("misuse exits 64, on standard error:", () => {
  test.each([
    ["no endpoint at all", [], "where is Ollama? Give --endpoint URL or --internal, or set OLLAMA_EXTERNAL_URL"],
    ["--external without its variable", ["--external"], "--external needs the URL in OLLAMA_EXTERNAL_URL"],
    ["both sides at once", ["--external", "--internal"], "exclude each other"],
    ["an unknown option", ["--verbose"], "unknown argument '--verbose'"],
    ["an option without its value", ["--model"], "--model needs a value"],
    ["an endpoint without scheme", ["--endpoint", "ollama.home.example"], "the endpoint is 'ollama.home.example'; give a URL"],
    ["a timeout that is no number", ["--timeout", "1m"], "--timeout is '1m'"],
    ["a timeout of nothing", ["--timeout", "0"], "--timeout is '0'"],
    ["a model that breaks out of JSON", ["--model", 'a","x":"'], '--model is \'a","x":"\''],
    ["a namespace that is an option", ["--namespace", "--all"], "--namespace is '--all'"],
  ])("%s", async (_, args, message) => {
    const finished = await check(args, {});
    expect(finished).toMatchObject({ code: 64, stdout: "" });
    expect(finished.stderr).toContain(message);
  });

  test("a missing curl", async () => {
    for (const tool of ["bash", "cat"]) symlinkSync(`/bin/${tool}`, join(folder, tool));
    const finished = await run(join(folder, "bash"), script, ["--endpoint", "http://192.0.2.1"], { PATH: folder });
    expect(finished.code).toBe(64);
    expect(finished.stderr).toContain("curl is missing");
  });
});

test("a fault of its own exits 70, and not with the code of a finding", async () => {
  const fake = await serve();
  const finished = await check(["--endpoint", fake.url], command("sort", "exit 2"));
  expect(finished.code).toBe(70);
  expect(finished.stderr).toContain("stopped by a fault of its own");
});

test("a folder for temporary files that cannot be written exits 64", async () => {
  expect((await check(["--endpoint", "http://192.0.2.1"], { TMPDIR: join(folder, "absent") })).code).toBe(64);
});

test("--help exits 0 and names every option", async () => {
  const { code, stdout } = await check(["--help"]);
  expect(code).toBe(0);
  for (const option of ["--internal", "--external", "--endpoint", "--model", "--timeout", "--threshold", "--json"])
    expect(stdout).toContain(option);
});

describe("files that are gone or damaged", () => {
  // The answers of 0.13.3 and 0.32.15 to a prompt.
  test.each([
    [404, "model 'llama3.2:1b' not found"],
    [404, 'model \\"llama3.2:1b\\" not found, try pulling it first'],
    [500, "unexpected EOF"],
    [500, "unable to load model: /root/.ollama/models/blobs/sha256-00"],
    [500, "invalid file magic"],
    [500, 'tensor \\"output.weight\\" offset+size (80864) exceeds file size (60000)'],
  ])("are the reason when a listed model answers %d %s, and a pull is the remedy", async (status, error) => {
    const answer = { status, answer: `{"error":"${error}"}` };
    const finished = await checkServer({ misbehave: { "/api/generate": answer } }, "--model", "llama3.2:1b");
    expect(finished.code).toBe(3);
    expect(finished.stdout).toContain(
      "the server lists the model, but cannot read its files: they are missing or damaged, or too new",
    );
  });

  test("are not blamed for another failure", async () => {
    const answer = { status: 500, answer: '{"error":"llama runner process has terminated: exit status 2"}' };
    const finished = await checkServer({ misbehave: { "/api/generate": answer } }, "--model", "llama3.2:1b");
    expect(finished.code).toBe(3);
    expect(finished.stdout).not.toContain("damaged");
  });

  test("leave a list without a name when every manifest is torn, which is said", async () => {
    const finished = await checkServer({ models: [] }, "--model", "llama3.2:1b");
    expect(finished.code).toBe(2);
    expect(finished.stdout).toContain("model llama3.2:1b missing; the server has: no model that it can read\n");
  });
});
