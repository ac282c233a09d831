import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OLDEST_NODE_OF_CDKTN } from "../../catalog/terraform";
import { deployToolOn, labPrefix, type Machine } from "../../cli/deploy-tool";

const BOTH = ["cdktf-cli", "cdktn-cli"];

function machine(node: string, packages: readonly string[], hasTerminal = true): Machine {
  return { node, installed: (name) => packages.includes(name), hasTerminal: () => hasTerminal };
}

test.each([
  ["Node 20, where cdktn-cli does not install", machine("20.20.2", ["cdktf-cli"]), "cdktf"],
  ["Node 22 with both", machine("22.23.3", BOTH), "cdktf"],
  ["Node 22 with a binary that does not load, as on Alpine Linux", machine("22.23.3", BOTH, false), "cdktn"],
  ["Node 24 with both", machine("24.21.0", BOTH), "cdktn"],
  ["Node 24 with cdktf-cli alone", machine("24.21.0", ["cdktf-cli"]), "cdktf"],
  ["Node 100", machine("100.0.0", BOTH), "cdktn"],
])("on %s the command line works as it is", (_, here, cli) => {
  expect(deployToolOn(here)).toEqual({ cli });
});

test.each([
  ["Node 20 without optional packages", machine("20.20.2", []), "cdktf", "npm ci --include=optional"],
  ["Node 24 without optional packages", machine("24.21.0", []), "cdktn", "npm ci --include=optional"],
  [
    "Node 20 with a binary that does not load",
    machine("20.20.2", ["cdktf-cli"], false),
    "cdktn",
    "Node 22.19.0 or newer, then npm ci",
  ],
  [
    "Node 22.18, though cdktn-cli was installed by a newer one",
    machine("22.18.0", BOTH, false),
    "cdktn",
    "Node 22.19.0 or newer, then npm ci",
  ],
])("on %s it says what to install", (_, here, cli, install) => {
  expect(deployToolOn(here)).toEqual({ cli, install });
});

test("cdktn-cli itself asks for the Node that is named here", () => {
  const lock = JSON.parse(readFileSync(join(__dirname, "../../package-lock.json"), "utf8")) as {
    packages: Record<string, { engines?: { node: string } }>;
  };
  expect(lock.packages["node_modules/cdktn-cli"]?.engines?.node).toBe(`>=${OLDEST_NODE_OF_CDKTN}`);
});

describe("the lab in printed commands", () => {
  test.each([
    ["lab.yaml", ""],
    ["examples/lxc.yaml", "LAB=examples/lxc.yaml "],
    ["examples/default.yaml", "LAB=examples/default.yaml "],
    ["my labs/it's.yaml", "LAB='my labs/it'\\''s.yaml' "],
  ])("%s gives the prefix %j", (lab, prefix) => expect(labPrefix(lab)).toBe(prefix));
});
