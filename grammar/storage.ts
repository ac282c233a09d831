import { type Check, formed, matching, quote, type TextCheck } from "./fault";

/** Refuses what is not the id of a Proxmox datastore. */
export const checkDatastore: TextCheck = matching(
  { pattern: /^[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]$/, example: "local-lvm" },
  "invalid-datastore",
  "the id of a datastore",
  "Write it as `pvesm status` shows it, such as local-lvm.",
);

/** The file name endings that Proxmox takes for a container's template. */
const TEMPLATE_ENDING = /\.tar(\.(gz|xz|zst|bz2))?$/;

/** Refuses a file name that Proxmox does not take for a container's template (content type `vztmpl`). */
export const checkTemplateFileName: TextCheck = formed(
  { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.+-]*\.tar(\.(gz|xz|zst|bz2))?$/, example: "ubuntu-24.04-standard.tar.zst" },
  (text) =>
    /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/.test(text) && TEMPLATE_ENDING.test(text)
      ? undefined
      : {
          code: "invalid-template-name",
          message: `${quote(text)} is not a file name that Proxmox takes for a container's template`,
          remedy: "It must end in .tar, .tar.gz, .tar.xz, .tar.zst or .tar.bz2, and hold letters, digits and _ . + - only.",
        },
);

/** Refuses what is not the volume id of a container's template, such as `local:vztmpl/NAME.tar.zst`. */
export const checkTemplateVolume: TextCheck = formed(
  { pattern: /^[^:]+:vztmpl\/.+$/, example: "local:vztmpl/ubuntu-24.04-standard.tar.zst" },
  (text) => {
    const [, datastore = "", file = ""] = /^([^:]*):vztmpl\/(.*)$/.exec(text) ?? [];
    return checkDatastore(datastore) || checkTemplateFileName(file)
      ? {
          code: "invalid-template-volume",
          message: `${quote(text)} is not the volume id of a container's template`,
          remedy:
            "Write it as `pveam list <datastore>` shows it, such as local:vztmpl/ubuntu-22.04-standard_22.04-1_amd64.tar.zst.",
        }
      : undefined;
  },
);

/** Refuses what is not the volume id of a disk image to import, such as `local:import/NAME.qcow2`. */
export const checkImageVolume: TextCheck = formed(
  { pattern: /^[^:]+:import\/.+$/, example: "local:import/ubuntu-24.04.qcow2" },
  (text) => {
    const [, datastore = "", file = ""] = /^([^:]*):import\/(.*)$/.exec(text) ?? [];
    return checkDatastore(datastore) || checkImageFileName(file)
      ? {
          code: "invalid-image-volume",
          message: `${quote(text)} is not the volume id of a disk image to import`,
          remedy:
            "Write it as `pvesm list <datastore> --content import` shows it, such as local:import/ubuntu-24.04-20260814.qcow2.",
        }
      : undefined;
  },
);

/** Refuses a SHA-256 that is not 64 hexadecimal digits in lower case. */
export const checkSha256: TextCheck = matching(
  { pattern: /^[a-f0-9]{64}$/, example: "6e40c07ae715f744f84af0bec76415cc1987dd115b4b8de437818561f01a3733" },
  "invalid-checksum",
  "a SHA-256 checksum",
  "Write the 64 hexadecimal digits that `sha256sum` prints, in lower case.",
);

/** Refuses a SHA-512 that is not 128 hexadecimal digits in lower case. */
export const checkSha512: TextCheck = matching(
  { pattern: /^[a-f0-9]{128}$/, example: "6e40c07ae715f744f84af0bec76415cc1987dd115b4b8de437818561f01a3733".repeat(2) },
  "invalid-checksum",
  "a SHA-512 checksum",
  "Write the 128 hexadecimal digits that `sha512sum` prints, in lower case.",
);

/** Refuses a file name from which Proxmox imports no disk. Ubuntu's `.img` files must be renamed. */
export const checkImageFileName: TextCheck = matching(
  { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.+-]*\.(qcow2|raw|vmdk)$/, example: "ubuntu-24.04.qcow2" },
  "invalid-image-name",
  "a file name that Proxmox imports a disk from",
  "It must end in .qcow2, .raw or .vmdk; Ubuntu's .img files are .qcow2 by their content.",
);

/** Refuses what is not the file name of a cloud-init snippet. */
export const checkSnippetName: Check<string> = (text) =>
  /^[A-Za-z0-9_][A-Za-z0-9_.-]*\.ya?ml$/.test(text)
    ? undefined
    : {
        code: "invalid-snippet-name",
        message: `${quote(text)} is not the name of a YAML file`,
        remedy: "Use letters, digits and _ . -, and end in .yaml.",
      };
