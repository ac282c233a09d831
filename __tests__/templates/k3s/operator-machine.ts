import * as path from "node:path";
import { Sandbox, type ScriptResult } from "../../../testing/sandbox";

export type Marker = "ready" | "failed" | "waiting-for-token";

/**
 * The operator's machine, with a fake ssh that runs what it is given on "nodes": folders below `nodes/ADDRESS`, whose /etc and
 * /var stand in for the node's. An address without a folder cannot be reached.
 */
export class OperatorMachine extends Sandbox {
  /** The folder that nodes are written to. */
  private place = "nodes";

  public constructor() {
    super();
    this.fake(
      "ssh",
      `while [[ $1 == -* ]]; do shift 2; done
       node=$SANDBOX/nodes/\${1#*@}
       if [[ ! -d $node ]]; then echo "ssh: connect to host \${1#*@} port 22: No route to host" >&2; exit 255; fi
       if [[ -e $node/other-host-key ]]; then echo "Host key verification failed." >&2; exit 255; fi
       [[ ! -e $node/breaks ]] || exec < <(head -c 40)
       command=\${2//\\/var\\//$node/var/}
       exec sh -c "\${command//\\/etc\\//$node/etc/}"`,
      { stdin: true },
    );
    this.fake("sudo", '[[ $1 == -n ]] || exit 1; shift; exec "$@"');
  }

  /** Writes a file on a node, which exists from then on. */
  public onNode(address: string, file: string, content: string, mode = 0o600): void {
    this.write(`${this.place}/${address}/${file}`, content, mode);
  }

  /** What happens on the nodes when the script has looked at them twice, and pauses. */
  public atSecondPause(happens: () => void): void {
    this.place = "later";
    happens();
    this.place = "nodes";
    this.fake(
      "sleep",
      `if [[ ! -e $SANDBOX/paused ]]; then
         : >"$SANDBOX/paused"
       elif [[ -d $SANDBOX/later ]]; then
         mkdir -p "$SANDBOX/nodes" && cp -pR "$SANDBOX/later/." "$SANDBOX/nodes" && rm -R "$SANDBOX/later"
       fi`,
    );
  }

  /** A node whose bootstrap has come so far. */
  public node(address: string, marker?: Marker, content = "role=worker\n"): void {
    this.onNode(address, "var/log/bootstrap-worker.log", "first line\nInstalling the driver\n");
    if (marker !== undefined) {
      this.onNode(address, `var/lib/k3s-bootstrap/${marker}`, content, 0o644);
    }
  }

  /** A first server that is ready and has tokens. */
  public server(address: string): void {
    this.onNode(address, "etc/rancher/k3s/k3s.yaml", kubeconfig("CLUSTER-A"));
    this.onNode(address, "var/lib/rancher/k3s/server/token", `${SERVER_TOKEN}\n`);
    this.onNode(address, "var/lib/rancher/k3s/server/agent-token", `${AGENT_TOKEN}\n`);
    // Last, as the bootstrap does it: whoever sees the marker finds the tokens.
    this.node(address, "ready", "role=server\n");
  }

  /** Runs one of the scripts; by default it looks at each node once. */
  public operate(script: string, env: Record<string, string> = {}): Promise<ScriptResult> {
    return this.run(path.join(__dirname, "../../../templates/k3s", script), {
      env: { TIMEOUT_SECONDS: "0", POLL_SECONDS: "0.02", ...env },
    });
  }
}

export const AGENT_PASSWORD = "a".repeat(64);
export const SERVER_TOKEN = `K10${"c".repeat(64)}::server:${"5".repeat(64)}`;
export const AGENT_TOKEN = `K10${"c".repeat(64)}::node:${AGENT_PASSWORD}`;

/** What K3s writes on a server. */
export const kubeconfig = (authority: string, server = "https://127.0.0.1:6443"): string =>
  `apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: ${authority}\n    server: ${server}\n  name: default\n`;
