// Every block of shell on every page runs, against stand-ins for the tools that it calls. What a stand-in accepts is written below as the tool's
// own usage: a program, a command or an option that is not there fails the test of its page. So does a new block, until its commands are.
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { run as runProgram } from "../../cli";
import { scripts } from "../../package.json";
import { type Call, Sandbox } from "../../testing/sandbox";

const ROOT = join(__dirname, "../..");
const PAGES = ["README.md", ...readdirSync(join(ROOT, "docs")).filter((file) => file.endsWith(".md"))].map((file, index) =>
  index === 0 ? file : `docs/${file}`,
);

/**
 * The usage of each tool: words as they are, ARGUMENTS in capitals (`[ARGUMENT]` may be absent, `ARGUMENT...` is one or more), options in any
 * order (`--option=` takes a value), and `...` for a rest that is another program's.
 */
const USAGE = `
  ansible-playbook PLAYBOOK -i= --tags= -e= --limit=
  apt update
  apt full-upgrade
  apt install PACKAGE...
  apt-get update
  apt-get install PACKAGE... --yes --only-upgrade
  apt-get purge PACKAGE... --yes
  curl URL -o= -d= -H= -N --cacert=
  helm history RELEASE -n=
  hostname
  htpasswd FILE USER -B
  install FILE TARGET -m= -o= -g=
  install TARGET -d -m= -o= -g=
  k3s etcd-snapshot save --name=
  k3s server --cluster-reset --cluster-reset-restore-path=
  kubectl apply -f=
  kubectl create secret generic NAME -n= --from-literal= --from-file= --dry-run= -o=
  kubectl delete TYPE NAME
  kubectl describe TYPE [NAME] -n= -l=
  kubectl drain NODE --ignore-daemonsets --delete-emptydir-data
  kubectl exec WORKLOAD -n= -c= -- ...
  kubectl get TYPE [NAME] -n= -o= -l= --sort-by=
  kubectl label node NAME LABEL
  kubectl logs POD -n= --tail= -f --previous --all-containers
  kubectl port-forward WORKLOAD PORTS -n=
  kubectl taint node NAME TAINT
  kubectl uncordon NODE
  kubectl wait POD --for= --timeout=
  less FILE
  lspci -Dnn
  lspci -nnk -s=
  node TOOL --import=
  node -p=
  npm ci
  npm install [PACKAGE]...
  npm pack
  npm run SCRIPT
  npm test
  npx cdktf deploy STACK... --terraform-parallelism=
  npx cdktf diff [STACK]
  npx ollama-lab ...
  nvidia-smi
  ollama ps
  openssl rand BYTES -hex
  openssl s_client -connect= -servername=
  openssl x509 -noout -issuer -dates
  pct exec VMID -- ...
  pvesh create PATH --id= --map= --content= --filename= --url= --checksum-algorithm= --checksum=
  pvesm add dir STORAGE --path= --content=
  pvesm list STORAGE --content=
  pvesm set STORAGE --content=
  pvesm status
  pveum acl modify PATH --users= --roles= --propagate=
  pveum pool add POOL
  pveum pool modify POOL --vms=
  pveum role add ROLE --privs=
  pveum user add USER --comment=
  pveum user token add USER TOKEN --privsep=
  qm create VMID --name= --machine= --bios= --ostype= --cpu= --cores= --memory= --scsihw= --net0= --agent= --serial0= --vga=
  qm destroy VMID --purge
  qm guest exec VMID -- ...
  qm set VMID --efidisk0= --scsi0= --boot=
  qm template VMID
  qm unlock VMID
  reboot
  scp SOURCE TARGET
  ssh HOST -N -L=
  ssh HOST ...
  ssh-add
  sudo ...
  systemctl enable UNIT --now
  systemctl restart UNIT
  systemctl start UNIT
  systemctl stop UNIT
  tar MEMBER -C= -czf=
  tar -C= -xzf=
  terraform apply [PLAN] -chdir= -input= -replace= -refresh-only -auto-approve
  terraform import ADDRESS ID
  terraform init -chdir= -input= -reconfigure -backend-config=
  terraform plan -chdir= -input= -out=
  terraform state list -chdir= -state=
  terraform state pull -chdir=
  terraform state push FILE -chdir=
  terraform state rm ADDRESS... -chdir= -state=
  terraform untaint ADDRESS
  timedatectl
  update-initramfs -u -k=
  useradd USER --create-home --shell=
  visudo --check
  wget URL`;
