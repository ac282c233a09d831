import { stringify } from "yaml";
import { verbatim } from "../terraform-text";

/** A file that cloud-init writes on a node, owned by root. */
export interface CloudConfigFile {
  /** Absolute path on the node. */
  readonly path: string;
  /** Octal digits, such as `0600`. */
  readonly mode: string;
  /** Text as it is; or a Terraform expression, for what only the apply knows; or a file in the stack's folder, with its text. */
  readonly content:
    | string
    | {
        /** A Terraform expression, without `${` and `}`. */
        readonly expression: string;
      }
    | {
        /** Path of the file, from the stack's folder. */
        readonly asset: string;
        /** What is in the file. */
        readonly text: string;
      };
}

export interface CloudConfigProps {
  /** Host name: one DNS label. */
  readonly hostname: string;
  /** The user that the keys log in as, with sudo and without a password. */
  readonly user: string;
  /** One line of a .pub file each. */
  readonly sshPublicKeys: readonly string[];
  /** URL of a mirror of Ubuntu's archive. @default the archive itself */
  readonly aptMirror?: string;
  /** The files that cloud-init writes. */
  readonly files: readonly CloudConfigFile[];
  /**
   * A unit of systemd among `files`. It is enabled and started at the first boot, and cloud-init does not wait for it. cloud-init itself would
   * run a command only once, also when a power cut ended it, but a unit can go on at the next boot.
   */
  readonly unit: string;
}

/**
 * The user data of a node, as a Terraform template. Terraform fills in expressions and files, and leaves everything else as it is. The
 * value of an expression must be plain letters and digits, because Terraform fills it in after the YAML was written. It is quoted, because
 * 64 hexadecimal digits can look like a number. Terraform reads files itself, because a long script as a template would cost a quarter of
 * a second for each node and plan.
 */
export function cloudConfig(props: CloudConfigProps): string {
  const fillIns: string[] = [];
  const placeholder = (fillIn: string) => `fill-in-${fillIns.push(fillIn)}-of-this-file`;
  const text = document(props, (content) => {
    if (typeof content === "string") return content;
    if ("expression" in content) return placeholder(`"\${${content.expression}}"`);
    // A block of text, indented below its key as the lines of write_files are.
    return placeholder(`|\n      \${indent(6, chomp(file("${content.asset}")))}`);
  });
  return fillIns.reduce((result, fillIn, i) => result.replace(`fill-in-${i + 1}-of-this-file`, () => fillIn), verbatim(text));
}

/** The user data with the text of its files, but without their names in the stack's folder. Its hash tells whether the user data changed. */
export function cloudConfigText(props: CloudConfigProps): string {
  return document(props, (content) => {
    if (typeof content === "string") return content;
    return "expression" in content ? content.expression : content.text;
  });
}

function document(
  { hostname, user, sshPublicKeys, aptMirror, files, unit }: CloudConfigProps,
  contentOf: (content: CloudConfigFile["content"]) => string,
): string {
  const config = {
    hostname,
    manage_etc_hosts: true,
    users: [
      {
        name: user,
        groups: ["adm", "sudo"],
        shell: "/bin/bash",
        // A text, because older versions of cloud-init take no list.
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
    runcmd: [["systemctl", "enable", "--now", "--no-block", unit]],
  };
  return `#cloud-config\n${stringify(config, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

/**
 * The meta data of a node. Without an instance-id here Proxmox makes one from the user data, and then any edit would make cloud-init run
 * again at the next cold start (qemu-server, Cloudinit.pm).
 */
export function metaData(instanceId: string, hostname: string): string {
  return verbatim(stringify({ "instance-id": instanceId, "local-hostname": hostname }));
}
