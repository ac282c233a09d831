import { join } from "node:path";
import { z } from "zod";
import { type Lab, ollamaUrl } from "../lab/lab";
import type { Path } from "../lab/problem";
import { shellWord } from "../lab/shell";
import { wayTo } from "./containers";
import type { Finding } from "./finding";
import { type Run, reasonOf } from "./program";
import type { GuestStatus } from "./proxmox";

/** The script that looks whether an Ollama is healthy: it lets a model answer. */
const SCRIPT = join(__dirname, "../scripts/ollama-health.sh");

/** How long the script may take: it bounds the inference itself, loading included, at 120 seconds. */
const TIMEOUT_MS = 180_000;

/** The script's exit codes that say that Ollama is not healthy. Others say nothing about it. */
const UNHEALTHY = [1, 2, 3, 4];

const answer = z.object({ checks: z.array(z.object({ result: z.string(), message: z.string() })) });

/** An Ollama of the lab that serves, and how the script reaches it. */
interface Serving {
  readonly name: string;
  readonly path: Path;
  readonly models: readonly string[];
  readonly way: readonly string[];
}

function servingOf(lab: Lab, guests: readonly GuestStatus[], deployed: readonly string[]): Serving[] {
  const containers = guests.flatMap(({ guest: { key, kind, name, path }, state }): Serving[] => {
    const container = lab.containers?.[key];
    if (kind !== "lxc" || state !== "running" || !lab.proxmox || !container) return [];
    const url = ollamaUrl(container);
    return url ? [{ name, path, models: container.models, way: wayTo(url, container, lab) }] : [];
  });
  const releases = Object.entries(lab.ollama?.releases ?? {}).flatMap(([key, { models }]): Serving[] => {
    if (!deployed.includes(key)) return [];
    const way = ["--internal", "--namespace", lab.ollama?.namespace ?? "", "--service", key];
    return [{ name: `the release ${key}`, path: ["ollama", "releases", key], models, way }];
  });
  return [...containers, ...releases];
}

/** What failed, in the script's own words; the last line of its output where it said nothing. */
function reasonIn(stdout: string): string | undefined {
  try {
    const parsed = answer.safeParse(JSON.parse(stdout));
    return parsed.success ? parsed.data.checks.find(({ result }) => result !== "pass")?.message : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Lets every Ollama of the lab that serves answer a prompt, by `scripts/ollama-health.sh`. A model is loaded for it.
 * @param deployed the keys of the releases that have pods
 * @param kubeconfig of the cluster
 */
export async function examineHealth(
  lab: Lab,
  {
    guests,
    deployed,
    kubeconfig,
  }: { readonly guests: readonly GuestStatus[]; readonly deployed: readonly string[]; readonly kubeconfig: string },
  run: Run,
): Promise<readonly Finding[]> {
  const found = await Promise.all(
    servingOf(lab, guests, deployed).map(async ({ name, path, models, way }): Promise<Finding[]> => {
      const given = [...way, ...models.flatMap((model) => ["--model", model])];
      const result = await run("env", [`KUBECONFIG=${kubeconfig}`, "bash", SCRIPT, ...given, "--json"], {
        timeoutMs: TIMEOUT_MS,
      });
      if (result.status === 0) return [];
      const unhealthy = typeof result.status === "number" && UNHEALTHY.includes(result.status);
      return [
        {
          code: unhealthy ? "ollama-unhealthy" : "ollama-unknown",
          severity: unhealthy ? "warning" : "unknown",
          path,
          message: `${name} ${unhealthy ? "is not healthy" : "was not tried"}: ${reasonIn(result.stdout) ?? reasonOf(result)}`,
          remedy: `Look closer: scripts/ollama-health.sh ${given.map(shellWord).join(" ")}`,
        },
      ];
    }),
  );
  return found.flat();
}
