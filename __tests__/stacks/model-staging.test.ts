import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkLab } from "../../lab/read";
import type { LabInput } from "../../lab/schema";
import { type Changes, labWith, type StackJson, synthesized } from "../../testing/lab";

const sealed: LabInput = {
  name: "sealed",
  airGapped: true,
  ollamaNfsPath: "/mnt/nfs/ollama",
  mirrors: { images: "https://registry.lab.example", charts: "oci://registry.lab.example/charts" },
  ollama: { releases: { ollama: { models: ["gpt-oss:120b", "llama3:8b"], gpus: 1 } } },
};

interface ChartObject {
  kind: string;
  metadata: { name: string; namespace: string; annotations?: Record<string, string> };
  data?: Record<string, string>;
  spec: {
    backoffLimit: number;
    ttlSecondsAfterFinished: number;
    template: {
      spec: { restartPolicy: string; volumes: object[]; containers: { image: string; command: string[]; env: Pair[] }[] };
    };
  };
}
interface Pair {
  name: string;
  value: string;
}

const of = (changes: Changes = {}) => synthesized(labWith(changes, sealed));
const release = (stack: StackJson | undefined, name: string) => stack?.resource["helm_release"]?.[name];
const values = (stack: StackJson | undefined, name: string): Record<string, unknown> => {
  const [text = "{}"] = (release(stack, name)?.["values"] ?? []) as string[];
  return JSON.parse(text.replaceAll("$${", () => "${").replaceAll("%%{", () => "%{")) as Record<string, unknown>;
};
const objects = (stack: StackJson | undefined, name: string) => values(stack, name)["objects"] as ChartObject[];
const job = (stacks: Record<string, StackJson>) => {
  const found = objects(stacks["model-staging"], "ollama-download-models").find(({ kind }) => kind === "Job");
  if (!found) throw new Error("there is no Job");
  return found;
};
const env = (pairs: readonly Pair[] = []) => Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
const idOf = (changes: Changes = {}) => checkLab(labWith(changes, sealed), "/lab").lab.modelStaging;

describe("the three modes", () => {
  test("online: the models are pulled by a Job beside Ollama, and nothing is staged", () => {
    const stacks = of({ airGapped: false });
    expect([Object.keys(stacks), release(stacks["ollama"], "ollama-models")?.["values"]]).toEqual([
      ["ollama"],
      [expect.stringContaining("pull-models.sh")],
    ]);
  });
  test("air-gapped with a path: the models are staged, and mounted read-only", () => {
    const stacks = of();
    expect(Object.keys(stacks)).toEqual(["model-staging", "ollama"]);
    expect(values(stacks["ollama"], "ollama")["volumeMounts"]).toEqual([
      { name: "models", mountPath: "/nfs/ollama", readOnly: true },
    ]);
  });
  test("air-gapped without a path: nothing is made", () => {
    expect(() => of({ ollamaNfsPath: undefined })).toThrow(/ollamaNfsPath/);
  });
});

