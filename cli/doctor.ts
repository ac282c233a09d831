import { examine } from "../doctor";
import { readLab } from "../lab/read";
import { type Environment, EXIT, type Outcome } from "./command";
import { verdict } from "./print";

/**
 * `doctor`: asks Proxmox and this machine, read-only, for everything that an apply of the lab needs. Ends with 1 when something would make
 * the apply fail.
 */
export async function doctor(file: string, env: Environment): Promise<Outcome> {
  const { lab, problems, position } = readLab(file);
  if (!lab) {
    const notice = `${file}: ${verdict(problems)}. Mend the lab first; nothing was asked.`;
    return { exitCode: EXIT.refused, lab: file, problems, notice };
  }
  const findings = (await examine(lab, env)).map((finding) => ({ ...finding, position: position?.(finding.path) }));
  const failed = findings.some(({ severity }) => severity === "error");
  return {
    exitCode: failed ? EXIT.refused : EXIT.done,
    lab: file,
    problems: findings,
    result: { name: lab.name },
    text: `${file}: ${verdict(findings)}.${failed ? "" : " Nothing that was asked stands in the way of a deploy."}`,
  };
}
