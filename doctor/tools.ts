import { execFile } from "node:child_process";
import { KUBECTL_INSTALL } from "../catalog/kubernetes";
import { OPENTOFU_INSTALL, TERRAFORM_INSTALL } from "../catalog/terraform";
import type { Lab } from "../lab/lab";
import type { Finding } from "./finding";

/** A program that a deploy of the lab starts on this machine. */
interface Tool {
  /** Any one of them will do. */
  readonly anyOf: readonly string[];
  readonly version: readonly string[];
  readonly why: string;
  readonly install: string;
}

/** The programs that a deploy of this lab needs where it runs. */
function toolsFor(lab: Lab): Tool[] {
  const guests = Object.keys(lab.containers ?? {}).length > 0;
  const kubernetes = lab.ollama !== undefined || lab.cluster !== undefined;
  return [
    {
      anyOf: ["terraform", "tofu"],
      version: ["version"],
      why: "applies the stacks",
      install: `${TERRAFORM_INSTALL} or ${OPENTOFU_INSTALL}`,
    },
    ...(lab.cluster
      ? [
          {
            anyOf: ["ssh"],
            version: ["-V"],
            why: "waits for the nodes and fetches the kubeconfig",
            install: "the package openssh-client",
          },
        ]
      : []),
    ...(guests && lab.configure
      ? [
          {
            anyOf: ["ansible-playbook"],
            version: ["--version"],
            why: "configures the containers",
            install: "pip install -r ansible/requirements.txt",
          },
        ]
      : []),
    ...(kubernetes
      ? [
          {
            anyOf: ["kubectl"],
            version: ["version", "--client"],
            why: "asks the cluster",
            install: KUBECTL_INSTALL,
          },
        ]
      : []),
  ];
}

function answers(command: string, args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  return new Promise((done) => {
    execFile(command, [...args], { timeout: 10_000, env }, (error) => done(error === null));
  });
}

/** The programs that are missing on this machine. */
export async function examineTools(lab: Lab, env: Readonly<Record<string, string | undefined>>): Promise<readonly Finding[]> {
  const findings = await Promise.all(
    toolsFor(lab).map(async ({ anyOf, version, why, install }): Promise<Finding[]> => {
      const found = await Promise.all(anyOf.map((command) => answers(command, version, env)));
      if (found.includes(true)) return [];
      return [
        {
          code: "tool-missing",
          severity: "error",
          path: [],
          message: `${anyOf.join(" or ")} ${why}, but ${anyOf.length > 1 ? "neither can" : "it cannot"} be run on this machine`,
          remedy: `Install it: ${install}`,
        },
      ];
    }),
  );
  return findings.flat();
}