const USAGES = USAGE.trim()
  .split("\n")
  .map((line) => line.trim().split(" "));

/** Whether a call is one that a line of usage allows. */
function allows([program = "", ...usage]: readonly string[], call: Call): boolean {
  if (program !== call.command) return false;
  const options = usage.filter((word) => word.startsWith("-") && word !== "--");
  const wanted = usage.filter((word) => !options.includes(word));
  const words: string[] = [];
  for (let at = 0; at < call.argv.length; at += 1) {
    const word = call.argv[at] ?? "";
    const next = wanted[words.length];
    if (next === "..." || (next === "--" && word === "--")) return fits(wanted.slice(0, words.length), words);
    if (word.startsWith("-") && word !== "-") {
      const [name = "", value] = word.split("=", 2);
      if (options.includes(`${name}=`)) at += value === undefined ? 1 : 0;
      else if (!options.includes(word)) return false;
    } else {
      words.push(word);
    }
  }
  return fits(wanted, words);
}

function fits(wanted: readonly string[], words: readonly string[]): boolean {
  const [first, ...rest] = wanted;
  if (first === undefined) return words.length === 0;
  const optional = first.startsWith("[");
  if (words.length === 0) return optional && fits(rest, words);
  if (first.endsWith("...")) return true;
  const taken = optional || /^[A-Z]/.test(first) ? true : first === words[0];
  return (taken && fits(rest, words.slice(1))) || (optional && fits(rest, words));
}

