import { OLLAMA_VERSION, ollamaImage, ollamaOfChart } from "../../catalog/ollama";
import { TEMPLATE_LIST } from "../../catalog/ubuntu";
import { checkImageFileName, checkTemplateFileName } from "../../grammar/storage";
import { modelStagingOf } from "../air-gap";
import { finder, GUEST_STACKS } from "../finding";
import { imageFileName, templateFileName } from "../image";
import { formatPath, type Path } from "../problem";
import { rule } from "./rule";

const kinds = {
  "no-checksum": {
    severity: "warning",
    stacks: GUEST_STACKS,
    meaning:
      "A file is downloaded without a checksum. It runs as root or as a service, and nobody would notice a change of it. A file that the lab does not choose is told by `check --strict` alone.",
    example: `
      defaults:
        container:
          ollama: { version: 0.31.0 } # and no sha256
    `,
    remedy: "Set the checksum that the publisher states.",
    once: "place",
  },
  "two-checksums": {
    severity: "error",
    stacks: ["containers"],
    meaning: "A template has a SHA-256 and a SHA-512, but the provider takes one checksum.",
    example: `
      defaults:
        container:
          template:
            url: https://mirror.lab.example/u.tar.zst
            sha256: "${"0".repeat(64)}"
            sha512: "${"0".repeat(128)}"
    `,
    remedy: "Keep one of the two.",
  },
  "template-conflict": {
    severity: "error",
    stacks: ["containers"],
    meaning:
      "Two different templates would have one file name on one datastore. One download would overwrite the other, and chance would choose the template of a container.",
    example: `
      containers:
        ollama-1: { vmId: 201, address: 192.0.2.21, template: { url: https://a.lab.example/u.tar.zst } }
        ollama-2: { vmId: 202, address: 192.0.2.22, template: { url: https://b.lab.example/u.tar.zst } }
    `,
    remedy: "State the template once, under defaults.container.template, or give one of the two another fileName.",
  },
  "unusable-template-name": {
    severity: "error",
    stacks: ["containers"],
    meaning: "The last part of a template's URL becomes its file name, but Proxmox does not take that name for a template.",
    example: `
      defaults:
        container:
          template: { url: https://mirror.lab.example/latest }
    `,
    remedy: "Set template.fileName.",
    once: "place",
  },
  "no-disk-source": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "The disks of the VMs are made from an image or cloned from a template, but the cluster has neither.",
    example: `
      cluster:
        k3sVersion: v1.36.3+k3s1 # and neither image nor template
    `,
    remedy: "Add image: or template:.",
  },
  "two-disk-sources": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "The cluster has an image and a template, but a disk is made from one of them.",
    example: `
      cluster:
        image: { url: https://images.lab.example/noble/20250805/noble.img }
        template: { vmId: 9000 }
    `,
    remedy: "Keep one of the two.",
  },
  "unusable-image-name": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "The last part of an image's URL becomes its file name, but Proxmox imports no disk from a file of that name.",
    example: `
      cluster:
        image: { url: https://images.lab.example/20250805/noble-live-server-amd64.iso }
    `,
    remedy: "Set image.fileName.",
  },
  "moving-image": {
    severity: "warning",
    stacks: ["cluster"],
    meaning: "The URL gives another image every few weeks, so two nodes of one lab may differ, and a checksum no longer matches.",
    example: `
      cluster:
        image: { url: https://images.lab.example/noble/current/noble-server-cloudimg-amd64.img }
    `,
    remedy: "Name a dated folder, such as …/releases/noble/release-20260814/….",
  },
  "disk-smaller-than-image": {
    severity: "error",
    stacks: ["cluster"],
    meaning: "A disk is smaller than the image or template that is copied into it, so Proxmox cannot make it.",
    example: `
      cluster:
        image: { sizeGiB: 8 }
        workers:
          gpu-1: { vmId: 311, address: 192.0.2.41, diskGiB: 5 }
    `,
    remedy: "Raise diskGiB.",
  },
  "image-unknown": {
    severity: "error",
    stacks: ["model-staging", "ollama"],
    meaning: "Jobs run the image of Ollama that the chart brings. This project knows it for some versions of the chart only.",
    example: `
      ollama:
        chart: { version: 1.50.0 }
    `,
    remedy: `Set image, such as ${ollamaImage(OLLAMA_VERSION)}: the appVersion in the chart's Chart.yaml.`,
  },
} as const;
const found = finder(kinds);

/** The archive of Ollama runs as a service, so it should have a checksum. */
const checksumOfArchive = rule(["containers"], function* ({ containers }, { declared }) {
  for (const [key, { ollama, gpu }] of Object.entries(containers)) {
    const own = ["containers", key, "ollama"];
    const inDefaults = ["defaults", "container", "ollama"];
    const ownChoice = declared([...own, "version"]) || declared([...own, "url"]);
    const chosen = ownChoice || declared([...inDefaults, "version"]) || declared([...inDefaults, "url"]);
    if (gpu?.type === "amd" && !gpu.sha256) {
      yield found(
        "no-checksum",
        ["containers", key, "gpu"],
        `the ROCm archive of Ollama ${ollama.version} is installed without a checksum, so nobody would notice a change of it`,
        {
          remedy: "Set gpu.sha256 from the release's sha256sum.txt, the line of the archive with -rocm in its name.",
          stacks: ["containers"],
          ofDefault: !chosen && !declared(["containers", key, "gpu", "url"]),
        },
      );
    }
    if (ollama.sha256) continue;
    yield found(
      "no-checksum",
      ownChoice ? own : inDefaults,
      `the archive of Ollama ${ollama.version} is installed without a checksum, so nobody would notice a change of it`,
      { remedy: "Set ollama.sha256 from the release's sha256sum.txt.", stacks: ["containers"], ofDefault: !chosen },
    );
  }
});

