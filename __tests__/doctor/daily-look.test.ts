import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { examineContainers } from "../../doctor/containers";
import { known, unknown } from "../../doctor/finding";
import { examineHealth } from "../../doctor/health";
import type { AskedOllama } from "../../doctor/ollama";
import { proxmoxPlan } from "../../doctor/plan";
import type { ProgramResult } from "../../doctor/program";
import type { GuestStatus } from "../../doctor/proxmox";
import { deployedGuests } from "../../doctor/proxmox/status";
import type { ProxmoxLab } from "../../lab/lab";
import { checkLab } from "../../lab/read";
import { labWith, ollamaLab } from "../../testing/lab";
import { factsFor } from "../../testing/proxmox/facts";

const withModels = labWith({ containers: { "ollama-1": { models: ["mistral:7b", "nomic-embed-text"] } } });
// as: the lab has guests on Proxmox.
const lab = checkLab(withModels, "/lab").lab as ProxmoxLab;
const plan = proxmoxPlan(lab);
if (!plan) throw new Error("the lab has no guests on Proxmox");
const facts = factsFor(lab, plan);

const CONTAINER = {
  vmid: 201,
  type: "lxc",
  node: "pve2",
  name: "test-ollama-1",
  status: "running",
  template: false,
  tags: "",
} as const;
const there = (change = {}) => deployedGuests(plan, { ...facts, guests: known([{ ...CONTAINER, ...change }]), ...seen });
const seen = {
  walls: new Map([[201, known(true)]]),
  configs: new Map([
    [201, known({ net0: "name=eth0,firewall=1,ip=192.0.2.21/24", net1: "name=eth1", net2: "name=eth2,firewall=0" })],
  ]),
};

describe("a guest of the lab", () => {
  test("is where Proxmox has it, with its state", () => {
    expect(there().map(({ node, state }) => [node, state])).toEqual([["pve2", "running"]]);
  });
  test("has a firewall with its switch, and the cards that it does not filter", () => {
    expect(there()[0]?.firewall).toEqual({ known: true, value: { enabled: true, unfiltered: ["net1", "net2"] } });
  });
  test("is absent before the first deploy", () => {
    expect(deployedGuests(plan, facts).map(({ node, state }) => [node, state])).toEqual([["pve1", "absent"]]);
  });
  test("is absent where a stranger has its VMID", () => expect(there({ name: "mail" })[0]?.state).toBe("absent"));
});

describe("the models of a container", () => {
  const [running] = there();
  const found = async (answer: Awaited<ReturnType<typeof examineContainers>> | string[] | undefined, status = running) =>
    (
      await examineContainers(lab, status ? [status] : [], undefined, async () =>
        answer === undefined ? unknown("it cannot be reached (ECONNREFUSED)") : known(answer as string[]),
      )
    ).map(({ code, severity, path, message, remedy }) => ({
      code,
      severity,
      path: path.join("."),
      text: `${message} → ${remedy}`,
    }));

  test("are no finding where all are there", async () => {
    expect(await found(["mistral:7b", "nomic-embed-text:latest"])).toEqual([]);
  });
  test("are told where one is missing, with what to do", async () => {
    expect(await found(["mistral:7b"])).toEqual([
      {
        code: "model-missing",
        severity: "warning",
        path: "containers.ollama-1.models",
        text: expect.stringMatching(
          /lacks nomic-embed-text → .*--tags models.*ollama-health\.sh --endpoint http:\/\/192\.0\.2\.21:11434/,
        ),
      },
    ]);
  });
  test("are unknown where Ollama does not answer", async () => {
    expect(await found(undefined)).toEqual([
      expect.objectContaining({ code: "ollama-unknown", severity: "unknown", text: expect.stringContaining("network.clients") }),
    ]);
  });
  test("are not asked of a container that is stopped", async () => {
    expect(await found(undefined, running && { ...running, state: "stopped" })).toEqual([]);
  });
});

