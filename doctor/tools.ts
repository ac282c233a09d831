import { HELM_INSTALL, KUBECTL_INSTALL } from "../catalog/kubernetes";
import { OLDEST_OPENTOFU, OLDEST_TERRAFORM, OPENTOFU_INSTALL, TERRAFORM_INSTALL } from "../catalog/terraform";
import { minorOf } from "../grammar/k3s-version";
import { compareVersions } from "../grammar/version";
import type { Lab } from "../lab/lab";
import type { Finding } from "./finding";
import { type Run, reasonOf } from "./program";

/** A program that is needed on this machine. */
interface Tool {
  readonly name: string;
  /** What makes it say its version. */
  readonly arguments: readonly string[];
  /** Its version in what it says: the first group. */
  readonly version: RegExp;
  /** @default any version will do */
  readonly oldest?: string;
}

/** A need, and the programs of which any one meets it. */
interface Need {
  readonly anyOf: readonly Tool[];
  /** What it is for: "TOOL …". */
  readonly why: string;
  readonly install: string;
  /** Whether a deploy starts it. Without it only a look or a repair fails. */
  readonly starts: boolean;
}

const TERRAFORM: Tool = {
  name: "terraform",
  arguments: ["version", "-json"],
  version: /"terraform_version":\s*"([^"]+)"/,
  oldest: OLDEST_TERRAFORM,
};
const TOFU: Tool = { ...TERRAFORM, name: "tofu", oldest: OLDEST_OPENTOFU };

const ANSIBLE: Tool = { name: "ansible-playbook", arguments: ["--version"], version: /core (\d[\w.]*)/ };
const SSH: Tool = { name: "ssh", arguments: ["-V"], version: /OpenSSH_([\w.]+)/ };
const KUBECTL: Tool = {
  name: "kubectl",
  arguments: ["version", "--client", "-o", "json"],
  version: /"gitVersion": "v([^"]+)"/,
};
const HELM: Tool = { name: "helm", arguments: ["version", "--short"], version: /v(\d[\w.]*)/ };

/** The programs that a deploy of this lab starts, or that a person needs to look at it. */
function needsOf(lab: Lab, env: Readonly<Record<string, string | undefined>>): Need[] {
  const containers = Object.keys(lab.containers ?? {}).length > 0;
  const kubernetes = lab.ollama !== undefined || lab.cluster !== undefined;
  const named = env["TERRAFORM_BINARY_NAME"];
  const either = named ? [{ ...(named.includes("tofu") ? TOFU : TERRAFORM), name: named }] : [TERRAFORM, TOFU];
  const need = (tool: Tool, starts: boolean, why: string, install: string): Need => ({ anyOf: [tool], why, install, starts });
  return [
    { anyOf: either, why: "applies the stacks", install: `${TERRAFORM_INSTALL} or ${OPENTOFU_INSTALL}`, starts: true },
    ...(lab.cluster ? [need(SSH, true, "waits for the nodes and fetches the kubeconfig", "the package openssh-client")] : []),
    ...(containers && lab.configure
      ? [need(ANSIBLE, true, "configures the containers", "pip install -r ansible/requirements.txt")]
      : []),
    ...(kubernetes ? [need(KUBECTL, false, "asks the cluster, for doctor and for you", KUBECTL_INSTALL)] : []),
    ...(lab.ollama ? [need(HELM, false, "shows and removes releases that failed (docs/operations.md)", HELM_INSTALL)] : []),
  ];
}

/** A tool as it is on this machine. */
interface Found {
  readonly tool: Tool;
  /** Absent for one that says no version that is understood. */
  readonly version?: string;
  /** Why it cannot be run. @default it can */
  readonly why?: string;
}

async function find(tool: Tool, run: Run): Promise<Found> {
  const result = await run(tool.name, tool.arguments);
  if (result.status !== 0) return { tool, why: reasonOf(result) };
  // ssh says its version on stderr.
  const version = tool.version.exec(`${result.stdout}\n${result.stderr}`)?.[1];
  return { tool, ...(version !== undefined && { version }) };
}

function isOld({ tool, version }: Found): boolean {
  return tool.oldest !== undefined && version !== undefined && compareVersions(version, tool.oldest) < 0;
}

function* findingsOf({ anyOf, why, install, starts }: Need, found: readonly Found[]): Generator<Finding> {
  const there = found.filter((one) => one.why === undefined);
  const names = anyOf.map(({ name }) => name).join(" or ");
  if (there.length === 0) {
    yield {
      code: "tool-missing",
      severity: starts ? "error" : "warning",
      path: [],
      message: `${names} ${why}, but ${anyOf.length > 1 ? "neither can" : "it cannot"} be run on this machine: ${found[0]?.why}`,
      remedy: `Install it: ${install}`,
    };
    return;
  }
  const [first] = there;
  if (!first || !there.every(isOld)) return;
  yield {
    code: "tool-old",
    severity: "error",
    path: [],
    message: `${first.tool.name} on this machine is ${first.version}, but the stacks need ${first.tool.oldest} or newer`,
    remedy: `Install a newer one: ${install}`,
  };
}

/** Minor versions that kubectl may be apart from the API server (kubernetes.io/releases/version-skew-policy). */
const KUBECTL_SKEW = 1;

function* skewOf(lab: Lab, found: readonly Found[]): Generator<Finding> {
  const kubectl = found.find(({ tool, version }) => tool === KUBECTL && version !== undefined)?.version;
  const server = lab.cluster?.servers[0].k3sVersion;
  if (kubectl === undefined || server === undefined) return;
  const minor = Number(kubectl.split(".")[1]);
  if (Math.abs(minor - minorOf(server)) <= KUBECTL_SKEW) return;
  yield {
    code: "kubectl-skew",
    severity: "warning",
    path: ["cluster", "k3sVersion"],
    message: `kubectl on this machine is ${kubectl}, but the cluster is ${server}: they may be one minor version apart`,
    remedy: `Install a kubectl of 1.${minorOf(server)}: ${KUBECTL_INSTALL}`,
  };
}

/** What the programs on this machine are. */
export interface ToolsExamined {
  readonly findings: readonly Finding[];
  /** The versions of those that are there, by their names. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The programs that this lab needs where it is deployed from: missing ones, and old ones. */
export async function examineTools(
  lab: Lab,
  env: Readonly<Record<string, string | undefined>>,
  run: Run,
): Promise<ToolsExamined> {
  const needs = await Promise.all(
    needsOf(lab, env).map(async (need) => ({ need, found: await Promise.all(need.anyOf.map((tool) => find(tool, run))) })),
  );
  const all = needs.flatMap(({ found }) => found);
  return {
    findings: [...needs.flatMap(({ need, found }) => [...findingsOf(need, found)]), ...skewOf(lab, all)],
    versions: Object.fromEntries(
      all.flatMap(({ tool, why, version }) => (why === undefined ? [[tool.name, version ?? "?"]] : [])),
    ),
  };
}
