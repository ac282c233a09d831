import { OLLAMA_PORT } from "../catalog/ollama";
import type { ProxmoxLab } from "../lab/lab";
import type { Finding } from "./finding";
import { listedModels, missingModels } from "./ollama";
import type { GuestStatus } from "./proxmox";

/** Asks the Ollama at an address for its models. */
type ListModels = typeof listedModels;

/** The Ollama of each container that runs: does it answer, and has it the models of the lab? */
export async function examineContainers(
  lab: ProxmoxLab,
  guests: readonly GuestStatus[],
  list: ListModels = listedModels,
): Promise<readonly Finding[]> {
  const running = guests.filter(({ guest, state }) => guest.kind === "lxc" && state === "running");
  const found = await Promise.all(
    running.map(async ({ guest: { key, name, address, path } }): Promise<Finding[]> => {
      const { models = [] } = lab.containers[key] ?? {};
      // Where the address is leased, the state knows it; the lab does not.
      if (address === undefined) return [];
      const listed = await list(address);
      const check = [
        "scripts/ollama-health.sh",
        `--endpoint http://${address}:${OLLAMA_PORT}`,
        ...models.map((model) => `--model ${model}`),
      ].join(" ");
      if (!listed.known) {
        return [
          {
            code: "ollama-unknown",
            severity: "unknown",
            path,
            message: `${name} runs, but which models its Ollama has cannot be asked from this machine: ${listed.why}`,
            remedy: `This machine must be in network.clients. If it is, look at the service: ssh root@${address} systemctl status ollama. Then: ${check}`,
          },
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
