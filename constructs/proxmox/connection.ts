import { Construct } from "constructs";
import { ProxmoxProvider } from "../../.gen/providers/proxmox/provider";
import { checkAddress } from "../../grammar/address";
import { checkNodeName } from "../../grammar/guest";
import { checkWhole, PORT_BOUNDS } from "../../grammar/size";
import { checkUserName } from "../../grammar/ssh";
import { checkEndpoint } from "../../grammar/url";
import { checkProps, prop } from "../props-error";

/** How the provider reaches the nodes by SSH. It does so only to upload snippets. */
export interface ConnectionSsh {
  /** User on the nodes: root, or one who may run `tee`, `pvesm` and `qm` by sudo. */
  readonly username: string;
  /** Use the operator's SSH agent. When false, `PROXMOX_VE_SSH_PRIVATE_KEY` holds the key. @default true */
  readonly agent?: boolean;
  /** Port of the SSH servers, 1 to 65535. @default 22 */
  readonly port?: number;
  /** IPv4 addresses of the nodes by their names. Without them the provider would ask the API, for which it needs another privilege. */
  readonly nodes: Readonly<Record<string, string>>;
}

/** How Terraform reaches Proxmox. */
export interface ConnectionProps {
  /** URL of the API, without its path: `https://pve1.lab.example:8006/`. */
  readonly endpoint: string;
  /** Accept a certificate that cannot be verified. @default false */
  readonly insecure?: boolean;
  /**
   * `apiToken` writes no user name, because the token in `PROXMOX_VE_API_TOKEN` has it. `rootPassword` writes `root@pam`, and the password
   * comes from `PROXMOX_VE_PASSWORD`. Do not set both: the provider takes the token then.
   * @default apiToken
   */
  readonly auth?: "apiToken" | "rootPassword";
  /** SSH to the nodes, for snippets. @default no SSH */
  readonly ssh?: ConnectionSsh;
}

/** The connection to Proxmox. It holds no secret: the provider reads its secrets from environment variables of its own. */
export class Connection extends Construct {
  /** What Terraform gets: the way out for what the props have no word for. */
  readonly provider: ProxmoxProvider;

  constructor(scope: Construct, id: string, props: ConnectionProps) {
    super(scope, id);
    const { ssh } = props;
    checkProps(scope, id, [
      prop("endpoint", props.endpoint, checkEndpoint),
      prop("ssh.username", ssh?.username, checkUserName),
      prop("ssh.port", ssh?.port, checkWhole(PORT_BOUNDS)),
      ...Object.entries(ssh?.nodes ?? {}).flatMap(([name, address]) => [
        prop("ssh.nodes", name, checkNodeName),
        prop("ssh.nodes", address, checkAddress),
      ]),
    ]);
    this.provider = new ProxmoxProvider(this, "provider", {
      endpoint: props.endpoint,
      insecure: props.insecure ?? false,
      ...(props.auth === "rootPassword" && { username: "root@pam" }),
      ...(ssh && {
        ssh: {
          username: ssh.username,
          agent: ssh.agent ?? true,
          nodeAttribute: Object.entries(ssh.nodes).map(([name, address]) => ({ name, address, port: ssh.port ?? 22 })),
        },
      }),
    });
  }
}
