import { formatPath } from "../../../lab/problem";
import { airGappedLab, baseLab, type Changes, labWith, problemsOf } from "../../../testing/lab";

const of = (changes: Changes = {}, base = airGappedLab) =>
  problemsOf(labWith(changes, base)).map(({ code, severity, path, message }) => ({
    code,
    severity,
    path: formatPath(path),
    message,
  }));

test("an air-gapped lab with a path and mirrors for everything has no problem", () => expect(of()).toEqual([]));

describe("the mode", () => {
  test("air-gapped without a path is an error that names ollamaNfsPath and says what to do", () => {
    const [problem, ...more] = problemsOf(labWith({ ollamaNfsPath: undefined }, airGappedLab));
    expect([problem?.code, problem?.severity, problem?.message, problem?.remedy, more]).toEqual([
      "nfs-path-missing",
      "error",
      expect.stringContaining("ollamaNfsPath"),
      expect.stringContaining("/mnt/nfs/ollama"),
      [],
    ]);
  });
  test("online with a path gives a warning that it is ignored", () => {
    expect(of({ airGapped: false })).toEqual([
      {
        code: "nfs-path-ignored",
        severity: "warning",
        path: "ollamaNfsPath",
        message: expect.stringContaining("/mnt/nfs/ollama"),
      },
    ]);
  });
  test("a path that cannot be read is not called missing", () => {
    expect(of({ ollamaNfsPath: "mnt/nfs" }).map(({ code }) => code)).toEqual(["invalid-path"]);
  });
  test("online with a pinned release is an error", () => {
    expect(of({ airGapped: false, ollamaNfsPath: undefined, ollama: { release: "abc" } })).toMatchObject([
      { code: "release-without-air-gap", severity: "error", path: "ollama.release" },
    ]);
  });
  test("online with staging settings gives a warning that they are ignored", () => {
    expect(of({ airGapped: false, ollamaNfsPath: undefined, staging: { keep: 3 } })).toMatchObject([
      { code: "staging-ignored", severity: "warning" },
    ]);
  });
  test("keeping fewer than two releases is refused, because there would be none to go back to", () => {
    expect(of({ staging: { keep: 1 } })).toMatchObject([{ code: "out-of-range", path: "staging.keep" }]);
  });
  test("removing models from a folder that is mounted read-only is refused", () => {
    expect(of({ ollama: { releases: { ollama: { removeUnlistedModels: true } } } })).toMatchObject([
      { code: "remove-read-only" },
    ]);
  });
  test("a release without a model is refused, because it cannot get one later", () => {
    expect(of({ ollama: { releases: { ollama: { models: [] } } } })).toMatchObject([{ code: "no-model-staged" }]);
  });
  test("a chart whose Ollama is not known needs an image for each release and for staging", () => {
    const codes = of({ ollama: { chart: { version: "1.50.0" } } }).map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(["image-unknown"]));
  });
});

const cluster = {
  proxmox: {
    endpoint: "https://pve1.lab.example:8006/",
    ssh: { username: "terraform" },
    nodes: { pve1: { address: "192.0.2.11" } },
  },
  network: { cidr: "192.0.2.0/24", gateway: "192.0.2.1", clients: ["192.0.2.0/24"], management: ["192.0.2.0/24"] },
  sshPublicKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example"],
  defaults: { server: { node: "pve1", memoryGiB: 16 } },
  ollamaNfsServer: "192.0.2.5",
  mirrors: { k3s: "https://mirror.lab.example/k3s", ubuntu: "https://mirror.lab.example/ubuntu" },
  cluster: { k3sVersion: "v1.36.3+k3s1", template: { vmId: 9000 }, servers: { "k3s-1": { vmId: 301, address: "192.0.2.31" } } },
};

describe("with a cluster of its own", () => {
  test("a mirror for everything that the nodes fetch leaves no problem", () => expect(of(cluster)).toEqual([]));
  test("a folder of the nodes that nobody mounts gives a warning", () => {
    expect(of({ ...cluster, ollamaNfsServer: undefined })).toMatchObject([{ code: "share-not-mounted", severity: "warning" }]);
  });
  test("a K3s without sidecars is refused", () => {
    const old = of({ ...cluster, cluster: { ...cluster.cluster, k3sVersion: "v1.28.15+k3s1" } });
    expect(old).toMatchObject([{ code: "k3s-ended" }, { code: "k3s-without-sidecars", severity: "error" }]);
  });
});