describe("staging", () => {
  test("is on the staging cluster's kubeconfig", () => {
    expect(of()["model-staging"]?.variable?.["kubeconfig"]).toMatchObject({
      default: expect.stringMatching(/lab\/staging-kubeconfig-sealed$/),
    });
  });
  test("is the Job ollama-download-models in ollama-staging, kept for an hour and tried twice more", () => {
    const { metadata, spec } = job(of());
    expect([metadata.name, metadata.namespace, spec.ttlSecondsAfterFinished, spec.backoffLimit]).toEqual([
      "ollama-download-models",
      "ollama-staging",
      3600,
      2,
    ]);
  });
  test("runs again when something in it changes, and fails the deploy when it fails: it is a hook that never restarts in place", () => {
    const { metadata, spec } = job(of());
    expect(metadata.annotations).toEqual({
      "helm.sh/hook": "post-install,post-upgrade",
      "helm.sh/hook-delete-policy": "before-hook-creation",
    });
    expect(spec.template.spec.restartPolicy).toBe("Never");
  });
  test("refuses a node that has not mounted the share: the folder must be there", () => {
    expect(job(of()).spec.template.spec.volumes).toContainEqual({
      name: "models",
      hostPath: { path: "/mnt/nfs/ollama", type: "Directory" },
    });
  });
  test("mounts NFS itself when the lab names the server", () => {
    const { volumes } = job(of({ ollamaNfsServer: "192.0.2.5" })).spec.template.spec;
    expect(volumes).toContainEqual({ name: "models", nfs: { server: "192.0.2.5", path: "/mnt/nfs/ollama", readOnly: false } });
  });
  test("runs its script in the shell that the image of Ollama has", () => {
    expect(job(of()).spec.template.spec.containers[0]?.command).toEqual(["/bin/sh", "/scripts/stage-models.sh"]);
  });
  test("accepts the file systems of the lab, or else NFS alone", () => {
    const accepted = (changes: Changes) => env(job(of(changes)).spec.template.spec.containers[0]?.env)["MOUNT_CHECK"];
    expect([accepted({}), accepted({ staging: { fileSystems: ["cifs", "ceph"] } })]).toEqual(["nfs nfs4", "cifs ceph"]);
  });
  test("gets the sorted models, the release's name and how many releases stay", () => {
    const [container] = job(of({ staging: { keep: 3 } })).spec.template.spec.containers;
    expect(env(container?.env)).toMatchObject({
      MODELS: "gpt-oss:120b llama3:8b",
      RELEASE_ID: idOf()?.id,
      KEEP: "3",
      NFS_ROOT: "/nfs/ollama",
    });
  });
  test("stages the models of all releases, each once", () => {
    const two = { ollama: { releases: { other: { models: ["llama3:8b", "mistral:7b"] } } } };
    const [container] = job(of(two)).spec.template.spec.containers;
    expect(env(container?.env)["MODELS"]).toBe("gpt-oss:120b llama3:8b mistral:7b");
  });
  test("spares the release that the lab pins", () => {
    const [container] = job(of({ ollama: { release: "0123456789ab" } })).spec.template.spec.containers;
    expect(env(container?.env)["PINNED_RELEASE"]).toBe("0123456789ab");
  });
  test("runs the scripts of templates/ as they are", () => {
    const map = objects(of()["model-staging"], "ollama-download-models").find(({ kind }) => kind === "ConfigMap");
    for (const file of ["stage-models.sh", "verify-models.sh"]) {
      expect(map?.data?.[file]).toBe(readFileSync(join(__dirname, "../../templates/model-staging", file), "utf8"));
    }
  });
  test("uses the image of the chart's Ollama, never latest", () => {
    expect(job(of()).spec.template.spec.containers[0]?.image).toBe("ollama/ollama:0.32.15");
  });
});

describe("the release's name", () => {
  test("does not depend on the order of the models", () => {
    expect(idOf({ ollama: { releases: { ollama: { models: ["llama3:8b", "gpt-oss:120b"] } } } })?.id).toBe(idOf()?.id);
  });
  test("does not depend on how a model is spelt", () => {
    expect(idOf({ ollama: { releases: { ollama: { models: ["library/llama3:8b", "gpt-oss:120b"] } } } })?.id).toBe(idOf()?.id);
  });
  test.each([
    ["another model", { ollama: { releases: { ollama: { models: ["llama3:8b"] } } } }],
    ["another image", { staging: { image: "ollama/ollama:0.33.0" } }],
    ["a raised revision", { staging: { revision: 2 } }],
  ])("changes with %s", (_, changes) => expect(idOf(changes)?.id).not.toBe(idOf()?.id));
  test("does not change with what production does with it", () => {
    expect(idOf({ ollama: { releases: { ollama: { gpus: 0, keepAlive: "1h" } } } })?.id).toBe(idOf()?.id);
  });
});

