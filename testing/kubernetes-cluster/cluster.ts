// A throw-away cluster, labs that are deployed to it by the real providers, and what is missing where there is none.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { LabInput } from "../../lab/schema";
import { type Changes, labWith } from "../lab";
import { describeUnless, missingPlugins, providerEnvironment } from "../proxmox/providers";
import { output } from "../terraform/lab-workspace";
import { Workspace } from "../terraform/workspace";

/** The Kubernetes stacks need these, in the versions that the stacks pin. */
const REQUIRED = {
  helm: { source: "hashicorp/helm", version: "3.1.1" },
  kubernetes: { source: "hashicorp/kubernetes", version: "2.38.0" },
};

/** A chart as a lab names it: a file of the folder that KUBERNETES_CHARTS names; without that its repository. */
export function chartFile(name: string, version: string): Changes {
  return process.env["KUBERNETES_CHARTS"]
    ? { chart: { version, file: `charts/${name}-${version}.tgz` } }
    : { chart: { version } };
}

function missingCharts(): string | undefined {
  const folder = process.env["KUBERNETES_CHARTS"];
  const files = ["ollama-1.77.0.tgz", "nvidia-device-plugin-0.20.0.tgz"];
  const absent = folder ? files.filter((file) => !existsSync(join(folder, file))) : [];
  return absent.length > 0 ? `KUBERNETES_CHARTS names ${folder}, which has no ${absent.join(" and no ")}` : undefined;
}

let missing: string | undefined | false = false;

function missingForPlans(): string | undefined {
  if (missing === false) missing = missingCharts() ?? missingPlugins(REQUIRED);
  return missing;
}

/** Why there is no cluster that may be written to; undefined when there is one. */
export function missingCluster(): string | undefined {
  const { KUBECONFIG, THROW_AWAY_CLUSTER } = process.env;
  if (!KUBECONFIG || !existsSync(KUBECONFIG)) return "KUBECONFIG names no file, so there is no cluster";
  if (THROW_AWAY_CLUSTER !== "1") {
    return `THROW_AWAY_CLUSTER is not 1: say so that the cluster of ${KUBECONFIG} may be written to (testing/kubernetes-cluster/README.md)`;
  }
  const { status, stderr, error } = spawnSync("kubectl", ["get", "nodes"], { encoding: "utf8" });
  if (status !== 0) return `kubectl does not reach the cluster of ${KUBECONFIG}: ${error?.message ?? stderr.trim()}`;
  return undefined;
}

/** `describe` for plans by the real providers without a cluster. */
export function describeWithPlans(name: string, tests: () => void): void {
  describeUnless(missingForPlans(), name, tests);
}

/**
 * `describe` for applies by the real providers to a throw-away cluster. Where there is none the tests are skipped, and say what is missing;
 * with REQUIRE_CLUSTER=1 one failing test takes their place. REQUIRE_PROVIDERS asks for no cluster, because providers can be had without one.
 */
export function describeWithCluster(name: string, tests: () => void): void {
  describeUnless(missingCluster() ?? missingForPlans(), name, tests, "REQUIRE_CLUSTER");
}

/** A project folder with a lab's stacks, for the real providers. Runs nothing yet. */
export async function openForReal(lab: LabInput, kubeconfig: string): Promise<Workspace> {
  const workspace = await Workspace.open(output(lab), { realProviders: providerEnvironment(), variables: { kubeconfig } });
  const charts = process.env["KUBERNETES_CHARTS"];
  if (charts) cpSync(charts, join(workspace.root, "charts"), { recursive: true });
  return workspace;
}

/** Runs kubectl on the cluster that KUBECONFIG names. @param input what it reads. @returns what it printed */
export function kubectl(input: string | undefined, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("kubectl", args, { encoding: "utf8", input });
  if (status !== 0) throw new Error(`kubectl ${args.join(" ")} failed: ${stderr}`);
  return stdout;
}

/** The parts of a claim that tests look at. */
export interface SeenClaim {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: {
    readonly accessModes: readonly string[];
    readonly resources: { readonly requests: { readonly storage: string } };
  };
}

/** How many claims of one test file may be bound. */
const VOLUMES = 48;

/** The cluster that KUBECONFIG names, with a StorageClass and volumes of this test file's own. */
export class ThrowAwayCluster {
  readonly storageClass = `lab-trial-${randomBytes(4).toString("hex")}`;
  private readonly namespaces: string[] = [];

  constructor() {
    const volume = (index: number) => ({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: `${this.storageClass}-${index}` },
      spec: {
        storageClassName: this.storageClass,
        capacity: { storage: "1Ti" },
        accessModes: ["ReadWriteOnce", "ReadWriteMany"],
        persistentVolumeReclaimPolicy: "Retain",
        hostPath: { path: `/tmp/${this.storageClass}-${index}` },
      },
    });
    const items = [
      {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: this.storageClass },
        provisioner: "kubernetes.io/no-provisioner",
        allowVolumeExpansion: true,
      },
      ...Array.from({ length: VOLUMES }, (_, index) => volume(index)),
    ];
    kubectl(JSON.stringify({ apiVersion: "v1", kind: "List", items }), "create", "-f", "-");
  }

  /** Removes what this test file made. */
  stop(): void {
    for (const namespace of this.namespaces)
      kubectl(undefined, "delete", "namespace", namespace, "--ignore-not-found", "--wait=false");
    const volumes = Array.from({ length: VOLUMES }, (_, index) => `${this.storageClass}-${index}`);
    kubectl(undefined, "delete", "pv", "--ignore-not-found", "--wait=false", ...volumes);
    kubectl(undefined, "delete", "storageclass", this.storageClass, "--ignore-not-found");
  }

  /** A lab with one Ollama on this cluster, in a namespace of its own. */
  lab(changes: Changes = {}): LabInput {
    const namespace = `lab-trial-${randomBytes(4).toString("hex")}`;
    this.namespaces.push(namespace);
    return labWith(changes, {
      name: "trial",
      kubernetes: { storageClass: this.storageClass },
      ollama: {
        namespace,
        ...chartFile("ollama", "1.77.0"),
        releases: { ollama: { models: ["all-minilm:22m"], storageGi: 50, timeoutMinutes: 3, pullTimeoutMinutes: 3 } },
      },
    } as LabInput);
  }

  open(lab: LabInput): Promise<Workspace> {
    return openForReal(lab, resolve(process.env["KUBECONFIG"] ?? ""));
  }

  /** Day two: the lab was edited and synthesized anew; states stay. */
  edit(workspace: Workspace, lab: LabInput): void {
    const namespace = lab.ollama?.namespace;
    // An edit may go to another namespace, which is removed in the end as well.
    if (namespace && !this.namespaces.includes(namespace)) this.namespaces.push(namespace);
    workspace.become(output(lab));
  }

  /** What a person does by hand. */
  kubectl(...args: string[]): string {
    return kubectl(undefined, ...args);
  }

  /** The claim of a release. */
  claim(lab: LabInput, name = "ollama"): SeenClaim {
    return JSON.parse(kubectl(undefined, "-n", lab.ollama?.namespace ?? "", "get", "pvc", name, "-o", "json")) as SeenClaim;
  }
}
