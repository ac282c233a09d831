import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FindingChapter, type FindingKind, findingChapters } from "../doctor/codes";

const HEAD = `<!-- npm run docs writes this page: the texts of the codes stand in doctor/codes.ts, the others in tools/doctor-page.ts. -->
# The doctor

\`npx ollama-lab doctor [LAB]\` asks Proxmox, Kubernetes and this machine for everything that an apply of the lab needs. It changes nothing: of its
requests only the login with a password is no \`GET\`. It reports like \`check\`: the code, the place in the lab, what the lab says and what
was found, and what to do. It goes on after a finding, so one run shows all of them; only a connection that fails ends it, because every
other question would fail too.

\`\`\`sh
export PROXMOX_VE_API_TOKEN='terraform@pve!lab=…'   # or PROXMOX_VE_PASSWORD, where the lab says auth: rootPassword
npx ollama-lab rights                               # the commands that give the token what this lab needs
npx ollama-lab doctor
\`\`\`

An **error** is something that makes an apply fail, or that harms something. A **warning** is worth knowing. **Unknown** is what the
credential may not ask; the remedy says what to give it, or how to look by hand. The privileges of \`rights\` are enough for an apply. The
doctor alone wants more: \`Sys.Audit\` on \`/\`, for the datacenter's firewall and the PCI devices.

## What it asks

| What                  | Where it asks                                                                                                     |
| --------------------- | ----------------------------------------------------------------------------------------------------------------- |
| Connection, release   | \`/version\`, by HTTPS with the credential of the lab's \`proxmox.auth\`                                              |
| Rights                | \`/access/permissions\`, against what \`rights\` prints                                                               |
| Nodes                 | \`/nodes\`: there, online, cores, memory; \`/nodes/NODE/time\`                                                        |
| Storages              | \`/nodes/NODE/storage\`: there, active, content types, free space; \`content\` for the templates that must be there  |
| Bridges               | \`/nodes/NODE/network\`, and \`/cluster/sdn/vnets\` for the networks of SDN zones                                     |
| Guests                | \`/cluster/resources\`, \`/cluster/nextid\` for VMIDs that nobody shows, the configuration of those that are there, and the addresses of others: of containers from Proxmox, of VMs from their guest agents |
| Graphics cards        | \`/nodes/NODE/hardware/pci\` of nodes whose cards the lab passes, \`/cluster/mapping/pci\`                            |
| The firewall's switch | \`/cluster/firewall/options\`                                                                                       |
| Kubernetes            | \`kubectl -o json\` with the kubeconfig of the lab: version, nodes, StorageClasses, definitions of Traefik and cert-manager, the issuer, the RuntimeClass, claims |
| Models                | each release that is deployed, through the API server                                                             |
| The nodes, by SSH     | whether \`proxmox.ssh\` opens each node that gets snippets, and whether sudo would let the user write them: \`sudo -n -l\` |
| This machine          | the programs that a deploy starts, and the versions of terraform, tofu, ssh, ansible-playbook, kubectl and helm    |

At most eight requests are under way at once, and each may take ten seconds.

## SSH

SSH is tried as the provider does it: with the keys of the agent alone, without your configuration, and never with a password. A node that is not in \`known_hosts\` is
accepted and not remembered; one whose host key has changed is an error.

## The daily look

Once the lab is deployed, the same command says how it is doing. It shows each guest that is there, on which node, whether it runs and whether its firewall is on, and it
compares the models of each Ollama with those of the lab. \`--health\` also lets each Ollama answer a prompt, by \`scripts/ollama-health.sh\`. That loads a model.

## Kubernetes

The cluster is asked once its kubeconfig is there: \`kubernetes.kubeconfig\`, or \`TF_VAR_kubeconfig\` where that is an absolute path. Before the first deploy of a
lab with a \`cluster\` it is not, and the doctor says so. It runs \`kubectl get\` and \`kubectl version\` and nothing else. What the lab itself brings
(\`kubernetes.nfs\`, \`kubernetes.certManager\`, the device plugin) need not be there yet.

## The connection

The certificate is verified, unless the lab says \`proxmox.insecure: true\`. \`SSL_CERT_FILE\` names certificates that are trusted besides
the public ones, such as the cluster's own \`/etc/pve/pve-root-ca.pem\`; Terraform reads the same variable. A redirect is refused, so the
credential goes to \`proxmox.endpoint\` and to no other host. It shows in no message.

## Exit codes

| Code | Meaning                                                                                    |
| ---- | ------------------------------------------------------------------------------------------ |
| 0    | Nothing that was asked stands in the way of a deploy. There may be warnings and unknowns.  |
| 1    | There is an error, or the lab itself has one; then nothing was asked.                      |
| 64   | The command line was not understood.                                                       |
| 70   | A defect of this program.                                                                  |

With \`--json\` the findings are the list \`problems\`, each with \`code\`, \`severity\`, \`path\`, \`line\`, \`column\`, \`message\` and \`remedy\`.`;

const SEVERITIES: Readonly<Record<FindingKind["severity"], string>> = {
  error: "Error",
  warning: "Warning",
  unknown: "Unknown",
  "error or warning": "Error or warning",
};

function chapter({ title, kinds }: FindingChapter): string {
  const sections = Object.entries(kinds).map(([code, { severity, meaning, remedy }]) =>
    [`### ${code}`, SEVERITIES[severity], meaning, `**What to do.** ${remedy}`].join("\n\n"),
  );
  return [`## ${title}`, ...sections].join("\n\n");
}

/** The page docs/doctor.md: what the doctor asks, and every code with its meaning and the remedy. */
export function doctorPage(): string {
  return `${[HEAD, ...findingChapters.map(chapter)].join("\n\n")}\n`;
}

if (require.main === module) writeFileSync(join(__dirname, "../docs/doctor.md"), doctorPage());
