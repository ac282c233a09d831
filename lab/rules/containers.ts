import { checkGuestName } from "../../grammar/guest";
import { canonicalModelReference } from "../../grammar/model-reference";
import { checkTemplateFileName } from "../../grammar/storage";
import type { ContainerSpec } from "../lab";
import { knownSizeGiB } from "../model-sizes";
import type { Path } from "../problem";
import { error, type Finding, rule, warning } from "./rule";

/** Room that the operating system, Ollama and its libraries take on a container's root disk, in GiB. */
const SYSTEM_GIB = 8;

/** Findings for each item of a list that stands in it before, by an identity of the caller's. */
export function* repeated(
  items: readonly string[],
  path: Path,
  what: string,
  identity: (item: string) => string,
): Iterable<Finding> {
  const seen = new Map<string, string>();
  for (const [index, item] of items.entries()) {
    const id = identity(item);
    const first = seen.get(id);
    if (first === undefined) seen.set(id, item);
    else {
      const same = first === item ? item : `${item}, which is ${first},`;
      yield error("duplicate-entry", [...path, index], `${what} ${same} is listed twice`, "Keep one of the two.");
    }
  }
}

/** The type and the key of an SSH public key, without the comment after them. */
function sshIdentity(key: string): string {
  return key.trim().split(/\s+/).slice(0, 2).join(" ");
}

/** A list that says a thing twice was meant to say something else. */
export const noRepetition = rule([], function* (lab) {
  yield* repeated(lab.sshPublicKeys ?? [], ["sshPublicKeys"], "the key", sshIdentity);
  for (const [key, container] of Object.entries(lab.containers ?? {})) {
    yield* repeated(container.models, ["containers", key, "models"], "the model", canonicalModelReference);
    const devices = container.devices.map((device) => (typeof device === "string" ? device : device.path));
    yield* repeated(devices, ["containers", key, "devices"], "the device", (device) => device);
  }
});

/** A guest's name must be one DNS label; the lab's name and the container's key may be too long together. */
export const guestNames = rule(["containers"], function* ({ containers }) {
  for (const [key, { name }] of Object.entries(containers)) {
    if (!checkGuestName(name)) continue;
    yield error(
      "name-too-long",
      ["containers", key],
      `the guest's name ${name} has ${name.length} characters, and a host name at most 63`,
      "Shorten the lab's name or the key, or set a name of its own.",
    );
  }
});

/** Models that do not fit fail to be pulled in the middle of provisioning. */
export const modelsFit = rule(["containers"], function* ({ containers }) {
  for (const [key, { models, diskGiB, modelVolume }] of Object.entries(containers)) {
    const needed = knownSizeGiB(models);
    const room = modelVolume ? modelVolume.sizeGiB : diskGiB - SYSTEM_GIB;
    if (needed <= room) continue;
    const disk = modelVolume
      ? `its model volume has ${modelVolume.sizeGiB} GiB`
      : `its disk has ${diskGiB} GiB, of which the system takes about ${SYSTEM_GIB}`;
    yield warning(
      "disk-too-small",
      ["containers", key, modelVolume ? "modelVolume" : "diskGiB"],
      `the models of containers.${key} take about ${needed.toFixed(1)} GiB, and ${disk}`,
      modelVolume
        ? "Choose the size before the first apply: it cannot grow later."
        : `Set diskGiB to ${Math.ceil(needed + SYSTEM_GIB)} or more.`,
    );
  }
});

/** The service runs with its home folders hidden (ProtectHome), so models below them would not be found. */
export const modelVolumePath = rule(["containers"], function* ({ containers }) {
  for (const [key, { modelVolume }] of Object.entries(containers)) {
    if (!modelVolume || !/^\/(home|root|run\/user)(\/|$)/.test(modelVolume.path)) continue;
    yield error(
      "hidden-path",
      ["containers", key, "modelVolume", "path"],
      `the models of containers.${key} are to lie in ${modelVolume.path}, and home folders are hidden from the service`,
      "Choose a path such as /var/lib/ollama/models.",
    );
  }
});

