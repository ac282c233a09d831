import { Construct } from "constructs";
import { ProxmoxProvider } from "../../.gen/providers/proxmox/provider";
import { checkAddress } from "../../grammar/address";
import { checkUserName } from "../../grammar/ssh";
import { checkEndpoint } from "../../grammar/url";
import { checkProps, prop } from "../props-error";

/** How the provider reaches the nodes by SSH. It does so only to upload snippets. */
export interface ConnectionSsh {
  /** User on the nodes; root, or one who may run `tee`, `pvesm` and `qm` by sudo. */
  readonly username: string;
  /** Use the operator's SSH agent. When false, `PROXMOX_VE_SSH_PRIVATE_KEY` holds the key. @default true */
  readonly agent?: boolean;
  /** Port of the SSH servers. @default 22 */
  readonly port?: number;
  /** Addresses of the nodes by name, so that the provider need not ask the API for them, which takes another privilege. */
  readonly nodes: Readonly<Record<string, string>>;
}

export interface ConnectionProps {
  /** URL of the API, without its path: `https://pve1.lab.example:8006/`. */
  readonly endpoint: string;
  /** Accept a certificate that cannot be verified. @default false */
  readonly insecure?: boolean;
  /**
   * `apiToken` writes no user name: the token in `PROXMOX_VE_API_TOKEN` has it. `rootPassword` writes `root@pam`, and the
   * password comes from `PROXMOX_VE_PASSWORD`. A token that is exported too would win over it (provider, authentication).
   * @default apiToken
   */
  readonly auth?: "apiToken" | "rootPassword";
  /** @default no SSH */
  readonly ssh?: ConnectionSsh;
}

/** The connection to Proxmox. It holds no secret: the provider reads them from its own environment variables. */
export class Connection extends Construct {
  readonly provider: ProxmoxProvider;

  constructor(scope: Construct, id: string, props: ConnectionProps) {
    super(scope, id);
    const { ssh } = props;
    checkProps(scope, id, [
      prop("endpoint", props.endpoint, checkEndpoint),
      prop("ssh.username", ssh?.username, checkUserName),
      ...Object.entries(ssh?.nodes ?? {}).map(([name, address]) => prop(`ssh.nodes.${name}`, address, checkAddress)),
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
