// What a synthesis ends with, for small and large labs, terminals and environments.
import { PLAIN, type Style } from "../../cli/print";
import { deployMinutes, guestsOf, type Here, leftToDo, modelsOf } from "../../cli/summary";
import { summary, wrapped } from "../../cli/summary-text";
import type { Lab } from "../../lab/lab";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import type { StackSummary } from "../../stacks/synthesize";
import { baseLab, type Changes, clusterLab, gpuLab, labWith, ollamaLab } from "../../testing/lab";

const lab = (changes: Changes = {}, base: LabInput = baseLab): Lab => checkLab(labWith(changes, base), "/lab").lab;

/** Containers with numbers in their names. */
const containers = (number: number): Changes => ({
  containers: Object.fromEntries(
    Array.from({ length: number }, (_, i) => [
      `ollama-${i + 1}`,
      { vmId: 201 + i, address: `192.0.2.${101 + i}`, models: ["mistral:7b"] },
    ]),
  ),
});

const stack = (variables: readonly string[] = []): StackSummary => ({
  id: "containers",
  folder: "cdktf.out/stacks/containers",
  resources: { proxmox_virtual_environment_container: 2 },
  outputs: [],
  variables,
});

const here = (env: Here["env"] = {}, ...programs: readonly string[]): Here => ({
  env,
  states: [],
  hasOneOf: (...names) => names.some((name) => programs.includes(name)),
});

const text = (of: Lab, style: Style = PLAIN, file = "lab.yaml") => summary(of, file, [stack()], here(), style);
const todo = (of: Lab, at: Here = here(), variables: readonly string[] = []) =>
  leftToDo(of, "lab.yaml", [stack(variables)], at).join("\n");

describe("the guests", () => {
  test("have 10 after 9", () => {
    expect(
      guestsOf(lab(containers(10)))
        .map(({ name }) => name)
        .slice(-2),
    ).toEqual(["test-ollama-9", "test-ollama-10"]);
  });
  test("of a lab of twelve are all there", () => expect(text(lab(containers(12)))).toContain("test-ollama-12"));
  test("of a larger lab are the first eight of each kind, and the number of the rest", () => {
    const large = text(lab({ ...containers(53), network: { cidr: "192.0.2.0/24" } }));
    expect(large).toMatch(/\n {2}test-ollama-8 .*\n {2}… and 45 more containers\n/);
  });
  test("of another kind are not hidden by many containers", () => {
    const many = lab({ ...containers(20), defaults: { container: baseLab.defaults?.container } }, clusterLab);
    expect(text(many)).toMatch(/… and 12 more containers\n {2}test-k3s-1 .*\n {2}test-gpu-1 /);
  });
});

describe("the models", () => {
  const roomOf = (models: string[], diskGiB = 50) =>
    text(lab({ containers: { "ollama-1": { models, diskGiB } } })).match(/Models\n {2}\S+ {2}(.*?) {2}/)?.[1];

  test("of an Ollama release count against its claim", () => {
    expect(modelsOf(lab({}, ollamaLab))).toContainEqual(
      expect.objectContaining({ of: "release ollama", roomGiB: 50, unknown: 0 }),
    );
  });
  test("whose size is known are added up", () => expect(roomOf(["mistral:7b"])).toBe("4.2 of 50 GiB"));
  test("whose size is not known are counted", () => expect(roomOf(["mistral:7b", "my-own"])).toBe("4.2 of 50 GiB, 1 unknown"));
  test("none of whose sizes is known have a question mark", () => expect(roomOf(["my-own"])).toBe("? of 50 GiB"));
  test("that do not fit are called too large", () => {
    const [spec] = Object.values(lab({ containers: { "ollama-1": { models: ["mistral:7b"] } } }).containers ?? {});
    if (!spec) throw new Error("the lab has a container");
    const small = { ...lab(), containers: { "ollama-1": { ...spec, diskGiB: 4 } } } as Lab;
    expect(text(small)).toContain("4.2 of 4 GiB, too large");
  });
  test("are named as far as the terminal is wide", () => {
    const many = lab({
      containers: { "ollama-1": { models: ["mistral:7b", "nomic-embed-text", "llama3.2:1b", "llama3.2:3b"] } },
    });
    const narrow = text(many, { ...PLAIN, answer: { colours: false, columns: 60 } });
    expect(narrow).toMatch(/ {2}mistral:7b and 3 more\n/);
  });
});