/** The blocks of shell on a page, without the prompts that say where they run. */
function blocksOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/^( *)```(?:sh|bash|shell|console)\n([\s\S]*?)^\1```/gm)].map(([, indent = "", block = ""]) =>
    block
      .split("\n")
      .map((line) => line.slice(line.startsWith(indent) ? indent.length : 0).replace(/^(?:host#|\$) /, ""))
      .join("\n"),
  );
}

/** What a fake does beside being recorded. */
const ANSWERS: Readonly<Record<string, string>> = {
  // What the remote side would run. A script on standard input is not run.
  ssh: '[[ $1 != -* ]] || exit 0; shift; case "$*" in "sh -s") cat >/dev/null ;; *) eval "$*" ;; esac',
  sudo: '"$@"',
  pct: '[[ $1 != exec ]] || "${@:4}"',
  qm: `[[ $1 != guest ]] || printf '{\\n   "out-data" : "ssh-ed25519 AAAAkey root@vm\\\\n"\\n}\\n'`,
  wget: 'echo ":" >"${1##*/}"',
  lspci: 'echo "0000:01:00.0 VGA compatible controller [0300]: NVIDIA Corporation AD102 [10de:2684]"',
  openssl: '[[ $1 != rand ]] || printf "%064x\\n" 7',
  hostname: "echo pve1",
  htpasswd: 'echo "alice:hash" >>"$2"',
  kubectl: '[[ "$*" != *"-f -"* ]] || cat',
  terraform: `case "$*" in *"state list"*) printf '%s\\n' data.a.b proxmox_virtual_environment_vm.k3s-2 ;; *"state pull"*) echo '{}' ;; esac`,
};

/** Files that the pages' commands find, besides those of the repository. */
const THERE: Readonly<Record<string, string>> = {
  "etc/rancher/k3s/config.yaml": "server: https://192.0.2.33:6443\n",
  "etc/k3s-bootstrap/bootstrap.env": "K3S_VERSION='v1.36.3+k3s1'\nNVIDIA_BRANCH='580'\n",
  "etc/pve/nodes/pve2/qemu-server/302.conf": "",
  "etc/modprobe.d/mlx4.conf": "",
  "etc/modules-load.d/modules.conf": "",
  "etc/sudoers.d/README": "",
  "etc/keepalived/README": "",
  "opt/ollama/releases/0.32.14/ollama": "",
  "var/lib/rancher/k3s/server/token": "token",
  "work/token": "token",
  "work/state/homelab/containers.tfstate": "{}",
  "work/cdktf.out/stacks/containers-pve1/addresses.txt": "proxmox_virtual_environment_vm.k3s-1\n",
  "work/cdktf.out/stacks/containers-pve2/addresses.txt": "proxmox_virtual_environment_vm.k3s-1\n",
  "work/cdktf.out/stacks/ollama/cdk.tf.json": "{}",
};

interface PageRun {
  readonly blocks: readonly string[];
  /** Each call that a tool got, with the number of its block. */
  readonly calls: readonly { readonly block: number; readonly call: Call }[];
  /** Blocks that ended with another code than 0, and what they said. */
  readonly failures: readonly string[];
  readonly sandbox: Sandbox;
}

const runs = new Map<string, Promise<PageRun>>();
afterAll(async () => {
  for (const made of runs.values()) (await made).sandbox.remove();
});

/** Runs the blocks of a page, each up to its first command that fails, all by one bash. */
function runOf(name: string, blocks: readonly string[] = blocksOf(name)): Promise<PageRun> {
  const started = runs.get(name) ?? runBlocks(blocks);
  runs.set(name, started);
  return started;
}

async function runBlocks(blocks: readonly string[]): Promise<PageRun> {
  const sandbox = new Sandbox(["xargs"]);
  for (const program of new Set(USAGES.map(([first = ""]) => first))) sandbox.fake(program, ANSWERS[program]);
  sandbox.fake("page-block");
  sandbox.fake("bootstrap-worker");
  for (const [file, content] of Object.entries(THERE)) sandbox.write(file, content);
  for (const folder of ["templates", "examples", "ansible"]) symlinkSync(join(ROOT, folder), join(sandbox.root, "work", folder));
  sandbox.write("usr/local/lib/k3s-bootstrap/bootstrap-worker.sh", "#!/bin/sh\nbootstrap-worker\n", 0o755);
  // With --help last the script reads all its arguments, and asks nobody.
  sandbox.write(
    "work/scripts/ollama-health.sh",
    `#!/bin/sh\nexec bash '${ROOT}/scripts/ollama-health.sh' "$@" --help >/dev/null\n`,
    0o755,
  );
  sandbox.write("work/scripts/terraform-stacks.sh", "#!/bin/sh\ncase $* in plan | apply) ;; *) exit 64 ;; esac\n", 0o755);
  const script = blocks.map((block, number) => {
    // The machine's own folders are the sandbox's.
    const text = block.replaceAll(/(?<![\w.}/])\/(?=(?:etc|var|opt|root|mnt|usr|home)\/)/g, `${sandbox.root}/`);
    for (const [, file = ""] of text.matchAll(
      /(?:>|\b(?:rm|mv|cp|ln|tee|touch|chmod|mkdir|sed -i)\b[^\n|;&<]*?) *(?<=[\s>])(\/[\w.][^\s"']*)/g,
    )) {
      if (!file.startsWith(sandbox.root) && file !== "/dev/null") throw new Error(`a block writes to ${file}:\n${block}`);
    }
    return `page-block ${number}\n( set -e; cd "$SANDBOX/work"\n${text}\n)\ncode=$?; ((code == 0)) || echo "block ${number}: $code" >&3\n`;
  });
  sandbox.write("page.sh", `exec 3>"$SANDBOX/failures"\n${script.join("")}exit 0\n`);
  const { code, stderr, calls } = await sandbox.run(join(sandbox.root, "page.sh"), { stdin: "a password\n" });
  let block = -1;
  const tools: { block: number; call: Call }[] = [];
  for (const call of calls) {
    if (call.command === "page-block") block = Number(call.argv[0]);
    else tools.push({ block, call: { ...call, argv: call.argv.map((word) => word.replaceAll(sandbox.root, "")) } });
  }
  const failures = [...(code === 0 ? [] : [`bash ends with ${code}`]), ...sandbox.read("failures").split("\n").filter(Boolean)];
  return {
    blocks,
    calls: tools,
    failures: failures.length > 0 ? [...failures, stderr.replaceAll(sandbox.root, "")] : [],
    sandbox,
  };
}

const line = ({ command, argv }: Call): string => [command, ...argv].join(" ");

/** The calls that no usage allows. */
const refused = (page: PageRun): string[] =>
  page.calls
    .map(({ call }) => call)
    .filter((call) => call.command !== "bootstrap-worker" && !USAGES.some((usage) => allows(usage, call)))
    .map(line);

const withBlocks = PAGES.filter((page) => blocksOf(page).length > 0);

describe.each(withBlocks)("%s", (page) => {
  test("has blocks whose commands all run to their end", async () => {
    expect((await runOf(page)).failures).toEqual([]);
  });

  test("calls tools by commands and options that they have", async () => {
    expect(refused(await runOf(page))).toEqual([]);
  });

  test("runs npm scripts that are there", async () => {
    const named = (await runOf(page)).calls
      .filter(({ call }) => call.command === "npm" && call.argv[0] === "run")
      .map(({ call }) => call.argv[1] ?? "");
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  test("calls the program by commands and options that it has, with no more than one argument", async () => {
    const wrong: string[] = [];
    for (const { call } of (await runOf(page)).calls) {
      if (call.command !== "npx" || call.argv[0] !== "ollama-lab") continue;
      const [command = "", ...rest] = call.argv.slice(1);
      const { exitCode, stdout } = await runProgram([command, "--help"], {});
      const help = (word: string) => new RegExp(`^ +(?:-\\w, )?${word}\\b(?: <)?`, "m").exec(stdout)?.[0];
      const unknown = rest.filter((word) => word.startsWith("-") && help(word) === undefined);
      const plain = rest.filter(
        (word, at) => !word.startsWith("-") && !(rest[at - 1]?.startsWith("-") && help(rest[at - 1] ?? "")?.endsWith("<")),
      );
      if (exitCode !== 0 || unknown.length > 0 || plain.length > 1) wrong.push(line(call));
    }
    expect(wrong).toEqual([]);
  });
});

test("what the pages let the program say of the lab that it ships, it says", async () => {
  const pages = await Promise.all(withBlocks.map((page) => runOf(page)));
  const offline = pages
    .flatMap(({ calls }) => calls.map(({ call }) => call))
    .filter(
      ({ command, argv }) => command === "npx" && (argv[1] === "rights" || (argv[1] === "diagram" && !argv.includes("--output"))),
    );
  const answers = await Promise.all(offline.map(({ argv }) => runProgram(argv.slice(1), { LAB: "examples/default.yaml" })));
  expect(answers.map(({ exitCode }) => exitCode)).toEqual(offline.map(() => 0));
  expect(new Set(offline.map(({ argv }) => argv[1]))).toEqual(new Set(["rights", "diagram"]));
});

test("every page with a block of code in a shell's language is among them", () => {
  const all = PAGES.filter((page) =>
    /^ *(?:```|~~~)(?:sh|bash|shell|console|zsh)\b/m.test(readFileSync(join(ROOT, page), "utf8")),
  );
  expect(withBlocks).toEqual(all);
});

describe("a block", () => {
  test.each([
    ["a program that no stand-in knows", "frobnicate --all", "failures"],
    ["a command that fails", "false", "failures"],
    ["a syntax that bash does not read", 'echo "', "failures"],
    ["an option that a tool lacks", "qm create 9000 --cpus 2", "refused"],
    ["a command that a tool lacks", "qm make 9000", "refused"],
    ["an argument too few", "qm unlock", "refused"],
    ["an option of a remote command that the tool lacks", "ssh root@pve1.lab.example systemctl enable --later unit", "refused"],
  ])("with %s is found", async (what, block, where) => {
    const run = await runOf(`a block with ${what}`, [block]);
    expect(where === "failures" ? run.failures : refused(run)).not.toEqual([]);
  });

  test.each(["echo x > /srv/file", "rm -rf /srv/file", "true && sed -i s/a/b/ /srv/file"])(
    "that would write to the machine itself is not run: %s",
    async (block) => {
      await expect(runBlocks([block])).rejects.toThrow("writes to /srv/file");
    },
  );
});

describe("on docs/bare-metal.md", () => {
  const page = "docs/bare-metal.md";

  test("the host's own driver for the card is kept out of its kernel", async () => {
    const { sandbox } = await runOf(page);
    expect(sandbox.read("etc/modprobe.d/no-nouveau.conf")).toBe("blacklist nouveau\noptions nouveau modeset=0\n");
  });

  test("the unit that the host gets is one that the repository has", async () => {
    const sources = (await runOf(page)).calls.filter(({ call }) => call.command === "scp").map(({ call }) => call.argv[0]);
    expect(sources).toContain("templates/proxmox/nvidia-device-nodes.service");
  });
});

describe("on docs/cluster.md", () => {
  const page = "docs/cluster.md";
  const called = async (program: string): Promise<string[]> =>
    (await runOf(page)).calls.filter(({ call }) => call.command === program).map(({ call }) => line(call));

  test("vfio takes the card and its sound device before any driver of them", async () => {
    const { sandbox } = await runOf(page);
    expect(sandbox.read("etc/modprobe.d/vfio.conf").split("\n")).toEqual([
      "options vfio-pci ids=10de:2684,10de:22ba",
      "softdep nouveau pre: vfio-pci",
      "softdep nvidiafb pre: vfio-pci",
      "softdep snd_hda_intel pre: vfio-pci",
      "",
    ]);
    expect(sandbox.read("etc/modules-load.d/vfio.conf")).toBe("vfio-pci\n");
  });

  test("sudo lets the user write snippets of K3s, and nothing else", async () => {
    const { sandbox } = await runOf(page);
    const rule = sandbox.read("etc/sudoers.d/terraform").replaceAll(sandbox.root, "");
    expect(rule.match(/NOPASSWD: .*/g)).toEqual([
      "NOPASSWD: /usr/sbin/pvesm",
      "NOPASSWD: /usr/bin/tee ^/var/lib/vz/snippets/k3s-[0-9]+-(user|meta)-data\\.yaml$",
    ]);
  });

  test("a template is made, gets its disks and its boot order, and becomes one last", async () => {
    const steps = (await called("qm"))
      .filter((call) => call.includes(" 9000"))
      .map((call) => call.split(" ").slice(0, 4).join(" "));
    expect(steps).toEqual([
      "qm create 9000 --name",
      "qm set 9000 --efidisk0",
      "qm set 9000 --scsi0",
      "qm set 9000 --boot",
      "qm template 9000",
    ]);
  });

  test("the Pod that proves a GPU asks for one, and tolerates the taint of its node", async () => {
    const block = blocksOf(page).find((text) => text.includes("kind: Pod")) ?? "";
    const [manifest = ""] = /(?<=<<'END'\n)[\s\S]*?(?=^END$)/m.exec(block) ?? [];
    expect(parse(manifest)).toMatchObject({
      spec: {
        tolerations: [{ key: "nvidia.com/gpu", effect: "NoSchedule" }],
        containers: [{ resources: { limits: { "nvidia.com/gpu": 1 } } }],
      },
    });
    expect(parseAllDocuments(manifest)).toHaveLength(1);
  });
});

test("on docs/containers.md an earlier release of Ollama becomes the current one", async () => {
  const { sandbox, calls } = await runOf("docs/containers.md");
  expect(sandbox.exists("opt/ollama/current/ollama")).toBe(true);
  expect(calls.map(({ call }) => line(call))).toContain("systemctl restart ollama");
});

test("on docs/scale.md each stack's state loses what another stack has, and the former state is kept", async () => {
  const { sandbox, calls } = await runOf("docs/scale.md");
  const steps = calls.map(({ call }) => line(call));
  for (const stack of ["containers-pve1", "containers-pve2"]) {
    const removed = `terraform -chdir=state-split state rm -state=${stack}.tfstate proxmox_virtual_environment_vm.k3s-2`;
    expect(steps.indexOf(removed)).toBeGreaterThan(-1);
    expect(steps.indexOf(removed)).toBeLessThan(
      steps.findIndex((step) => step.startsWith(`terraform -chdir=cdktf.out/stacks/${stack} state push`)),
    );
  }
  expect(sandbox.exists("work/state-split/former.tfstate")).toBe(true);
});