describe("a container behind an HTTPS door", () => {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(() => writeFileSync(join(folder, "token"), "a-token-of-many-letters\n"));
  const behindDoor = (door = {}) =>
    // as: the lab has guests on Proxmox.
    checkLab(
      labWith({ containers: { "ollama-1": { models: ["mistral:7b"], https: { tokenFile: "./token", ...door } } } }),
      folder,
    ).lab as ProxmoxLab;
  const running = there().map((status): GuestStatus => ({ ...status, state: "running" }));
  const ask = async (of: ProxmoxLab, answer = known<readonly string[]>(["mistral:7b"])) => {
    const asked: AskedOllama[] = [];
    const findings = await examineContainers(of, running, "PEM", async (one) => {
      asked.push(one);
      return answer;
    });
    return { asked, findings };
  };

  test("is asked for its models there, with its token", async () => {
    expect((await ask(behindDoor())).asked).toEqual([{ url: "https://192.0.2.21", token: "a-token-of-many-letters", ca: "PEM" }]);
  });
  test("is asked by its name and port", async () => {
    const { asked } = await ask(behindDoor({ host: "ollama.lab.example", port: 8443 }));
    expect(asked[0]?.url).toBe("https://ollama.lab.example:8443");
  });
  test("is not asked without its token", async () => {
    rmSync(join(folder, "token"));
    expect((await ask(behindDoor())).asked).toEqual([]);
  });
  test.each([
    ["is not there", () => rmSync(join(folder, "token")), /its token in \S+\/token cannot be read \(ENOENT\)$/],
    ["has several lines", () => writeFileSync(join(folder, "token"), "one\ntwo\n"), /\/token does not hold a token on one line$/],
  ])("is unknown where the file of its token %s", async (_, change, message) => {
    change();
    const { findings } = await ask(behindDoor());
    expect(findings).toEqual([expect.objectContaining({ code: "ollama-unknown", message: expect.stringMatching(message) })]);
  });
  test("is unknown with the units to look at and the script's login", async () => {
    const { findings } = await ask(behindDoor(), unknown("it answered with status 502"));
    expect(findings[0]?.remedy).toMatch(
      /root@192\.0\.2\.21 systemctl status ollama-door ollama\. Then: .*--endpoint https:\/\/192\.0\.2\.21 --credentials \S+\/token --model mistral:7b$/,
    );
  });
  test("is unknown with how to trust the authority of its own", async () => {
    const { findings } = await ask(behindDoor(), unknown("it cannot be reached (SELF_SIGNED_CERT_IN_CHAIN)"));
    expect(findings[0]?.remedy).toContain("SSL_CERT_FILE");
  });
  test("with a certificate of a public authority needs no other trust", async () => {
    const acme = behindDoor({ host: "ollama.lab.example", certificate: { type: "acme", email: "operator@lab.example" } });
    expect((await ask(acme, unknown("it answered with status 502"))).findings[0]?.remedy).not.toContain("SSL_CERT_FILE");
  });
  test("is tried there by --health, with its token", async () => {
    const asked: (readonly string[])[] = [];
    await examineHealth(behindDoor(), { guests: running, deployed: [], kubeconfig: "" }, async (_, args) => {
      asked.push(args);
      return { status: 0, stdout: "{}", stderr: "" };
    });
    expect(asked[0]?.slice(3)).toEqual([
      "--endpoint",
      "https://192.0.2.21",
      "--credentials",
      join(folder, "token"),
      "--model",
      "mistral:7b",
      "--json",
    ]);
  });
});

describe("with --health", () => {
  const running = there().map((status): GuestStatus => ({ ...status, state: "running" }));
  const health = async (result: ProgramResult, deployed: string[] = [], input = withModels) => {
    const asked: string[][] = [];
    const findings = await examineHealth(
      checkLab(input, "/lab").lab,
      { guests: input === withModels ? running : [], deployed, kubeconfig: "/lab/kubeconfig" },
      async (command, args) => {
        asked.push([command, ...args]);
        return result;
      },
    );
    return { asked, findings };
  };
  const answered = (status: number, stdout: string): ProgramResult => ({ status, stdout, stderr: "" });

  test("each container that runs is tried, with all of its models", async () => {
    const { asked } = await health(answered(0, "{}"));
    expect(asked.map((args) => args.slice(4).join(" "))).toEqual([
      "--endpoint http://192.0.2.21:11434 --model mistral:7b --model nomic-embed-text --json",
    ]);
  });
  test("each release that serves is tried, by the lab's kubeconfig", async () => {
    const { asked } = await health(answered(0, "{}"), ["ollama"], ollamaLab);
    expect([asked[0]?.[1], asked[0]?.slice(4).join(" ")]).toEqual([
      "KUBECONFIG=/lab/kubeconfig",
      "--internal --namespace ml --service ollama --model llama3.2:1b --json",
    ]);
  });
  test("a release that does not serve is not tried", async () => {
    expect((await health(answered(0, "{}"), [], ollamaLab)).asked).toEqual([]);
  });
  test("an Ollama that does not answer is a finding, in the script's words", async () => {
    const answer =
      '{"checks":[{"check":"api","result":"pass","message":"yes"},{"check":"inference","result":"fail","message":"it timed out"}]}';
    const { findings } = await health(answered(3, answer));
    expect(findings).toEqual([
      expect.objectContaining({
        code: "ollama-unhealthy",
        severity: "warning",
        message: "test-ollama-1 is not healthy: it timed out",
      }),
    ]);
  });
  test("a script that could not look says nothing about Ollama", async () => {
    const { findings } = await health({ status: 64, stdout: "", stderr: "ollama-health: curl is missing" });
    expect(findings).toEqual([
      expect.objectContaining({ code: "ollama-unknown", message: "test-ollama-1 was not tried: ollama-health: curl is missing" }),
    ]);
  });
});
