import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { type Call, Sandbox, type ScriptResult } from "../../../testing/sandbox";

export const VERSION = "v1.30.5+k3s1";
const TAG = "v1.30.5%2Bk3s1";
export const RELEASE = `https://github.com/k3s-io/k3s/releases/download/${TAG}`;
export const INSTALL_URL = `https://raw.githubusercontent.com/k3s-io/k3s/${TAG}/install.sh`;
export const SERVER_TOKEN = "5".repeat(64);
export const AGENT_TOKEN = "a".repeat(64);

/** The binary that the fake release holds: it calls a fake command, so that its calls are recorded like any other. */
export const BINARY = '#!/bin/sh\nexec k3s-binary "$@"\n';
const INSTALL_SCRIPT = 'env >"$SANDBOX/.fake/install-env"\nk3s-install "$INSTALL_K3S_EXEC" "$INSTALL_K3S_SKIP_DOWNLOAD"\n';

/** The driver that is loaded and installed. */
const DRIVER = "580.95.05";

/** Fakes that leave half of their work when the power is cut; they call cut_power themselves. */
const HALF_DONE = ["apt-get", "curl"];

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The bootstrap scripts are for Ubuntu: they use flock and GNU's stat. Elsewhere their tests are skipped in sight. */
export const describeOnLinux = (name: string, tests: () => void): void =>
  process.platform === "linux" ? describe(name, tests) : describe.skip(`${name} (skipped: runs on Linux only)`, tests);

/** A machine that was just booted for the first time: K3s' files are published, nothing is installed, all would go well. */
export class BootstrapNode extends Sandbox {
  private readonly parameters: Record<string, string>;