/** An archive without a checksum is code that runs as a service, taken on trust. */
export const archiveChecksum = rule(["containers"], function* ({ containers }, { declared }) {
  const seen = new Set<string>();
  for (const [key, { ollama }] of Object.entries(containers)) {
    const own = ["containers", key, "ollama"];
    const path = declared([...own, "version"]) || declared([...own, "url"]) ? own : ["defaults", "container", "ollama"];
    if (ollama.sha256 || seen.has(path.join("."))) continue;
    seen.add(path.join("."));
    yield warning(
      "no-checksum",
      path,
      `the archive of Ollama ${ollama.version} is installed without a checksum, so nobody would see that it was altered`,
      "Set ollama.sha256 from the release's sha256sum.txt.",
    );
  }
});

/** Where the template of a container was stated: with it, or in the defaults. */
function templatePath(key: string, declared: (path: Path) => boolean): Path {
  const own = ["containers", key, "template"];
  return declared(own) ? own : ["defaults", "container", "template"];
}

/** The file name a template gets: the one given, or the last part of the URL. */
export function templateFileName(template: Exclude<ContainerSpec["template"], string>): string {
  return template.fileName ?? decodeURIComponent(new URL(template.url).pathname.split("/").pop() ?? "");
}

/** A download needs a name Proxmox takes, one checksum at most, and should have one: a template is code that runs as root. */
export const templates = rule(["containers"], function* ({ containers }, { declared }) {
  const seen = new Set<string>();
  for (const [key, { template }] of Object.entries(containers)) {
    if (typeof template === "string") continue;
    const path = templatePath(key, declared);
    if (seen.has(path.join("."))) continue;
    seen.add(path.join("."));
    const name = checkTemplateFileName(templateFileName(template));
    if (name) yield error(name.code, path, name.message, `${name.remedy} Set template.fileName.`);
    if (template.sha256 && template.sha512) {
      yield error(
        "two-checksums",
        path,
        "the template has a sha256 and a sha512, and the provider takes one",
        "Keep one of the two.",
      );
    }
    if (!template.sha256 && !template.sha512) {
      yield warning(
        "no-checksum",
        path,
        `${templateFileName(template)} is downloaded without a checksum, so nobody would see that it was altered`,
        "Set template.sha512 from the list that `pveam update` fetches, signed: /var/lib/pve-manager/apl-info/download.proxmox.com.",
      );
    }
  }
});

/** Two downloads of one file name on one datastore would overwrite each other; which of them a container is made from would be chance. */
export const oneFileOneDownload = rule(["containers", "storage"], function* ({ containers, storage, proxmox }) {
  const first = new Map<string, { key: string; identity: string; url: string }>();
  for (const [key, { template, node }] of Object.entries(containers)) {
    if (typeof template === "string") continue;
    const file = templateFileName(template);
    const identity = [template.url, template.sha256, template.sha512].join(" ");
    const datastore = proxmox?.nodes[node ?? ""]?.storage?.files ?? storage.files;
    const place = `${storage.shared.includes(datastore) ? "" : node} ${datastore} ${file}`;
    const other = first.get(place);
    if (!other) first.set(place, { key, identity, url: template.url });
    else if (other.identity !== identity) {
      yield error(
        "template-conflict",
        ["containers", key, "template"],
        `containers.${other.key} downloads ${file} from ${other.url}, and containers.${key} from ${template.url} or with another checksum`,
        "State the template once, under defaults.container.template, or give one of the two another fileName.",
      );
    }
  }
});

/** Ansible has to know where to connect when it runs within the deploy. */
export const configurable = rule(["containers", "configure"], function* ({ containers, configure }) {
  if (!configure) return;
  for (const [key, { address }] of Object.entries(containers)) {
    if (address !== "dhcp") continue;
    yield error(
      "configure-with-dhcp",
      ["containers", key, "address"],
      `configure is true, and the address of containers.${key} comes by DHCP, so it is not known when Ansible is to run`,
      "Give it a static address, or set configure: false and run Ansible after the deploy.",
    );
  }
});

/** A lab from which nothing would follow is a mistake. */
export const somethingToDo = rule([], function* (lab, { declared }) {
  const { kubernetes } = lab;
  const described = lab.cluster || lab.ollama || kubernetes?.nfs || kubernetes?.certManager || kubernetes?.devicePlugin;
  if (described || Object.keys(lab.containers ?? {}).length > 0) return;
  if (["containers", "cluster", "ollama"].some((section) => declared([section]))) return;
  yield error(
    "empty-lab",
    [],
    "the lab describes no guest and no deployment",
    "Add containers:, cluster: or ollama:, as in the examples.",
  );
});
