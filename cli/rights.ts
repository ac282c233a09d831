import { grantCommands, mappingCommands, rightsOf } from "../doctor";
import { readLab } from "../lab/read";
import { EXIT, type Outcome } from "./command";
import { verdict } from "./print";

/** What can be said on the command line about the rights. */
export interface RightsOptions {
  /** Release of Proxmox VE, `8` or `9`. @default 9 */
  readonly release: "8" | "9";
  /** Who gets the rights, with the realm. @default terraform@pve */
  readonly user: string;
}

/** `rights`: the commands that give a token exactly what an apply of the lab needs, with the reason of each privilege. */
export function rights(file: string, { release, user }: RightsOptions): Outcome {
  const { lab, problems } = readLab(file);
  if (!lab) return { exitCode: EXIT.refused, lab: file, problems, notice: `${file}: ${verdict(problems)}.` };
  const needed = rightsOf(lab, release === "8" ? 8 : 9);
  if (needed.length === 0) {
    const why = lab.proxmox ? "it logs in as root, who may do everything" : "it has no guests on Proxmox";
    return { exitCode: EXIT.done, lab: file, result: { rights: [], commands: [] }, text: `${file} needs no rights: ${why}.` };
  }
  const commands = grantCommands(needed, { user });
  const mappings = mappingCommands(lab);
  const width = Math.max(...needed.map(({ path, privilege }) => path.length + privilege.length));
  return {
    exitCode: EXIT.done,
    lab: file,
    result: { rights: needed, commands, mappings },
    text: [
      `# What an apply of ${file} needs of Proxmox VE ${release}, and why:`,
      ...needed.map(({ path, privilege, reason }) => `#   ${`${path} ${privilege}`.padEnd(width + 1)}  ${reason}`),
      "",
      "# Run this as root on one node of the Proxmox cluster. The last command prints the token's secret, once.",
      ...commands,
      ...(mappings.length > 0
        ? [
            "",
            "# Where Proxmox refuses the token to make mappings (docs/cluster.md), root makes them, and the lab takes them: gpus: { NAME: { mapping: ID } }",
            ...mappings.map((command) => `# ${command}`),
          ]
        : []),
    ].join("\n"),
  };
}
