import { K3S_API_PORT } from "../catalog/k3s";
import { OLLAMA_PORT } from "../catalog/ollama";
import { type Cluster, type ClusterNode, type Container, doorOf, hasPlatform, type Lab, nodesOf, type Release } from "../lab/lab";
import { count } from "../lab/problem";

/** What a box shows. Each kind has a colour of its own; the text says the same in words. */
export type Kind =
  | "container"
  | "server"
  | "worker"
  | "platform"
  | "release"
  | "route"
  | "claim"
  | "storage"
  | "staging"
  | "mirror";

/** What a frame around others is: one of the picture's large parts, a part of one, or what the air gap encloses. */
export type GroupKind = "band" | "part" | "production";

/** A box: one thing of the lab. */
export interface Box {
  readonly kind: Kind;
  readonly title: string;
  /** What else there is to say, a fact a line. */
  readonly lines: readonly string[];
  /** Graphics cards that it has. */
  readonly gpus: readonly string[];
}

/** An arrow between two neighbours of a column. */
export interface Arrow {
  /** What the first does to the second, or for `up` the second to the first. */
  readonly label: string;
  readonly direction: "down" | "up";
}

/** Things that belong together, in a frame of their own. */
export interface Group {
  readonly kind: GroupKind;
  readonly title: string;
  readonly lines: readonly string[];
  /** Graphics cards that belong to the group itself. */
  readonly gpus: readonly string[];
  readonly content: Content;
}

/** A column of things, one below the other. */
export interface Column {
  readonly items: readonly Item[];
  /** The arrow between each and the next, if there is one; one fewer than items. */
  readonly arrows: readonly (Arrow | undefined)[];
}

/** What is in a group: a column, or things side by side in as many rows as they need. */
export type Content = Column | { readonly grid: readonly Item[] };

/** A thing in the picture. */
export type Item = Box | Group | Column;

/** A lab as a picture: what `mermaid` and `svg` draw. */
export interface Picture {
  readonly title: string;
  /** The lab in one line of numbers. */
  readonly summary: string;
  readonly column: Column;
}

/** How many models a box lists; the others are counted. */
const SHOWN_MODELS = 4;

function modelsLine(models: readonly string[]): string[] {
  if (models.length === 0) return [];
  const rest = models.length - SHOWN_MODELS;
  return [`${models.slice(0, SHOWN_MODELS).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`];
}

function sizeLine({ cores, memoryGiB, diskGiB }: Container | ClusterNode): string {
  return `${count(cores, "core")} · ${Math.round(memoryGiB * 10) / 10} GiB · disk ${diskGiB} GiB`;
}

/** The host of a URL. What else stands in a URL, such as a path, says little in a picture. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host || url : url;
}

/** The cards of a container: by the lab's name where it gives one, else by their kind. */
function cardsOf({ gpu }: Container): string[] {
  return gpu ? [gpu.card ?? gpu.type] : [];
}

function containerBox(spec: Container): Box {
  const { name, vmId, network, protect, models } = spec;
  const address = network.address.kind === "static" ? network.address.ip : "dhcp";
  const door = doorOf(spec);
  return {
    kind: "container",
    title: name,
    lines: [
      `Container ${vmId} · ${address}`,
      sizeLine(spec),
      ...(door === undefined ? [] : [`https://${door}`]),
      ...modelsLine(models),
      ...(protect ? ["protected against destruction"] : []),
    ],
    gpus: cardsOf(spec),
  };
}

function nodeBox(spec: ClusterNode): Box {
  const { name, role, vmId, address, protect, cards } = spec;
  return {
    kind: role,
    title: name,
    lines: [`K3s ${role} · VM ${vmId} · ${address}`, sizeLine(spec), ...(protect ? ["protected against destruction"] : [])],
    gpus: cards.map((card) => card.name),
  };
}

function proxmoxGroup(lab: Lab): Group[] {
  if (!lab.proxmox) return [];
  const { proxmox, network, cluster } = lab;
  // By their numbers: in the order of names 10 comes before 2.
  const numbered = <T extends { readonly vmId: number }>(guests: readonly T[]) => [...guests].sort((a, b) => a.vmId - b.vmId);
  const containers = numbered(Object.values(lab.containers));
  const vms = cluster ? [...numbered(cluster.servers), ...numbered(cluster.workers)] : [];
  const nodes = Object.entries(proxmox.nodes).map(([name, { address, gpus }]): Group => {
    const own = containers.filter(({ node }) => node === name);
    const ownVms = vms.filter(({ node }) => node === name);
    const taken = new Set([...own.flatMap(cardsOf), ...ownVms.flatMap(({ cards }) => cards.map((card) => card.name))]);
    const grid = [...own.map(containerBox), ...ownVms.map(nodeBox)];
    return {
      kind: "part",
      title: name,
      lines: [
        address === undefined ? "Proxmox node" : `Proxmox node · ${address}`,
        ...(grid.length === 0 ? ["no guest of this lab"] : []),
      ],
      gpus: gpus.filter((gpu) => !taken.has(gpu)).map((gpu) => `${gpu}, free`),
      content: { grid },
    };
  });
  const { bridge, vlan, cidr, gateway } = network;
  const facts = [
    ...(cidr === undefined ? [] : [cidr]),
    `bridge ${bridge}`,
    ...(vlan === undefined ? [] : [`VLAN ${vlan}`]),
    ...(gateway ? [`gateway ${gateway}`] : []),
  ];
  return [
    {
      kind: "band",
      title: `Proxmox ${hostOf(proxmox.endpoint)}`,
      lines: [facts.join(" · ")],
      gpus: [],
      content: { grid: nodes },
    },
  ];
}