describe("what is left to do by hand", () => {
  test("has the credential that the lab asks for", () => {
    expect([todo(lab()), todo(lab({ proxmox: { auth: "rootPassword" } }))]).toEqual([
      expect.stringContaining("Set PROXMOX_VE_API_TOKEN"),
      expect.stringContaining("Set PROXMOX_VE_PASSWORD"),
    ]);
  });
  test("does not have what the environment has already", () => {
    const env = { PROXMOX_VE_API_TOKEN: "t", TF_VAR_k3s_server_token: "s" };
    expect(todo(lab({}, clusterLab), here(env), ["k3s_server_token"])).not.toMatch(/Set /);
  });
  test("has the rights of a token, but none for root", () => {
    expect([todo(lab()), todo(lab({ proxmox: { auth: "rootPassword" } }))]).toEqual([
      expect.stringContaining("`npx ollama-lab rights`"),
      expect.not.stringContaining("rights`"),
    ]);
  });
  test.each([
    ["terraform", here({}, "terraform")],
    ["tofu", here({}, "tofu")],
    ["the program that TERRAFORM_BINARY_NAME names", here({ TERRAFORM_BINARY_NAME: "/opt/tf" })],
  ])("does not have Terraform where there is %s", (_, at) => expect(todo(lab(), at)).not.toContain("Install Terraform"));
  test("has Terraform where there is none", () => expect(todo(lab())).toContain("Install Terraform or OpenTofu"));
  test("has the datacenter's firewall for a lab with guests", () =>
    expect(todo(lab())).toContain("Switch the datacenter's firewall on"));
  test("has none of Proxmox for a cluster that is there", () => {
    const { ollama, kubernetes } = ollamaLab;
    expect(todo(checkLab({ name: "k", ollama, kubernetes }, "/lab").lab)).not.toMatch(/firewall|PROXMOX/);
  });
  test("has the address that stands for all servers", () => {
    const servers = { "k3s-2": { vmId: 302, address: "192.0.2.32" }, "k3s-3": { vmId: 303, address: "192.0.2.33" } };
    const three = { cluster: { servers, firstServer: "k3s-1", registrationAddress: "192.0.2.30" } };
    expect(todo(lab(three, clusterLab))).toContain("Make 192.0.2.30 answer for the servers");
  });
  test("has the Secrets that the lab refers to", () => {
    const dns01 = { cloudflare: { apiTokenSecretRef: { name: "cloudflare", key: "token" } } };
    const certified = { kubernetes: { issuer: "acme", certManager: { email: "a@lab.example", dns01 } } };
    expect(todo(lab(certified, gpuLab))).toContain("Make the Secret cloudflare (namespace cert-manager) in the cluster");
  });
  test("has the run of Ansible where the deploy does not do it", () =>
    expect(todo(lab())).toContain("`npx ollama-lab inventory`"));
  test("has Ansible where the deploy runs it and it is not there", () => {
    const configured = lab({ configure: true });
    expect([todo(configured), todo(configured, here({}, "ansible-playbook"))]).toEqual([
      expect.stringContaining("Install Ansible"),
      expect.not.stringContaining("Ansible"),
    ]);
  });
});

describe("on a terminal", () => {
  test("headings are bold, and rows are not", () => {
    const lines = text(lab(), { ...PLAIN, answer: { colours: true, columns: 80 } }).split("\n");
    const bold = lines.filter((line) => line.startsWith("\u001b[1m"));
    expect([bold.length, lines.filter((line) => line.startsWith("  ") && line.includes("\u001b"))]).toEqual([5, []]);
  });
  test("of 80 columns every line fits", () => {
    const lines = text(lab(containers(20)), { ...PLAIN, answer: { colours: false, columns: 80 } }).split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });
});

describe("lines", () => {
  test("break at spaces", () => expect(wrapped("one two three", 7)).toEqual(["one two", "three"]));
  test("do not break in a command", () => expect(wrapped("say `npx one two` now", 9)).toEqual(["say", "`npx one two`", "now"]));
});

test("the default example ends with how to make a lab of one's own", () => {
  expect(text(lab(), PLAIN, "examples/default.yaml")).toMatch(
    /\n {2}npx ollama-lab init .*\n {2}cp examples\/default\.yaml lab\.yaml /,
  );
});

test("a deploy takes longer with a graphics card, whose driver is built", () => {
  const without = lab({ cluster: { workers: { "gpu-1": { gpus: undefined } } } }, clusterLab);
  expect(deployMinutes(lab({}, gpuLab))).toBeGreaterThan(deployMinutes(without));
});
