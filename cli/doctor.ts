import { type Examination, examine } from "../doctor";
import { readLab } from "../lab/read";
import { type Environment, EXIT, type Outcome } from "./command";
import { verdict } from "./print";

/** What can be said on the command line about the look. */
export interface DoctorOptions {
  /** Let each Ollama that serves answer a prompt. @default false */
  readonly health?: boolean;
}

type Guests = Examination["guests"];

/** A guest's firewall in one word. */
function firewallOf({ firewall }: Guests[number]): string {
  if (!firewall.known) return "unknown";
  return firewall.value.enabled && firewall.value.unfiltered.length === 0 ? "on" : "off";
}

/** The guests as they are, in lines; none before the first deploy. */
function guestLines(guests: Guests): string[] {
  const there = guests.filter(({ state }) => state !== "absent");
  if (there.length === 0) return [];
  const rows = there.map((status) => {
    const { guest, node, state } = status;
    const id = `${guest.kind === "lxc" ? "CT" : "VM"} ${guest.vmId}`;
    return [guest.name, id, node, state, `firewall ${firewallOf(status)}`];
  });
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const absent = guests.length - there.length;
  return [
    "Guests",
    ...rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd()),
    ...(absent > 0 ? [`  … and ${absent} not deployed yet`] : []),
    "",
  ];
}

/**
 * `doctor`: asks Proxmox, Kubernetes and this machine, read-only, for everything that an apply of the lab needs, and how what is deployed is
 * doing. Ends with 1 when something would make the apply fail.
 */
export async function doctor(file: string, env: Environment, { health = false }: DoctorOptions = {}): Promise<Outcome> {
  const { lab, problems, ofDefaults, position } = readLab(file);
  if (!lab) {
    const notice = `${file}: ${verdict(problems)}. Mend the lab first; nothing was asked.`;
    return { exitCode: EXIT.refused, lab: file, problems, notice };
  }
  const { findings: found, guests, tools } = await examine(lab, env, { health });
  // check is silent about defaults unless it is strict; whoever asks whether all is well is told.
  const findings = [...found.map((finding) => ({ ...finding, position: position?.(finding.path) })), ...ofDefaults];
  const failed = findings.some(({ severity }) => severity === "error");
  const versions = Object.entries(tools).map(([name, version]) => `${name} ${version}`);
  return {
    exitCode: failed ? EXIT.refused : EXIT.done,
    lab: file,
    problems: findings,
    result: {
      name: lab.name,
      tools,
      guests: guests.map((status) => {
        const { guest, node, state } = status;
        return {
          key: guest.key,
          name: guest.name,
          kind: guest.kind,
          vmId: guest.vmId,
          node,
          state,
          firewall: firewallOf(status),
        };
      }),
    },
    text: [
      ...guestLines(guests),
      ...(versions.length > 0 ? [`This machine: ${versions.join(", ")}`, ""] : []),
      `${file}: ${verdict(findings)}.${failed ? "" : " Nothing that was asked stands in the way of a deploy."}`,
    ].join("\n"),
  };
}