function clusterLines(lab: Lab): string[] {
  const { cluster, kubernetes } = lab;
  if (!cluster) return [`is there already · kubeconfig ${kubernetes.kubeconfig}`];
  const versions = [...new Set(nodesOf(cluster).map(({ k3sVersion }) => k3sVersion))];
  const api = `https://${cluster.registrationAddress ?? cluster.servers[0].address}:${K3S_API_PORT}`;
  return [`K3s ${versions.join(", ")} · API ${api}`];
}

function platformBoxes({ kubernetes: { devicePlugin, nfs, certManager, storageClass, issuer } }: Lab): Box[] {
  const box = (title: string, lines: readonly string[]): Box => ({ kind: "platform", title, lines, gpus: [] });
  return [
    ...(devicePlugin
      ? [
          box("NVIDIA device plugin", [
            `chart ${devicePlugin.chart.version}`,
            ...(devicePlugin.timeSlicing ? [`each GPU in ${devicePlugin.timeSlicing} shares`] : []),
          ]),
        ]
      : []),
    ...(nfs ? [box("NFS provisioner", [`chart ${nfs.chart.version}`, `StorageClass ${storageClass}`])] : []),
    ...(certManager ? [box("cert-manager", [`chart ${certManager.chart.version}`, `issuer ${issuer}`])] : []),
  ];
}

function releaseColumn(lab: Lab, namespace: string, key: string, release: Release): Column {
  const { host, replicas, gpus, models, storageGi, storageClass, protect, allowFrom } = release;
  const way: Box[] = host
    ? [
        {
          kind: "route",
          title: `https://${host}`,
          lines: [`certificate by ${lab.kubernetes.issuer}`, ...(allowFrom.length > 0 ? [`for ${allowFrom.join(", ")}`] : [])],
          gpus: [],
        },
      ]
    : [];
  const pods = `${count(replicas, "pod")} ${gpus > 0 ? `with ${count(gpus, "GPU")}${replicas === 1 ? "" : " each"}` : "on the CPU"}`;
  const box: Box = {
    kind: "release",
    title: `Ollama ${key}`,
    lines: [pods, ...(host ? [] : [`http://${key}.${namespace}:${OLLAMA_PORT} inside the cluster`]), ...modelsLine(models)],
    gpus: [],
  };
  const claim: Box[] = lab.airGapped
    ? []
    : [
        {
          kind: "claim",
          title: `Claim ${key}, ${storageGi} Gi`,
          lines: [`StorageClass ${storageClass}`, ...(protect ? ["protected against destruction"] : [])],
          gpus: [],
        },
      ];
  return {
    items: [...way, box, ...claim],
    arrows: [
      ...way.map((): Arrow => ({ label: "HTTPS", direction: "down" })),
      ...claim.map((): Arrow => ({ label: "models", direction: "down" })),
    ],
  };
}

function kubernetesGroup(lab: Lab): Group[] {
  const { ollama } = lab;
  if (!lab.cluster && !ollama && !hasPlatform(lab)) return [];
  const namespace: Group[] = ollama
    ? [
        {
          kind: "part",
          title: `Namespace ${ollama.namespace}`,
          lines: [`chart ollama ${ollama.chart.version}`],
          gpus: [],
          content: {
            grid: [
              ...Object.entries(ollama.releases).map(([key, release]) => releaseColumn(lab, ollama.namespace, key, release)),
              ...ollama.keptClaims.map(
                (claim): Box => ({ kind: "claim", title: `Claim ${claim}`, lines: ["kept without a release"], gpus: [] }),
              ),
            ],
          },
        },
      ]
    : [];
  const platform = platformBoxes(lab);
  const services: Group[] =
    platform.length > 0 ? [{ kind: "part", title: "Platform", lines: [], gpus: [], content: { grid: platform } }] : [];
  return [
    {
      kind: "band",
      title: "Kubernetes cluster",
      lines: clusterLines(lab),
      gpus: [],
      content: { grid: [...namespace, ...services] },
    },
  ];
}