describe("production", () => {
  const stack = of()["ollama"];
  const chart = values(stack, "ollama");
  const initContainers = chart["initContainers"] as {
    name: string;
    command: string[];
    env: Pair[];
    restartPolicy?: string;
    readinessProbe?: object;
  }[];

  test("reads the models of one release", () => {
    expect(env(chart["extraEnv"] as Pair[])["OLLAMA_MODELS"]).toBe(`/nfs/ollama/releases/${idOf()?.id}/models`);
  });
  test("mounts a pinned release instead of the newest", () => {
    const pinned = values(of({ ollama: { release: "0123456789ab" } })["ollama"], "ollama");
    expect(env(pinned["extraEnv"] as Pair[])["OLLAMA_MODELS"]).toBe("/nfs/ollama/releases/0123456789ab/models");
  });
  test("removes nothing, calls no cloud and has a home to write to", () => {
    expect(env(chart["extraEnv"] as Pair[])).toMatchObject({ OLLAMA_NOPRUNE: "1", OLLAMA_NO_CLOUD: "1", HOME: "/root" });
    expect(chart["persistentVolume"]).toEqual({ enabled: false });
  });
  test("pulls nothing anywhere", () => {
    expect(objects(stack, "ollama-models").map(({ kind }) => kind)).toEqual(["ConfigMap"]);
    expect(chart["ollama"]).toMatchObject({ models: { pull: [], run: [], create: [] } });
  });
  test("has no claim", () => expect(stack?.resource["kubernetes_persistent_volume_claim_v1"]).toBeUndefined());
  test("looks the models over before Ollama starts", () => {
    const [verify] = initContainers;
    expect(verify?.command).toEqual(["/bin/sh", "/scripts/verify-models.sh"]);
    expect([verify?.name, verify?.restartPolicy, env(verify?.env)["VERIFY"]]).toEqual(["verify-models", undefined, "changed"]);
  });
  test("compares manifests with the record of the release, before Ollama starts and while it runs", () => {
    const records = initContainers.map((container) => env(container.env)["RECORD"]);
    expect(records).toEqual(Array(2).fill(expect.stringMatching(/^\/nfs\/ollama\/releases\/[0-9a-f]{12}\/release\.txt$/)));
  });
  test("gives no GPU to what only looks at files", () => {
    expect(initContainers.map((container) => env(container.env)["NVIDIA_VISIBLE_DEVICES"])).toEqual(["void", "void"]);
  });
  test("is ready only while every model is listed, and its files are there", () => {
    const sidecar = initContainers.find(({ name }) => name === "models-present");
    expect(sidecar).toMatchObject({
      restartPolicy: "Always",
      readinessProbe: { exec: { command: ["/bin/sh", "/scripts/models-present.sh"] } },
    });
    expect(env(sidecar?.env)).toMatchObject({
      MODELS: "gpt-oss:120b llama3:8b",
      MODELS_DIR: env(chart["extraEnv"] as Pair[])["OLLAMA_MODELS"],
    });
  });
  test("shows no GPU to what looks models over: only Ollama gets the cards that the release asks for", () => {
    const gpu = values(of({ ollama: { releases: { ollama: { gpus: 1 } } } })["ollama"], "ollama");
    const visible = (gpu["initContainers"] as { env: Pair[] }[]).map((one) => env(one.env)["NVIDIA_VISIBLE_DEVICES"]);
    expect([visible, env(gpu["extraEnv"] as Pair[])["NVIDIA_VISIBLE_DEVICES"]]).toEqual([["void", "void"], undefined]);
  });
  test("forgets the claim of a lab that was online, and leaves it in the cluster", () => {
    expect((stack as { removed?: unknown })?.removed).toEqual([
      { from: "kubernetes_persistent_volume_claim_v1.ollama", lifecycle: { destroy: false } },
    ]);
  });
  test("says which Terraform can do that", () => {
    expect(stack?.terraform).toMatchObject({ required_version: ">= 1.7.0" });
  });
  test("mounts the share as a folder that must be there", () => {
    expect(chart["volumes"]).toContainEqual({ name: "models", hostPath: { path: "/mnt/nfs/ollama", type: "Directory" } });
  });
  test("takes its chart from the mirror", () => {
    expect(release(stack, "ollama")).toMatchObject({
      repository: "oci://registry.lab.example/charts",
      chart: "ollama",
      version: "1.77.0",
    });
  });
  test("takes its chart from a folder beside the lab, when the mirror is one", () => {
    const { chart: file, repository } = release(of({ mirrors: { charts: "./charts" } })["ollama"], "ollama") ?? {};
    expect([file, repository]).toEqual([expect.stringMatching(/lab\/charts\/ollama-1\.77\.0\.tgz$/), undefined]);
  });
  test("asks nothing of the staging stack's state", () => expect(JSON.stringify(stack)).not.toContain("terraform_remote_state"));
});
