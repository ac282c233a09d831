import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Container, ollamaUrl, type ProxmoxLab } from "../lab/lab";
import { shellWord } from "../lab/shell";
import { type Finding, type Known, known, unknown } from "./finding";
import { listedModels, missingModels } from "./ollama";
import type { GuestStatus } from "./proxmox";

/** Asks an Ollama for its models. */
type ListModels = typeof listedModels;

/** What `scripts/ollama-health.sh` is given to reach the Ollama of a container at its URL. */
export function wayTo(url: string, { https }: Container, lab: ProxmoxLab): readonly string[] {
  return ["--endpoint", url, ...(https ? ["--credentials", resolve(lab.directory, https.tokenFile)] : [])];
}

/** The token of a container's HTTPS door, as Ansible reads it; none without a door. */
function tokenOf({ https }: Container, lab: ProxmoxLab): Known<string | undefined> {
  if (!https) return known(undefined);
  const file = resolve(lab.directory, https.tokenFile);
  try {
    const token = readFileSync(file, "utf8").trim();
    // Node refuses a header with anything else, and would print it.
    return /^[\x21-\x7e]+$/.test(token) ? known(token) : unknown(`${file} does not hold a token on one line`);
  } catch (error) {
    // as: reading a file fails with an error of the system alone.
    return unknown(`its token in ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/**
 * The Ollama of each container that runs: does it answer, and has it the models of the lab? An HTTPS door is asked with the token of its
 * file.
 * @param ca certificates, in PEM, that are trusted besides the public ones
 */
export async function examineContainers(
  lab: ProxmoxLab,
  guests: readonly GuestStatus[],
  ca?: string,
  list: ListModels = listedModels,
): Promise<readonly Finding[]> {
  const running = guests.filter(({ guest, state }) => guest.kind === "lxc" && state === "running");
  const found = await Promise.all(
    running.map(async ({ guest: { key, name, path } }): Promise<Finding[]> => {
      const container = lab.containers[key];
      const url = container && ollamaUrl(container);
      // Where the address is leased, the state knows it; the lab does not.
      if (!container || !url) return [];
      const { models, network } = container;
      const token = tokenOf(container, lab);
      const unasked = (why: string, remedy: string): Finding => ({
        code: "ollama-unknown",
        severity: "unknown",
        path,
        message: `${name} runs, but which models its Ollama has cannot be asked from this machine: ${why}`,
        remedy,
      });
      if (!token.known)
        return [unasked(token.why, "Run doctor where Ansible runs; docs/containers.md has the command that makes the token.")];
      const listed = await list({ url, token: token.value, ca });
      const check = [
        "scripts/ollama-health.sh",
        ...wayTo(url, container, lab).map(shellWord),
        ...models.map((model) => `--model ${model}`),
      ].join(" ");
      if (!listed.known) {
        const host = network.address.kind === "static" ? network.address.ip : container.https?.host;
        const units = container.https ? "ollama-door ollama" : "ollama";
        const trust =
          container.https?.certificate.type === "internal"
            ? "trust the door's own authority: SSL_CERT_FILE=root.crt, which docs/containers.md fetches. It must also "
            : "";
        return [
          unasked(
            listed.why,
            `This machine must ${trust}be in network.clients. If so, look at the service: ssh root@${host} systemctl status ${units}. Then: ${check}`,
          ),
        ];
      }
      const missing = missingModels(models, listed.value);
      if (missing.length === 0) return [];
      return [
        {
          code: "model-missing",
          severity: "warning",
          path: [...path, "models"],
          message: `${name} serves, but it lacks ${missing.join(", ")}`,
          remedy: `Run ansible/provision.yml with --tags models as docs/containers.md says. Then: ${check}`,
        },
      ];
    }),
  );
  return found.flat();
}