/** Where the lab states the template of a container: for the container, or in the defaults. */
function templatePath(key: string, declared: (path: Path) => boolean): Path {
  const own = ["containers", key, "template"];
  return declared(own) ? own : ["defaults", "container", "template"];
}

/** A downloaded template has a name that Proxmox takes, and one checksum. Its files run as root. */
const templates = rule(["containers"], function* ({ containers }, { declared }) {
  for (const [key, { template }] of Object.entries(containers)) {
    if (typeof template === "string") continue;
    const path = templatePath(key, declared);
    const file = templateFileName(template);
    const name = checkTemplateFileName(file);
    if (name) yield found("unusable-template-name", path, name.message, { remedy: `Set template.fileName. ${name.remedy}` });
    if (template.sha256 && template.sha512)
      yield found("two-checksums", path, "the template has a sha256 and a sha512, but the provider takes one of them");
    if (!template.sha256 && !template.sha512) {
      yield found("no-checksum", path, `${file} is downloaded without a checksum, so nobody would notice a change of it`, {
        remedy: `Set template.sha512 from the signed list that \`pveam update\` fetches: ${TEMPLATE_LIST}.`,
        stacks: ["containers"],
        ofDefault: !declared(path),
      });
    }
  }
});

/** Two downloads must not have one file name on one datastore: one would overwrite the other. */
const oneFileOneDownload = rule(["containers", "storage"], function* ({ containers, storage, proxmox }) {
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
      yield found(
        "template-conflict",
        ["containers", key, "template"],
        `containers.${other.key} downloads ${file} from ${other.url}, but containers.${key} downloads it from ${template.url} or with another checksum`,
      );
    }
  }
});

/** The disks of the VMs have exactly one source. */
const diskSource = rule(["cluster"], function* ({ cluster }, { declared }) {
  const { image, template } = cluster;
  if (image && template) {
    yield found(
      "two-disk-sources",
      ["cluster", "template"],
      "the cluster has an image and a template, but its VMs' disks are made from one of them",
    );
  } else if (!image && !template && !declared(["cluster", "image"]) && !declared(["cluster", "template"])) {
    yield found(
      "no-disk-source",
      ["cluster"],
      "the cluster has neither an image nor a template, so its VMs' disks cannot be made",
    );
  }
});

/** A downloaded image has a name that Proxmox imports, a checksum, and a URL that gives the same file tomorrow. */
const imageOfVms = rule(["cluster"], function* ({ cluster: { image } }) {
  if (!image || typeof image === "string") return;
  const path = ["cluster", "image"];
  const name = checkImageFileName(imageFileName(image));
  if (name) yield found("unusable-image-name", path, name.message, { remedy: `Set image.fileName. ${name.remedy}` });
  if (!image.sha256) {
    yield found("no-checksum", path, `${image.url} is downloaded without a checksum, so nobody would notice a change of it`, {
      remedy: "Set image.sha256 from the SHA256SUMS file beside the image.",
      stacks: ["cluster"],
    });
  }
  if (/\/(current|release)\//.test(image.url)) {
    yield found(
      "moving-image",
      [...path, "url"],
      `${image.url} gives another image every few weeks, so two nodes of one lab may differ`,
    );
  }
});

/** Proxmox cannot make a disk smaller than what it copies into it. */
const diskHoldsImage = rule(["cluster"], function* ({ cluster }) {
  const source = cluster.image ?? cluster.template;
  // The lab does not say how large an image is that is there already.
  if (!source || typeof source === "string") return;
  const what = cluster.image ? "image" : "template";
  for (const { diskGiB, path } of cluster.nodes) {
    if (diskGiB >= source.sizeGiB) continue;
    yield found(
      "disk-smaller-than-image",
      [...path, "diskGiB"],
      `the disk of ${formatPath(path)} has ${diskGiB} GiB, but the ${what} has ${source.sizeGiB} GiB`,
      { remedy: `Set diskGiB to ${source.sizeGiB} or more.` },
    );
  }
});

/** Jobs run the image of the release. Without one in the lab, this project must know which image the chart brings. */
const imageOfJobs = rule(["ollama"], function* ({ ollama }) {
  if (ollamaOfChart(ollama.chart.version)) return;
  for (const [key, { image }] of Object.entries(ollama.releases)) {
    if (image) continue;
    yield found(
      "image-unknown",
      ["ollama", "releases", key],
      `${key} names no image, but this project does not know which Ollama the chart ${ollama.chart.version} brings`,
      { stacks: ["ollama"] },
    );
  }
});

/** Staging runs an image too. */
const imageOfStaging = rule(["airGapped", "ollama"], function* (lab) {
  const plan = modelStagingOf(lab);
  if (!plan || plan.image !== undefined) return;
  yield found(
    "image-unknown",
    ["staging"],
    `staging has no image, but this project does not know which Ollama the chart ${lab.ollama.chart.version} brings`,
    { remedy: `Set staging.image, such as ${ollamaImage(OLLAMA_VERSION)}.`, stacks: ["model-staging"] },
  );
});

export const downloads = {
  title: "Downloads",
  kinds,
  rules: [checksumOfArchive, templates, oneFileOneDownload, diskSource, imageOfVms, diskHoldsImage, imageOfJobs, imageOfStaging],
};
