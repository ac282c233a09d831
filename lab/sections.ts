import { type Path, STACK_IDS, type StackId } from "./problem";

const GUESTS = ["containers", "cluster"] as const;

/** The stacks that read a section of the lab. A section that is not here concerns every stack. */
const STACKS_OF_SECTION: ReadonlyMap<string, readonly StackId[]> = new Map<string, readonly StackId[]>(
  Object.entries({
    proxmox: GUESTS,
    network: GUESTS,
    storage: GUESTS,
    sshPublicKeys: GUESTS,
    ownershipGuard: GUESTS,
    containers: ["containers"],
    containerPools: ["containers"],
    configure: ["containers"],
    "defaults.container": ["containers"],
    cluster: ["cluster"],
    "defaults.server": ["cluster"],
    "defaults.worker": ["cluster"],
    kubernetes: ["platform", "ollama"],
    "kubernetes.devicePlugin": ["platform"],
    "kubernetes.nfs": ["platform"],
    "kubernetes.certManager": ["platform"],
    ollama: ["model-staging", "ollama"],
    ollamaNfsPath: ["model-staging", "ollama"],
    ollamaNfsServer: ["model-staging", "ollama"],
    staging: ["model-staging"],
  } satisfies Record<string, readonly StackId[]>),
);

/** The stacks that read the value at a path of the lab. */
export function stacksAt([section = "", part = ""]: Path): readonly StackId[] {
  return STACKS_OF_SECTION.get(`${section}.${part}`) ?? STACKS_OF_SECTION.get(String(section)) ?? STACK_IDS;
}
