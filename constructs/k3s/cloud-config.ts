import { stringify } from "yaml";
import { verbatim } from "../terraform-text";

/** A file that cloud-init writes on a node, owned by root. */
export interface CloudConfigFile {
  readonly path: string;
  /** Octal digits, such as `0600`. */
  readonly mode: string;
  /** Text as it stands, or a Terraform expression for what is known at apply only. */
  readonly content: string | { readonly expression: string };
}

export interface CloudConfigProps {
  readonly hostname: string;
  /** The user that the keys log in as, with sudo and without a password. */
  readonly user: string;
  readonly sshPublicKeys: readonly string[];
  /** URL of a mirror of Ubuntu's archive. @default the archive itself */
  readonly aptMirror?: string;
  readonly files: readonly CloudConfigFile[];
  /** The command that runs once, at the first boot. */
  readonly run: readonly string[];
}

/**
 * The user data of a node, as a Terraform template: everything in it stands as it is, but for the expressions.
 * An expression's value must be plain letters and digits, since it is filled in after the YAML was written. It is quoted there: 64
 * hexadecimal digits can look like a number.
 */
export function cloudConfig({ hostname, user, sshPublicKeys, aptMirror, files, run }: CloudConfigProps): string {
  const expressions: string[] = [];
  const contentOf = (content: CloudConfigFile["content"]) => {
    if (typeof content === "string") return content;
    return `expression-${expressions.push(content.expression)}-of-this-file`;
  };
  const config = {
    hostname,
    manage_etc_hosts: true,
    users: [
      {
        name: user,
        groups: ["adm", "sudo"],
        shell: "/bin/bash",
        // A text, since cloud-init took a list only later.
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        lock_passwd: true,
        ssh_authorized_keys: sshPublicKeys.map((key) => key.trim()),
      },
    ],
    ssh_pwauth: false,
    disable_root: true,
    package_update: false,
    ...(aptMirror && {
      apt: { primary: [{ arches: ["default"], uri: aptMirror }], security: [{ arches: ["default"], uri: aptMirror }] },
    }),
    write_files: files.map(({ path, mode, content }) => ({
      path,
      owner: "root:root",
      permissions: mode,
      content: contentOf(content),
    })),
    runcmd: [[...run]],
  };
  const text = verbatim(`#cloud-config\n${stringify(config, { lineWidth: 0, aliasDuplicateObjects: false })}`);
  return expressions.reduce(
    (result, expression, i) => result.replace(`expression-${i + 1}-of-this-file`, () => `"\${${expression}}"`),
    text,
  );
}

/**
 * The meta data of a node. Without an instance-id of its own Proxmox makes one from the user data, so that any edit would make
 * cloud-init run again at the next cold start (qemu-server, Cloudinit.pm).
 */
export function metaData(instanceId: string, hostname: string): string {
  return verbatim(stringify({ "instance-id": instanceId, "local-hostname": hostname }));
}
