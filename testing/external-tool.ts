// Tests that need a program that may be missing.
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { isOpenTofu, terraformBinary } from "./terraform/process";

/** How to get each program on Debian, or where. */
const INSTALL = {
  terraform: "https://developer.hashicorp.com/terraform/install",
  tofu: "https://opentofu.org/docs/intro/install/",
  shellcheck: "apt-get install shellcheck",
  "cloud-init": "apt-get install cloud-init",
  "ansible-playbook": "pip install ansible-core",
  "ansible-lint": "pip install ansible-lint",
  helm: "go install helm.sh/helm/v3/cmd/helm@v3.19.0",
  kubectl: "https://kubernetes.io/docs/tasks/tools/",
  openssl: "apt-get install openssl",
  python3: "apt-get install python3",
  systemctl: "apt-get install systemd",
  "yaml-language-server": "npm install --global yaml-language-server@1.25.0",
  chromium: "apt-get install chromium",
  actionlint: "go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.7",
} as const;

export type ExternalTool = keyof typeof INSTALL;

function onPath(name: string): boolean {
  // Tests that run terraform run what TERRAFORM_BINARY names, such as OpenTofu.
  const tool = name === "terraform" ? terraformBinary() : name;
  if (isAbsolute(tool)) return existsSync(tool);
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * `describe` for tests that run a tool. If the tool is missing, they are skipped, and a line on stderr says which tests and what to install.
 * With REQUIRE_TOOLS=1 in the environment a missing tool is one failing test instead.
 */
export function describeWithTool(wanted: ExternalTool, name: string, tests: () => void): void {
  if (onPath(wanted)) {
    describe(name, tests);
    return;
  }
  const tool = wanted === "terraform" && isOpenTofu() ? "tofu" : wanted;
  const missing = `${tool} is not on PATH (${INSTALL[tool]})`;
  if (process.env["REQUIRE_TOOLS"] === "1") {
    describe(name, () => {
      test(`needs ${tool}`, () => {
        throw new Error(`${missing}, and REQUIRE_TOOLS=1 lets no test be skipped.`);
      });
    });
    return;
  }
  // jest's reporter tells only how many tests were skipped, not which or why.
  process.stderr.write(`SKIPPED ${name}: ${missing}\n`);
  describe.skip(`${name} (${missing})`, tests);
}