  public constructor(
    private readonly role: "server" | "worker",
    parameters: Record<string, string> = {},
  ) {
    super(["flock"]);
    this.parameters = {
      K3S_VERSION: VERSION,
      POLL_SECONDS: "0.02",
      APT_RETRY_SECONDS: "0.01",
      SERVICE_WAIT_SECONDS: "0",
      WAIT_FOR_SERVER_SECONDS: "0",
      ...(role === "worker" ? { JOIN_SERVER_URL: "https://192.0.2.31:6443" } : {}),
      ...parameters,
    };
    this.write("etc/rancher/k3s/config.yaml", "token-file: /etc/rancher/k3s/token\n");
    this.write("etc/rancher/k3s/token", role === "server" ? SERVER_TOKEN : AGENT_TOKEN);
    if (role === "server") {
      this.write("etc/rancher/k3s/agent-token", AGENT_TOKEN);
    }
    this.write(".fake/join-server-answers", "401");
    this.graphicsCard("2684");
    this.write(
      "proc/driver/nvidia/version",
      `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  ${DRIVER}  Release Build\n`,
    );
    this.write("sys/module/nvidia/version", `${DRIVER}\n`);
    this.publish(`${RELEASE}/k3s`, BINARY);
    this.publish(`${RELEASE}/sha256sum-amd64.txt`, `${sha256("x")}  k3s-airgap-images-amd64.tar\n${sha256(BINARY)}  k3s\n`);
    this.publish(INSTALL_URL, INSTALL_SCRIPT);
    this.publish("https://nvidia.github.io/libnvidia-container/gpgkey", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n");
    this.fakeCommands();
  }

  /** Puts an NVIDIA card into a slot, in place of the former; the device id of a card such as "2684", an RTX 4090. */
  public graphicsCard(id: string, slot = 1): void {
    const device = `sys/bus/pci/devices/0000:0${slot}:00.0`;
    this.write(`${device}/vendor`, "0x10de\n");
    this.write(`${device}/class`, "0x030000\n");
    this.write(`${device}/device`, `0x${id}\n`);
  }

  /**
   * Ends everything at the next call that matches, as a power cut would: no trap runs. A download has written half of its file by then, and an
   * installation is half done.
   */
  public cutPowerAt(call: string): void {
    this.write(".fake/power-cut-at", call);
  }

  /** A fake command, at whose call the power may be cut. */
  public override fake(name: string, body = ":"): void {
    super.fake(
      name,
      `power_cut=
       if [[ -e $SANDBOX/.fake/power-cut-at && "${name} $*" =~ $(<"$SANDBOX/.fake/power-cut-at") ]]; then power_cut=true; fi
       cut_power() { [[ -z $power_cut ]] || { rm "$SANDBOX/.fake/power-cut-at"; kill -KILL 0; }; }
       ${HALF_DONE.includes(name) ? "" : "cut_power"}
       ${body}`,
    );
  }

  /** Makes a URL downloadable. */
  public publish(url: string, content: string): void {
    this.write(`.fake/web/${url.replaceAll("/", "_")}`, content);
  }

  public withoutFile(file: string): void {
    fs.rmSync(path.join(this.root, file));
  }

  public renameFile(from: string, to: string): void {
    fs.renameSync(path.join(this.root, from), path.join(this.root, to));
  }

  /** Changes parameters of the env file for the next run. */
  public set(parameters: Record<string, string>): void {
    Object.assign(this.parameters, parameters);
  }

  public bootstrap(): Promise<ScriptResult> {
    this.write(
      "etc/k3s-bootstrap/bootstrap.env",
      Object.entries(this.parameters)
        .map(([key, value]) => `${key}='${value}'\n`)
        .join(""),
    );
    return this.runScript();
  }

  /** Runs the script with the env file as it is. */
  public runScript(): Promise<ScriptResult> {
    return this.run(path.join(__dirname, `../../../templates/k3s/bootstrap-${this.role}.sh`), { env: { ROOT: this.root } });
  }

  public get log(): string {
    return this.read(`var/log/bootstrap-${this.role}.log`);
  }

  /** The lines of the log, without their times. */
  public get said(): string[] {
    return this.log
      .trim()
      .split("\n")
      .map((line) => line.replace(/^\S+Z /, ""));
  }

  /** The key=value lines of a marker; undefined when it does not exist. */
  public marker(name: "ready" | "failed" | "waiting-for-token"): Record<string, string> | undefined {
    const file = `var/lib/k3s-bootstrap/${name}`;
    return this.exists(file)
      ? Object.fromEntries(
          this.read(file)
            .trim()
            .split("\n")
            .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
        )
      : undefined;
  }

  private fakeCommands(): void {
    const installed = '"$SANDBOX/.fake/installed"';
    this.fake(
      "apt-get",
      `if [[ -n $power_cut ]]; then : >"$SANDBOX/.fake/dpkg-interrupted"; cut_power; fi
       if [[ $* == *" install "* && -e $SANDBOX/.fake/dpkg-interrupted ]]; then
         echo "E: dpkg was interrupted, you must manually run 'sudo dpkg --configure -a' to correct the problem."; exit 100
       fi
       for word in "$@"; do last=$word; [[ $word != install ]] || installing=1; [[ -z \${installing:-} ]] || echo "\${word%%=*} \${word#*=}" >>${installed}; done`,
    );
    this.fake("dpkg", '[[ $* != *"--configure -a"* ]] || rm -f "$SANDBOX/.fake/dpkg-interrupted"');
    this.fake(
      "modinfo",
      `case $* in "-F license nvidia") echo 'Dual MIT/GPL' ;; "-F version nvidia") echo ${DRIVER} ;; *) exit 1 ;; esac`,
    );
    this.fake(
      "dpkg-query",
      `case $3 in
         '\${db:Status-Status} \${Package}\\n') echo "installed linux-image-virtual"; exit ;;
         '\${db:Status-Status} \${Version}') ;;
         *) echo "dpkg-query: error: bad format $3" >&2; exit 2 ;;
       esac
       : >>${installed}
       while read -r name version; do
         [[ $name != "\${!#}" ]] || { echo "installed $version"; exit 0; }
       done <${installed}
       exit 1`,
    );
    this.fake(
      "curl",
      `while (($#)); do case $1 in --output) output=$2; shift 2;; --*-time | --*-timeout | --retry | --retry-delay) shift 2;; --write-out) told=$2; shift 2;; --*) shift;; *) url=$1; shift;; esac; done
       if [[ $url == */readyz ]]; then
         cut_power
         [[ -e $SANDBOX/.fake/join-server-answers ]] && echo "\${told/'%{http_code}'/$(<"$SANDBOX/.fake/join-server-answers")}" && exit
         echo 000; exit 7
       fi
       [[ -e $SANDBOX/.fake/web/\${url//\\//_} ]] || exit 22
       if [[ -n $power_cut ]]; then printf half >"$output"; cut_power; fi
       IFS= read -r -d '' content <"$SANDBOX/.fake/web/\${url//\\//_}"; printf %s "$content" >"$output"`,
    );
    this.fake(
      "systemctl",
      `agent=$SANDBOX/var/lib/rancher/k3s/agent
       case $1 in
         restart) : >"$SANDBOX/.fake/active"; mkdir -p "$agent/etc/containerd"; : >"$agent/kubelet.kubeconfig"
           echo certificate >"$agent/client-kubelet.crt"; echo key >"$agent/client-kubelet.key"
           echo 'BinaryName = "/usr/bin/nvidia-container-runtime"' >"$agent/etc/containerd/config.toml" ;;
         is-active) [[ -e $SANDBOX/.fake/active ]] ;;
       esac`,
    );
    this.fake("uname", "echo 6.8.0-60-generic");
    this.fake("hostname", "echo Node-1");
    this.fake("nvidia-smi", '[[ $* != --list-gpus ]] || echo "GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-0)"');
    for (const silent of [
      "update-initramfs",
      "modprobe",
      "nvidia-container-runtime",
      "journalctl",
      "dmesg",
      "dkms",
      "k3s-binary",
      "k3s-install",
      "sync",
    ]) {
      this.fake(silent);
    }
  }
}

/** A node after one run, and what the run did. */
export interface Finished extends ScriptResult {
  readonly node: BootstrapNode;
}

/** Runs the bootstrap once, when first asked, for all tests of the file or `describe` that only look at what it did. */
export function oneRunOf(make: () => BootstrapNode): () => Promise<Finished> {
  let finished: Promise<Finished> | undefined;
  afterAll(async () => (await finished)?.node.remove());
  return () => {
    finished ??= (async () => {
      const node = make();
      return { node, ...(await node.bootstrap()) };
    })();
    return finished;
  };
}

/** "command argument argument" of each call. */
export const lines = (calls: readonly Call[]): string[] => calls.map((call) => [call.command, ...call.argv].join(" "));

/** The position of the first call that matches; an error when there is none, so that no order is proved by absence. */
export function position(calls: readonly Call[], pattern: RegExp): number {
  const index = lines(calls).findIndex((line) => pattern.test(line));
  if (index < 0) {
    throw new Error(`no call matches ${pattern}; there were:\n${lines(calls).join("\n")}`);
  }
  return index;
}