/** Where the models of releases are kept: the share of an air-gapped lab, or what stands behind the claims. */
function storageGroup(lab: Lab): Group[] {
  const { kubernetes, modelStaging, ollama } = lab;
  const box = (title: string, lines: readonly string[]): Box => ({ kind: "storage", title, lines, gpus: [] });
  const frame = (grid: readonly Box[]): Group[] =>
    grid.length > 0 ? [{ kind: "band", title: "Storage", lines: [], gpus: [], content: { grid } }] : [];
  if (modelStaging) {
    const { server, path } = modelStaging.share;
    return frame([
      box(server ? `NFS ${server}` : "NFS, mounted on the nodes", [path, `release ${modelStaging.mounted} of the models`]),
    ]);
  }
  const { nfs, storageClass } = kubernetes;
  const used = new Set(Object.values(ollama?.releases ?? {}).map((release) => release.storageClass));
  const others = [...used].filter((name) => !nfs || name !== storageClass).sort();
  return frame([
    ...(nfs ? [box(`NFS ${nfs.server}`, [nfs.path, `StorageClass ${storageClass}`])] : []),
    ...others.map((name) => box(`StorageClass ${name}`, ["of the cluster"])),
  ]);
}

/** The hosts that production of an air-gapped lab fetches from, each with what it serves. */
function mirrorGroup({ fetched }: Lab): Group[] {
  if (fetched.length === 0) return [];
  const hosts = new Map<string, Map<string, number>>();
  for (const { kind, host, way } of fetched) {
    const from = way === "reachable" ? host : hostOf(way);
    const kinds = hosts.get(from) ?? new Map<string, number>();
    hosts.set(from, kinds.set(kind, (kinds.get(kind) ?? 0) + 1));
  }
  const boxes = [...hosts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([host, kinds]): Box => ({
        kind: "mirror",
        title: host,
        lines: [[...kinds].map(([kind, number]) => (kind === "packages" ? kind : count(number, kind))).join(", ")],
        gpus: [],
      }),
    );
  return [{ kind: "band", title: "Mirrors and hosts that production reaches", lines: [], gpus: [], content: { grid: boxes } }];
}

function stagingGroup({ modelStaging }: Lab): Group[] {
  if (!modelStaging) return [];
  const { kubeconfig, models } = modelStaging;
  return [
    {
      kind: "band",
      title: "Outside the air gap",
      lines: [],
      gpus: [],
      content: {
        grid: [
          { kind: "staging", title: "Staging cluster", lines: [`kubeconfig ${kubeconfig}`, ...modelsLine(models)], gpus: [] },
        ],
      },
    },
  ];
}

function joinLabel({ servers, workers }: Cluster): string {
  return [count(servers.length, "server"), ...(workers.length > 0 ? [count(workers.length, "worker")] : [])].join(" and ");
}

/** Groups one below the other, with the arrows that lead from each to the next. */
function column(entries: readonly { readonly groups: readonly Group[]; readonly arrow?: Arrow }[]): Column {
  const there = entries.filter(({ groups }) => groups.length > 0);
  return { items: there.flatMap(({ groups }) => groups), arrows: there.slice(0, -1).map(({ arrow }) => arrow) };
}

function summaryOf(lab: Lab): string {
  const nodes = Object.keys(lab.proxmox?.nodes ?? {}).length;
  const guests = Object.keys(lab.containers ?? {}).length + (lab.cluster ? nodesOf(lab.cluster).length : 0);
  const releases = Object.keys(lab.ollama?.releases ?? {}).length;
  return [
    ...(nodes > 0 ? [count(nodes, "Proxmox node"), count(guests, "guest")] : []),
    ...(releases > 0 ? [count(releases, "Ollama release")] : []),
    ...(lab.airGapped ? ["air-gapped"] : []),
  ].join(" · ");
}

/** The picture of a lab: what is built, where it stands, and how it hangs together. The same lab gives the same picture. */
export function pictureOf(lab: Lab): Picture {
  const down = (label: string): Arrow => ({ label, direction: "down" });
  const { cluster } = lab;
  // Containers have no part in a cluster that is there already.
  const machines = { groups: proxmoxGroup(lab), ...(cluster && { arrow: down(`${joinLabel(cluster)} make the cluster`) }) };
  const kubernetes = {
    groups: kubernetesGroup(lab),
    arrow: down(lab.airGapped ? "mounts the models, read-only" : "keeps the models"),
  };
  const storage = { groups: storageGroup(lab), arrow: { label: "publishes the models", direction: "up" } as const };
  if (!lab.airGapped) {
    return { title: lab.name, summary: summaryOf(lab), column: column([machines, kubernetes, storage]) };
  }
  const inside = column([{ groups: mirrorGroup(lab), arrow: down("images, charts and files") }, machines, kubernetes]);
  const production: Group = {
    kind: "production",
    title: "Production, air-gapped",
    lines: ["reaches no model registry"],
    gpus: [],
    content: inside,
  };
  return {
    title: lab.name,
    summary: summaryOf(lab),
    column: column([{ groups: [production], arrow: kubernetes.arrow }, storage, { groups: stagingGroup(lab) }]),
  };
}