describe("completeness", () => {
  const without = (changes: Changes) => of(changes).filter(({ code }) => code === "not-mirrored");

  test.each([
    ["the chart of Ollama", { mirrors: { charts: undefined } }, ["helm.otwld.com"]],
    ["the image of Ollama", { mirrors: { images: undefined } }, ["docker.io"]],
    [
      "K3s",
      { ...cluster, mirrors: { ubuntu: "https://mirror.lab.example/ubuntu" } },
      ["github.com", "raw.githubusercontent.com"],
    ],
    ["Ubuntu's packages", { ...cluster, mirrors: { k3s: "https://mirror.lab.example/k3s" } }, ["archive.ubuntu.com"]],
    [
      "the device plugin",
      { mirrors: { images: { "docker.io": { endpoint: "https://registry.lab.example" } } }, kubernetes: { devicePlugin: {} } },
      ["nvcr.io"],
    ],
    [
      "the certificate authority",
      { kubernetes: { certManager: { email: "a@lab.example", dns01: { webhook: {} } } } },
      ["acme-v02.api.letsencrypt.org"],
    ],
  ])("%s without a mirror is an error that names its host", (_, changes, hosts) => {
    expect(without(changes).map(({ message }) => /comes from (\S+)$/.exec(message)?.[1])).toEqual(hosts);
  });

  test("a host that is declared reachable needs no mirror", () => {
    expect(of({ mirrors: { charts: undefined }, reachable: ["helm.otwld.com"] })).toEqual([]);
  });

  test("a chart from a file needs neither", () => {
    expect(of({ mirrors: { charts: undefined }, ollama: { chart: { file: "./ollama-1.77.0.tgz" } } })).toEqual([]);
  });

  test("models of a container are an error, because no mirror has models", () => {
    const container = { containers: { c: { vmId: 201, address: "192.0.2.21", models: ["llama3:8b"] } } };
    const lab = labWith(
      {
        ...container,
        defaults: {
          container: { node: "pve1", template: "local:vztmpl/u.tar.zst", ollama: { sha256: "0".repeat(64) } },
          server: { node: "pve1" },
        },
        mirrors: { ...cluster.mirrors, ollama: "https://mirror.lab.example/ollama" },
        reachable: ["archive.ubuntu.com"],
      },
      labWith(cluster, airGappedLab),
    );
    expect(problemsOf(lab).map(({ code, remedy }) => [code, remedy])).toEqual([
      ["not-mirrored", expect.stringContaining("No mirror has models")],
    ]);
  });

  test("what two containers fetch is one problem", () => {
    const lab = labWith({ airGapped: true, mirrors: { ollama: "https://mirror.lab.example/ollama" } }, baseLab);
    const both = labWith({ containers: { "ollama-2": { vmId: 202, address: "192.0.2.22" } } }, lab);
    expect(problemsOf(both).map(({ code, message }) => [code, /comes from (\S+)$/.exec(message)?.[1]])).toEqual([
      ["not-mirrored", "archive.ubuntu.com"],
    ]);
  });

  test("a mirror over plain http is refused, because anyone on the way can change what it gives", () => {
    expect(of({ mirrors: { k3s: "http://mirror.lab.example/k3s" } })).toMatchObject([{ code: "not-https", path: "mirrors.k3s" }]);
  });
});

describe("the door of a container", () => {
  const https = { tokenFile: "t", host: "ollama.lab.example" };
  const sealed = (changes: Changes = {}, door: object = {}) =>
    of(
      {
        airGapped: true,
        reachable: ["archive.ubuntu.com"],
        ...changes,
        containers: { "ollama-1": { https: { ...https, ...door } } },
      },
      labWith({ mirrors: { ollama: "https://mirror.lab.example/ollama" } }, baseLab),
    ).map(({ path, message }) => `${path}: ${message}`);

  test("needs a mirror of Caddy", () => {
    expect(sealed()).toEqual([
      "containers.ollama-1.https: airGapped is true, but the file archive of Caddy 2.11.2 comes from github.com",
    ]);
  });
  test("takes Caddy from a mirror", () => {
    expect(sealed({ mirrors: { caddy: "https://mirror.lab.example/caddy" } })).toEqual([]);
  });
  test("reaches its certificate authority, or is refused", () => {
    const certificate = { type: "acme", email: "operator@lab.example", server: "https://ca.lab.example/acme" };
    const mirrors = { caddy: "https://mirror.lab.example/caddy" };
    expect(sealed({ mirrors }, { certificate })).toEqual([
      expect.stringContaining("certificate authority comes from ca.lab.example"),
    ]);
    expect(sealed({ mirrors, reachable: ["archive.ubuntu.com", "ca.lab.example"] }, { certificate })).toEqual([]);
  });
});
