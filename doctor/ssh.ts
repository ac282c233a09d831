import { nodesOf, type ProxmoxLab } from "../lab/lab";
import type { Finding } from "./finding";
import { type ProgramResult, type Run, reasonOf } from "./program";

type Environment = Readonly<Record<string, string | undefined>>;

/** A Proxmox node that snippets are uploaded to, with one of them. */
interface Target {
  readonly node: string;
  readonly address: string;
  readonly storage: string;
  /** File name of the user data of one of its VMs. */
  readonly snippet: string;
}

/** Who logs in, and where. */
interface Login {
  readonly username: string;
  readonly port: number;
}

/** The nodes that the deploy logs in to. Only cloud-init snippets need it. */
function targetsOf({ proxmox, cluster }: ProxmoxLab): Target[] {
  const byNode = new Map<string, Target>();
  for (const { node, vmId, files } of cluster ? nodesOf(cluster) : []) {
    const address = proxmox.nodes[node]?.address;
    if (address !== undefined && !byNode.has(node)) {
      byNode.set(node, { node, address, storage: files.name, snippet: `k3s-${vmId}-user-data.yaml` });
    }
  }
  return [...byNode.values()];
}

/** Exit codes of the questions on the node; ssh itself ends with 255. */
const NO_PVESM = 10;
const NO_TEE = 11;

/** What is asked on a node: whether sudo allows what the provider runs, which it is not asked to run here. */
function question({ storage, snippet }: Target, username: string): string {
  // root writes without sudo.
  if (username === "root") return "true";
  return `path=$(sudo -n pvesm path ${storage}:snippets/${snippet}) || exit ${NO_PVESM}; sudo -n -l tee "$path" > /dev/null || exit ${NO_TEE}`;
}

/**
 * The arguments of ssh. As the provider does, it takes keys from the agent alone and reads no configuration. A host that is not known yet is
 * accepted, but not remembered: new keys would go to the first file. A host whose key has changed is refused.
 */
function sshArguments(target: Target, username: string, port: number, home: string | undefined): string[] {
  const known = home === undefined ? "/dev/null" : `/dev/null ${home}/.ssh/known_hosts`;
  const options = [
    "BatchMode=yes",
    "ConnectTimeout=5",
    "IdentityFile=none",
    "StrictHostKeyChecking=accept-new",
    `UserKnownHostsFile=${known}`,
    "LogLevel=ERROR",
    "ForwardAgent=no",
  ];
  return [
    "-F",
    "none",
    ...options.flatMap((option) => ["-o", option]),
    "-p",
    String(port),
    `${username}@${target.address}`,
    question(target, username),
  ];
}

/** What a failed login means, by what ssh said. */
function loginRemedy(why: string, { address, node }: Target, { username, port }: Login): string {
  if (/host identification has changed|host key verification failed/i.test(why)) {
    return `The node's host key is another than in known_hosts. If you reinstalled it: ssh-keygen -R ${port === 22 ? address : `'[${address}]:${port}'`}`;
  }
  if (/permission denied/i.test(why)) {
    return `Load the key (ssh-add -l shows what the agent has), and put its public half into ~${username}/.ssh/authorized_keys on ${node}.`;
  }
  return `Check the address, the port, and that SSH runs on ${node}.`;
}

function* findingsFor(target: Target, login: Login, result: ProgramResult): Generator<Finding> {
  const { username } = login;
  const { node, address, storage, snippet } = target;
  const { status } = result;
  if (status === 0) return;
  const why = reasonOf(result);
  if (status === NO_PVESM || status === NO_TEE) {
    const what = status === NO_PVESM ? "pvesm" : `tee for ${snippet} on ${storage}`;
    yield {
      code: "sudo-missing",
      severity: "error",
      path: ["proxmox", "ssh", "username"],
      message: `${username} may log in to ${node}, but sudo does not let it run ${what} without a password: ${why}`,
      remedy: 'Add the two lines for /etc/sudoers.d/terraform of docs/cluster.md, "The user for snippets".',
    };
    return;
  }
  yield {
    code: "ssh-failed",
    severity: "error",
    path: ["proxmox", "nodes", node, "address"],
    message: `the lab uploads snippets to ${node} as ${username}@${address}, but ssh cannot log in there: ${why}`,
    remedy: loginRemedy(why, target, login),
  };
}

/** Whether the deploy can log in to each node that gets snippets, as `proxmox.ssh` says, and may write them there. Changes nothing. */
export async function examineSsh(lab: ProxmoxLab, env: Environment, run: Run): Promise<readonly Finding[]> {
  const { ssh } = lab.proxmox;
  const targets = targetsOf(lab);
  if (!ssh || targets.length === 0) return [];
  const path = ["proxmox", "ssh"];
  if (!ssh.agent) {
    if (!env["PROXMOX_VE_SSH_PRIVATE_KEY"]) {
      return [
        {
          code: "ssh-key-missing",
          severity: "error",
          path: [...path, "agent"],
          message: "the lab logs in to its nodes without an SSH agent, but PROXMOX_VE_SSH_PRIVATE_KEY is not set",
          remedy: 'Set it to the key itself: export PROXMOX_VE_SSH_PRIVATE_KEY="$(cat ~/.ssh/lab)", or write agent: true.',
        },
      ];
    }
    return [
      {
        code: "ssh-unknown",
        severity: "unknown",
        path,
        message:
          "whether the key in PROXMOX_VE_SSH_PRIVATE_KEY opens the nodes was not tried: ssh takes a key from a file or an agent alone",
        remedy: `Try it with its file: ssh -i FILE ${ssh.username}@${targets[0]?.address} sudo pvesm apiinfo`,
      },
    ];
  }
  if (!env["SSH_AUTH_SOCK"]) {
    return [
      {
        code: "ssh-key-missing",
        severity: "error",
        path: [...path, "agent"],
        message: "the lab logs in to its nodes with a key of the SSH agent, but none runs here: SSH_AUTH_SOCK is not set",
        remedy: 'Start one and load the key: eval "$(ssh-agent)" && ssh-add, or write agent: false.',
      },
    ];
  }
  const found = await Promise.all(
    targets.map(async (target) => {
      const result = await run("ssh", sshArguments(target, ssh.username, ssh.port, env["HOME"]));
      // That is said once, with the other tools.
      return result.status === "missing" ? [] : [...findingsFor(target, ssh, result)];
    }),
  );
  return found.flat();
}
