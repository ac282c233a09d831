import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { RegistryModel } from "../ollama/ollama-world";
import { killLeftovers, LONGEST, type Refused, run, TOO_LONG } from "../ollama/run";
import { Share, verifyScript } from "./share";

let share: Share;
let llama: RegistryModel;
let gptOss: RegistryModel;
/** Releases that a test damaged on purpose: left out of the check that follows every test. */
let damagedOnPurpose: string[];

beforeEach(() => {
  share = new Share();
  damagedOnPurpose = [];
  llama = share.world.register("llama3:8b", "llama weights", "shared licence");
  gptOss = share.world.register("gpt-oss:120b", "gpt-oss weights", "shared licence");
});

afterEach(() => {
  killLeftovers();
  const faults = share.faults;
  for (const id of damagedOnPurpose) delete faults[id];
  share.remove();
  // Whatever a run met with, nothing half-published is visible.
  expect(faults).toEqual({});
});

describe("a run", () => {
  test("publishes every listed model, verified, and gives the lock back", async () => {
    const finished = await share.stage("r1", "llama3:8b\ngpt-oss:120b\n");
    expect(finished.code).toBe(0);
    expect(finished.stderr).not.toContain("warning");
    expect(share.releases).toEqual(["r1"]);
    expect(share.blobs("r1")).toEqual([...new Set([...llama.blobs, ...gptOss.blobs])].sort());
    expect(share.locked).toBe(false);
    expect(readdirSync(join(share.root, ".staging", "work"))).toEqual([]);
  });

  test("tells each step, and the attempts of a pull", async () => {
    share.world.hook("on-pull", 'rm "$stub/on-pull"; echo "Error: connection reset by peer" >&2; exit 1');
    const { stdout } = await share.stage("r1", "llama3:8b gpt-oss:120b");
    expect(stdout.trim().split("\n")).toEqual([
      "llama3:8b: pulling",
      "llama3:8b: the pull failed, attempt 2 of 2 follows in 0.02 s",
      "gpt-oss:120b: pulling",
      "Verifying every blob",
      `Published ${share.root}/releases/r1`,
    ]);
  });

  test("leaves nothing in the folder for temporary files, whatever its end", async () => {
    const folder = join(share.world.folder, "temporary");
    mkdirSync(folder);
    for (const models of ["llama3:8b", "absent:1b"]) await share.stage(models.slice(0, 5), models, { TMPDIR: folder });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a second run pulls nothing and changes no byte", async () => {
    await share.stage("r1", "llama3:8b gpt-oss:120b");
    const before = share.snapshot;
    const calls = share.world.calls.length;
    expect((await share.stage("r1", "llama3:8b gpt-oss:120b")).code).toBe(0);
    expect(share.world.calls).toHaveLength(calls);
    expect(share.snapshot).toEqual(before);
  });

  test("its lock beats no more often than it is told to", async () => {
    share.world.hook("on-pull", `cp '${share.root}/.staging/lock/heartbeat' "$stub/beats"`);
    await share.stage("r1", "llama3:8b", { HEARTBEAT_SECONDS: "60", LOCK_STALE_SECONDS: "130" });
    expect(readFileSync(join(share.world.folder, "beats"), "utf8")).toBe("1\n");
  });

  test("TERM in the middle of a pull ends the run at once, with 143 and without a lock", async () => {
    share.world.hook("on-pull", ': >"$stub/pulling"; exec sleep 30');
    const running = share.start("r1", "llama3:8b");
    await share.until("pulling");
    running.signal("SIGTERM");
    expect((await running.done).code).toBe(143);
    expect(share.releases).toEqual([]);
    expect(share.locked).toBe(false);
  });
});

describe("what is published", () => {
  test("the record names the release, its models, its place in the order, the checksums of its manifests and the times of its blobs", async () => {
    await share.stage("r1", "llama3:8b gpt-oss:120b");
    expect(readFileSync(join(share.root, "releases/r1/release.txt"), "utf8")).toMatch(
      /^id=r1\nsequence=1\npublished=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\nmodels=gpt-oss:120b llama3:8b\n(manifest=[0-9a-f]{64} registry\.ollama\.ai\/library\/\S+\n){2}(blob=\d+ sha256-[0-9a-f]{64}\n){5}$/,
    );
  });

  test("every user can read it, and only the owner can write it", async () => {
    share.world.hook("after-pull", 'chmod 600 "$models"/blobs/*; chmod 770 "$models/blobs"');
    await share.stage("r1", "llama3:8b");
    expect(statSync(join(share.root, "releases/r1/models/blobs")).mode & 0o777).toBe(0o755);
    expect(statSync(share.blob("r1", llama.blobs[0] ?? "")).mode & 0o777).toBe(0o644);
  });

  test("it has no empty folder below its manifests, at which a server on a read-only share would end", async () => {
    share.world.hook("after-pull", 'mkdir -p "$models/manifests/registry.ollama.ai/library/left"');
    await share.stage("r1", "llama3:8b");
    expect(readdirSync(join(share.root, "releases/r1/models/manifests/registry.ollama.ai/library"))).toEqual(["llama3"]);
  });

  test("a name in upper case is staged as the server files it", async () => {
    expect((await share.stage("r1", "llama3:8b LLama3:8B GPT-OSS:120b")).code).toBe(0);
    expect(share.blobs("r1")).toEqual([...new Set([...llama.blobs, ...gptOss.blobs])].sort());
  });

  test("a model of another registry is staged under its own host", async () => {
    share.world.register("registry.lab.example:5000/team/tuned:v1", "tuned weights");
    expect((await share.stage("r1", "registry.lab.example:5000/team/tuned:v1")).code).toBe(0);
    expect(existsSync(join(share.root, "releases/r1/models/manifests/registry.lab.example:5000/team/tuned/v1"))).toBe(true);
  });
});

describe("a pull that fails", () => {
  test("stops with 3 at the first model that cannot be pulled, and publishes nothing", async () => {
    const finished = await share.stage("r1", "absent:1b llama3:8b");
    expect(finished.code).toBe(3);
    expect(finished.stderr).toContain("absent:1b could not be pulled in 2 attempts");
    expect(share.world.pulled).toEqual(["absent:1b", "absent:1b"]);
    expect(share.releases).toEqual([]);
  });

  test("is tried again, and the run succeeds when that works", async () => {
    share.world.hook("on-pull", 'rm "$stub/on-pull"; echo "Error: connection reset by peer" >&2; exit 1');
    expect((await share.stage("r1", "llama3:8b")).code).toBe(0);
    expect(share.world.pulled).toEqual(["llama3:8b", "llama3:8b"]);
  });

  test("loses its partial downloads before the last attempt, since torn ones fail for ever", async () => {
    share.world.hook(
      "on-pull",
      `part=$models/blobs/${llama.blobs[1]}-partial-0
       [ -e "$stub/first" ] || { : >"$stub/first"; printf '{"N":' >"$part"; }
       [ ! -e "$part" ] || { echo "Error: unexpected end of JSON input" >&2; exit 1; }`,
    );
    expect((await share.stage("r1", "llama3:8b", { PULL_ATTEMPTS: "3" })).code).toBe(0);
    expect(share.world.pulled).toHaveLength(3);
  });

  test("on a full disk exits 6 at once, shows the free space and publishes nothing", async () => {
    share.world.hook(
      "on-pull",
      `printf half >"$models/blobs/${llama.blobs[1]}-partial"; echo "Error: write: no space left on device" >&2; exit 1`,
    );
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(6);
    expect(share.world.pulled).toHaveLength(1);
    expect(finished.stderr).toMatch(/no space left on device/);
    expect(finished.stderr).toMatch(/Space: \S+ free of \S+ on /);
    expect(share.releases).toEqual([]);
  });

  test("on a disk whose server reports only later that it is full exits 6 and publishes nothing", async () => {
    share.world.command("sync", 'echo "sync: error syncing: No space left on device" >&2; exit 1');
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(6);
    expect(finished.stderr).toContain("the share did not take the data. Space: ");
    expect(share.releases).toEqual([]);
  });

  test("permissions that cannot be set exit 6 and publish nothing", async () => {
    share.world.command("chmod", "exit 1");
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(6);
    expect(finished.stderr).toContain("cannot be set");
    expect(share.releases).toEqual([]);
  });

  test("a record that cannot be written whole exits 6 and publishes nothing", async () => {
    share.world.before("stat", "case $* in *blob=*) exit 1 ;; esac");
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(6);
    expect(finished.stderr).toMatch(/release\.txt cannot be written\. Space:/);
    expect(share.releases).toEqual([]);
  });

  test("a rename that fails exits 6 and publishes nothing", async () => {
    share.world.before("mv", '[ "$1" != -T ] || { echo "mv: No space left on device" >&2; exit 1; }');
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(6);
    expect(finished.stderr).toContain("release r1 could not be published");
  });
});

describe("the server", () => {
  test("that never comes up ends the run with 2", async () => {
    share.world.hook("on-serve", "exec sleep 30");
    const finished = await share.stage("r1", "llama3:8b", { WAIT_SECONDS: "0" });
    expect(finished.code).toBe(2);
    expect(finished.stderr).toContain("ollama serve did not answer at 127.0.0.1:11434 within 0 s");
    expect(share.releases).toEqual([]);
  });

  test("that dies at once ends the run with 2 long before the wait is over", async () => {
    share.world.hook("on-serve", 'echo "Error: listen tcp 127.0.0.1:11434: address already in use" >&2; exit 1');
    const finished = await share.stage("r1", "llama3:8b", { WAIT_SECONDS: "6000" });
    expect(finished.code).toBe(2);
    expect(finished.stderr).toContain("address already in use");
    expect(finished.stderr).toContain("ollama serve ended before it answered");
  });

  test("that dies during a pull ends the run with 2", async () => {
    share.world.hook("on-pull", 'kill -9 "$pid"; sleep 0.1; echo "Error: EOF" >&2; exit 1');
    const finished = await share.stage("r1", "llama3:8b", { PULL_ATTEMPTS: "9" });
    expect(finished.code).toBe(2);
    expect(finished.stderr).toContain("ollama serve ended while llama3:8b was pulled");
    expect(share.world.pulled).toHaveLength(1);
  });

  test("does not prune what was linked before it started, and asks nothing of ollama.com", async () => {
    share.world.hook("on-serve", 'echo "$OLLAMA_NOPRUNE $OLLAMA_NO_CLOUD $OLLAMA_HOST" >"$stub/asked"');
    await share.stage("r1", "llama3:8b");
    expect(readFileSync(join(share.world.folder, "asked"), "utf8")).toBe("1 1 127.0.0.1:11434\n");
  });

  test("has stopped before its files are published", async () => {
    share.world.before("chmod", '[ ! -e "$OLLAMA_STUB/up" ] || : >"$OLLAMA_STUB/serves"');
    expect((await share.stage("r1", "llama3:8b")).code).toBe(0);
    expect(existsSync(join(share.world.folder, "serves"))).toBe(false);
  });

  test("of somebody else on the port ends the run with 2 before anything is pulled", async () => {
    share.world.serve(join(share.world.folder, "theirs"));
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(2);
    expect(finished.stderr).toContain("another server answers at 127.0.0.1:11434");
    expect(share.world.pulled).toEqual([]);
  });
});

describe("a download that is not what its name says", () => {
  const faults: [what: string, damage: string, message: string][] = [
    ["a truncated blob", 'truncate -s 3 "$models/blobs/NAME"', "NAME has 3 bytes; the manifest says 13"],
    ["a corrupt blob of the right size", 'printf "llama Weights" >"$models/blobs/NAME"', "NAME has the SHA-256 [0-9a-f]{64}"],
    ["a missing blob", 'rm "$models/blobs/NAME"', "NAME is missing"],
    ["a torn manifest", 'truncate -s 300 "$models/manifests/$path"', "MODEL/8b is not a complete manifest"],
    ["a missing manifest", 'rm "$models/manifests/$path"', "MODEL:8b is not there"],
  ];
  const modelOf = (what: string) => what.replaceAll(" ", "-");

  /** Two runs for a model of each fault: in the first one its downloads are damaged, `times` times, and in the second one nothing is. */
  const twoRuns = async (times: number) => {
    const weights = Object.fromEntries(
      faults.map(([what], i) => [what, share.world.register(`${modelOf(what)}:8b`, `weights no. ${i}`).blobs[1] ?? ""]),
    );
    const damages = faults.map(([what, damage]) => {
      const still = `[ "$(grep -cx "pull $model" "$stub/calls")" -gt ${times} ]`;
      return `case $model in ${modelOf(what)}:8b) ${still} || ${damage.replace("NAME", weights[what] ?? "")} ;; esac\n`;
    });
    share.world.hook("after-pull", damages.join(""));
    const models = faults.map(([what]) => `${modelOf(what)}:8b`).join(" ");
    const first = { ...(await share.stage("r1", models)), pulled: share.world.pulled, releases: share.releases };
    share.world.unhook("after-pull");
    const second = { ...(await share.stage("r1", models)), releases: share.releases };
    return { weights, first, second };
  };

  describe("and stays so", () => {
    let runs: Awaited<ReturnType<typeof twoRuns>>;
    beforeAll(async () => {
      share = new Share();
      runs = await twoRuns(9);
      share.remove();
    });

    test.each(faults)("because of %s is pulled anew once", (what) => {
      expect(runs.first.pulled.filter((model) => model === `${modelOf(what)}:8b`)).toHaveLength(2);
    });

    test.each(faults)("because of %s is named with its fault", (what, _, message) => {
      expect(runs.first.stderr).toMatch(
        new RegExp(message.replace("NAME", runs.weights[what] ?? "").replace("MODEL", modelOf(what))),
      );
    });

    test("ends the run with 4 and is not published", () => {
      expect(runs.first).toMatchObject({ code: 4, releases: [] });
    });

    test("does not poison the next run", () => {
      expect(runs.second).toMatchObject({ code: 0, releases: ["r1"] });
    });
  });

  test("because of any of these faults is repaired in the same run when the fault comes once", async () => {
    expect((await twoRuns(1)).first).toMatchObject({ code: 0, releases: ["r1"] });
  });
});

describe("after a run that was killed", () => {
  const killDuringSecondPull = async () => {
    share.world.hook(
      "on-pull",
      '[ "$model" != gpt-oss:120b ] || { printf half >"$models/blobs/sha256-00-partial"; : >"$stub/pulling"; exec sleep 30; }',
    );
    const running = share.start("r1", "llama3:8b gpt-oss:120b");
    await share.until("pulling");
    running.killAll();
    await running.done;
    share.world.unhook("on-pull");
  };

  test("nothing is visible, and its lock is left behind", async () => {
    await killDuringSecondPull();
    expect(share.releases).toEqual([]);
    expect(share.locked).toBe(true);
  });

  test("the next run takes the lock over, loads only what is missing and publishes", async () => {
    await killDuringSecondPull();
    const finished = await share.stage("r1", "llama3:8b gpt-oss:120b", { HEARTBEAT_SECONDS: "0.05", LOCK_STALE_SECONDS: "1" });
    expect(finished.code).toBe(0);
    expect(finished.stderr).toContain("took over the lock");
    expect(share.world.downloads.sort()).toEqual([...new Set([...llama.blobs, ...gptOss.blobs])].sort());
    expect(share.locked).toBe(false);
  });

  test("a run for another release uses its complete blobs and clears its work away", async () => {
    await killDuringSecondPull();
    expect((await share.stage("r2", "llama3:8b", { HEARTBEAT_SECONDS: "0.05", LOCK_STALE_SECONDS: "1" })).code).toBe(0);
    expect(share.world.downloads.sort()).toEqual([...llama.blobs].sort());
    expect(readdirSync(join(share.root, ".staging", "work"))).toEqual([]);
  });
});

describe("the lock", () => {
  test("of a living run is waited for: two releases staged at once are both published", async () => {
    const both = await Promise.all([share.stage("r1", "llama3:8b"), share.stage("r2", "gpt-oss:120b")]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(share.releases).toEqual(["r1", "r2"]);
  });

  test("of a living run that goes on for too long ends the second run with 5, which names the holder", async () => {
    share.world.hook("on-pull", ': >"$stub/pulling"; exec sleep 30');
    const first = share.start("r1", "llama3:8b", { POD_NAME: "staging-abc", HEARTBEAT_SECONDS: "0.05" });
    await share.until("pulling");
    share.world.before("sleep", 'printf "%s\\n" "$*" >>"$OLLAMA_STUB/pauses"');
    const second = await share.stage("r2", "llama3:8b", {
      POLL_SECONDS: "0.21",
      LOCK_WAIT_SECONDS: "4",
      LOCK_STALE_SECONDS: "2",
      HEARTBEAT_SECONDS: "0.05",
    });
    first.signal("SIGTERM");
    await first.done;
    expect(second.code).toBe(5);
    expect(second.stderr).toContain("holder=staging-abc");
    expect(readFileSync(join(share.world.folder, "pauses"), "utf8")).toContain("0.21\n");
    expect(share.world.pulled).toEqual(["llama3:8b"]);
  });

  test("that was taken over meanwhile keeps the first run from publishing", async () => {
    share.world.hook("after-pull", `printf 'token=other\\n' >'${share.root}/.staging/lock/owner'`);
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(5);
    expect(finished.stderr).toContain("another run took over");
    expect(share.releases).toEqual([]);
    expect(share.locked).toBe(true);
  });

  test.each([
    ["from renewing a release", "r1"],
    ["from removing a release", "r3"],
  ])("that was taken over meanwhile keeps a run %s", async (_, id) => {
    for (const release of ["r1", "r2", "r3"]) share.publish(release, "llama3:8b");
    const before = share.snapshot;
    share.world.before("sha256sum", `printf 'token=other\\n' >'${share.root}/.staging/lock/owner'`);
    const finished = await share.stage(id, "llama3:8b");
    expect(finished.code).toBe(5);
    expect(finished.stderr).toContain("another run took over");
    expect(share.snapshot).toEqual(before);
  });

  test("that cannot say whose it is ends the run with 6, and is given back", async () => {
    share.world.command(
      "mkdir",
      `"$(command -pv mkdir)" "$@" || exit; case $* in */lock) "$(command -pv mkdir)" "$1/owner" ;; esac`,
    );
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(6);
    expect(finished.stderr).toContain("lock/owner cannot be written. Space:");
    expect(share.locked).toBe(false);
  });

  test("that cannot be created ends the run with 6, and not with a run that has none", async () => {
    mkdirSync(join(share.root, ".staging"));
    symlinkSync("nowhere", join(share.root, ".staging/lock"));
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(6);
    expect(finished.stderr).toContain(".staging/lock cannot be created. Space:");
    expect(share.releases).toEqual([]);
  });
});

describe("blobs of earlier releases", () => {
  test("are shared by hard links, and only the rest is downloaded", async () => {
    share.publish("r1", "llama3:8b");
    await share.stage("r2", "llama3:8b gpt-oss:120b");
    const inode = (id: string) => statSync(share.blob(id, llama.blobs[1] ?? "")).ino;
    expect(inode("r2")).toBe(inode("r1"));
    expect(share.world.downloads).toHaveLength(gptOss.blobs.filter((name) => !llama.blobs.includes(name)).length);
  });

  test("that no manifest of the new release names are not in it", async () => {
    share.publish("r1", "llama3:8b", "gpt-oss:120b");
    await share.stage("r2", "llama3:8b");
    expect(share.blobs("r2")).toEqual([...llama.blobs].sort());
  });

  test("that are links are loaded anew, since what they lead to may change", async () => {
    share.publish("r1", "llama3:8b");
    const [blob, elsewhere] = [share.blob("r1", llama.blobs[1] ?? ""), join(share.world.folder, "elsewhere")];
    renameSync(blob, elsewhere);
    symlinkSync(elsewhere, blob);
    expect((await share.stage("r2", "llama3:8b")).code).toBe(0);
    expect(lstatSync(share.blob("r2", llama.blobs[1] ?? "")).isFile()).toBe(true);
  });

  test("that are damaged are loaded anew, the earlier release is named and left as it is", async () => {
    damagedOnPurpose = ["r1"];
    share.publish("r1", "llama3:8b");
    const name = llama.blobs[1] ?? "";
    writeFileSync(share.blob("r1", name), "llama w3ights");
    const finished = await share.stage("r2", "llama3:8b");
    expect(finished.code).toBe(0);
    expect(finished.stderr).toContain(`release r1 holds the same damaged ${name}`);
    expect(readFileSync(share.blob("r2", name), "utf8")).toBe("llama weights");
    expect(readFileSync(share.blob("r1", name), "utf8")).toBe("llama w3ights");
  });

  test("are taken from the youngest release, so a damaged copy is loaded anew only once", async () => {
    damagedOnPurpose = ["r1"];
    share.publish("r1", "llama3:8b");
    writeFileSync(share.blob("r1", llama.blobs[1] ?? ""), "llama w3ights");
    share.publish("r2", "llama3:8b");
    expect((await share.stage("r3", "llama3:8b", { KEEP: "9" })).code).toBe(0);
    expect(share.world.downloads).toEqual([]);
  });

  test("are downloaded again where hard links do not work", async () => {
    share.publish("r1", "llama3:8b");
    share.world.command("ln", "exit 1");
    const finished = await share.stage("r2", "llama3:8b");
    expect(finished.code).toBe(0);
    expect(finished.stderr).toContain("could not be hard-linked");
    expect(share.world.downloads).toHaveLength(llama.blobs.length);
  });
});

describe("a release that is already published", () => {
  test("but damaged ends the run with 4 and is left as it is", async () => {
    damagedOnPurpose = ["r1"];
    share.publish("r1", "llama3:8b");
    writeFileSync(share.blob("r1", llama.blobs[1] ?? ""), "llama w3ights");
    const before = share.snapshot;
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(4);
    expect(finished.stderr).toContain("stage its models anew under another id");
    expect(share.snapshot).toEqual(before);
  });

  test("but lacks a model that is asked for ends the run with 4", async () => {
    share.publish("r1", "llama3:8b");
    const finished = await share.stage("r1", "llama3:8b gpt-oss:120b");
    expect(finished.code).toBe(4);
    expect(finished.stderr).toContain("gpt-oss:120b is not there");
  });

  test("but with another manifest, whole as it is, ends the run with 4", async () => {
    damagedOnPurpose = ["r1"];
    share.publish("r1", "llama3:8b");
    const manifest = join(share.root, "releases/r1/models/manifests", llama.path);
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace(/,\{[^{}]*license[^{}]*\}/, ""));
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(4);
    expect(finished.stderr).toContain("is not the manifest that was published");
  });

  test("by hand, without a record, is refused with 7", async () => {
    damagedOnPurpose = ["r1"];
    mkdirSync(join(share.root, "releases/r1"), { recursive: true });
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(7);
    expect(finished.stderr).toContain("was not published by this script");
  });
});

describe("the clean-up", () => {
  /** The releases of earlier runs, and a run for the last of them. */
  const stageAll = async (ids: string[], env: Record<string, string> = {}) => {
    for (const id of ids.slice(0, -1)) share.publish(id, "llama3:8b");
    expect(await share.stage(ids.at(-1) ?? "", "llama3:8b", env)).toMatchObject({ code: 0 });
  };

  /** The releases of earlier runs, and a run that asks for the last of them again, which pulls nothing. */
  const renew = async (ids: string[], env: Record<string, string> = {}) => {
    for (const id of ids) share.publish(id, "llama3:8b");
    expect(await share.stage(ids.at(-1) ?? "", "llama3:8b", env)).toMatchObject({ code: 0 });
  };

  test("keeps the last two by default", async () => {
    await stageAll(["r1", "r2", "r3"]);
    expect(share.releases).toEqual(["r2", "r3"]);
    expect(readdirSync(join(share.root, ".staging", "removed"))).toEqual([]);
  });

  test("keeps as many as KEEP says", async () => {
    await renew(["r1", "r2", "r3", "r4"], { KEEP: "3" });
    expect(share.releases).toEqual(["r2", "r3", "r4"]);
  });

  test("spares the pinned release, besides the last ones", async () => {
    await renew(["r1", "r2", "r3", "r4"], { PINNED_RELEASE: "r1" });
    expect(share.releases).toEqual(["r1", "r3", "r4"]);
  });

  test("goes by the order of staging, not by name or time of the folder", async () => {
    for (const id of ["z", "y"]) share.publish(id, "llama3:8b");
    writeFileSync(join(share.root, "releases/z/touched"), "");
    await renew(["a"]);
    expect(share.releases).toEqual(["a", "y"]);
  });

  test("counts a release that is staged again as young", async () => {
    await stageAll(["r1", "r2", "r1"]);
    await stageAll(["r3"]);
    expect(share.releases).toEqual(["r1", "r3"]);
  });

  test("leaves blobs to the releases that share them", async () => {
    share.publish("r1", "llama3:8b");
    for (const id of ["r2", "r3"]) await stageAll([id]);
    expect(share.faults).toEqual({});
    expect(statSync(share.blob("r3", llama.blobs[1] ?? "")).nlink).toBe(2);
  });

  test("does not touch a folder that was not published here", async () => {
    damagedOnPurpose = ["by-hand"];
    mkdirSync(join(share.root, "releases/by-hand"), { recursive: true });
    await renew(["r1", "r2", "r3"]);
    expect(share.releases).toEqual(["by-hand", "r2", "r3"]);
  });

  test("names what is published, the youngest first, when the pinned release is not there", async () => {
    for (const id of ["r1", "r2"]) share.publish(id, "llama3:8b");
    const finished = await share.stage("r3", "llama3:8b", { PINNED_RELEASE: "r0" });
    expect(finished.code).toBe(64);
    expect(finished.stderr).toContain("Published: r2 r1");
  });

  test("does not happen when staging failed", async () => {
    for (const id of ["r1", "r2"]) share.publish(id, "llama3:8b");
    await share.stage("r3", "absent:1b");
    expect(share.releases).toEqual(["r1", "r2"]);
  });

  test("takes a release out of sight before it deletes, so a failing deletion leaves no half of it", async () => {
    for (const id of ["r1", "r2"]) share.publish(id, "llama3:8b");
    share.world.before("rm", 'for last; do :; done; case $last in */removed/r1) [ ! -e "$last" ] || exit 1 ;; esac');
    const finished = await share.stage("r3", "llama3:8b");
    expect(finished.code).toBe(0);
    expect(finished.stderr).toContain("release r1 could not be removed completely");
    expect(share.releases).toEqual(["r2", "r3"]);
  });
});

describe("the folder", () => {
  /** A run for a release that is there already, which pulls nothing. */
  const isAccepted = async (env: Record<string, string> = {}) => {
    share.publish("r1", "llama3:8b");
    expect((await share.stage("r1", "llama3:8b", env)).code).toBe(0);
  };

  test.each(["ext4", "xfs", "autofs", "overlay"])("that lies on %s is refused with 7, and stays empty", async (type) => {
    share.mountedAs(type);
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(7);
    expect(finished.stderr).toContain(`lies on a file system of type ${type}`);
    expect(readdirSync(share.root)).toEqual([]);
  });

  test("that is no mount point of its own takes the type of what it lies on", async () => {
    writeFileSync(share.mountTable, `overlay / overlay rw 0 0\n192.0.2.5:/export ${share.root}-other nfs4 rw 0 0\n`);
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(7);
    expect(finished.stderr).toContain("of type overlay (mounted at /)");
  });

  test("below a mounted share is accepted", async () => {
    writeFileSync(share.mountTable, `overlay / overlay rw 0 0\n192.0.2.5:/export ${share.world.folder} nfs rw 0 0\n`);
    await isAccepted();
  });

  test("that an automounter mounted counts as what was mounted last", async () => {
    writeFileSync(share.mountTable, `systemd-1 ${share.root} autofs rw 0 0\n192.0.2.5:/export ${share.root} nfs4 rw 0 0\n`);
    await isAccepted();
  });

  test("on another shared file system is accepted when MOUNT_CHECK names its type", async () => {
    share.mountedAs("ceph");
    await isAccepted({ MOUNT_CHECK: "ceph fuse.glusterfs" });
  });

  test("on any file system is accepted when MOUNT_CHECK is any", async () => {
    share.mountedAs("ext4");
    await isAccepted({ MOUNT_CHECK: "any" });
  });

  test("without the marker that is asked for is refused with 7", async () => {
    const finished = await share.stage("r1", "llama3:8b", { MOUNT_MARKER: ".this-is-the-share" });
    expect(finished.code).toBe(7);
    expect(finished.stderr).toContain("has no file .this-is-the-share");
  });

  test("that does not exist is refused with 7", async () => {
    expect((await share.stage("r1", "llama3:8b", { NFS_ROOT: `${share.root}/absent` })).code).toBe(7);
  });

  test.each(["releases", ".staging", ".staging/work", ".staging/removed", ".staging/work/r1"])(
    "with a link in place of %s is refused with 7, and nothing behind the link changes",
    async (link) => {
      const elsewhere = join(share.world.folder, "elsewhere");
      mkdirSync(elsewhere, { mode: 0o700 });
      mkdirSync(dirname(join(share.root, link)), { recursive: true });
      symlinkSync(elsewhere, join(share.root, link));
      const finished = await share.stage("r1", "llama3:8b");
      expect(finished.code).toBe(7);
      expect(finished.stderr).toContain(`${link} is a symbolic link (to ${elsewhere})`);
      expect([readdirSync(elsewhere), statSync(elsewhere).mode & 0o777]).toEqual([[], 0o700]);
    },
  );

  test("with links in the release in the making loses the links, not what they lead to", async () => {
    const elsewhere = join(share.world.folder, "elsewhere");
    mkdirSync(join(elsewhere, "manifests/kept"), { recursive: true, mode: 0o700 });
    mkdirSync(join(share.root, ".staging/work/r1"), { recursive: true });
    symlinkSync(elsewhere, join(share.root, ".staging/work/r1/models"));
    expect((await share.stage("r1", "llama3:8b")).code).toBe(0);
    expect(existsSync(join(elsewhere, "manifests/kept"))).toBe(true);
  });

  test("that cannot be written ends the run with 6", async () => {
    writeFileSync(join(share.root, ".staging"), "in the way");
    const finished = await share.stage("r1", "llama3:8b");
    expect(finished.code).toBe(6);
    expect(finished.stderr).toContain("cannot be written");
  });
});

test.each<Refused>([
  ["no release", { RELEASE_ID: "" }, "RELEASE_ID is ''"],
  ["a release that climbs out", { RELEASE_ID: "../r1" }, "RELEASE_ID is '../r1'"],
  ["no model", { MODELS: " \n " }, "MODELS is empty"],
  ["a reference with shell in it", { MODELS: "llama3:8b $(reboot)" }, "MODELS names '$(reboot)'"],
  ["a reference with shell in it after a line without one", { MODELS: "\n$(reboot)" }, "MODELS names '$(reboot)'"],
  ...TOO_LONG.map(([what, reference]): Refused => [what, { MODELS: `${LONGEST} ${reference}` }, `MODELS names '${reference}'`]),
  ["fewer than two kept releases", { KEEP: "1" }, "KEEP is 1; give 2 or more"],
  ["a word for a number", { KEEP: "all" }, "KEEP is 'all'; give a whole number"],
  ["a relative folder", { NFS_ROOT: "nfs/ollama" }, "NFS_ROOT is 'nfs/ollama'"],
  ["a pinned release that climbs out", { PINNED_RELEASE: "../r1" }, "PINNED_RELEASE is '../r1'"],
  ["a pinned release that is not there", { PINNED_RELEASE: "r0" }, "PINNED_RELEASE is r0, which is not published"],
  ["a heartbeat slower than the lock lives", { HEARTBEAT_SECONDS: "60", LOCK_STALE_SECONDS: "90" }, "LOCK_STALE_SECONDS is 90"],
  ["a pause that is no number", { RETRY_SECONDS: "10s" }, "RETRY_SECONDS is '10s'"],
])("exits 64 for %s", async (_, env, message) => {
  const finished = await share.stage("r1", "llama3:8b", env);
  expect(finished.code).toBe(64);
  expect(finished.stderr).toContain(message);
  expect(share.world.calls).toEqual([]);
});

test("a server that dies during a pull ends the run with 2, with the client of 0.13 too, which then exits 0", async () => {
  share.world.hook("on-pull", 'kill -9 "$pid"; sleep 0.1; echo "pulling manifest" >&2; exit 0');
  const finished = await share.stage("r1", "llama3:8b");
  expect(finished.code).toBe(2);
  expect(finished.stderr).toContain("ollama serve ended while llama3:8b was pulled");
});

describe("a blob of a published release that is changed and keeps its size", () => {
  const atStart = (id: string) =>
    run("sh", verifyScript, [], {
      PATH: process.env["PATH"] ?? "",
      MODELS_DIR: join(share.root, "releases", id, "models"),
      RECORD: join(share.root, "releases", id, "release.txt"),
      MODELS: "llama3:8b",
      VERIFY: "changed",
    });

  test("is found when the pod starts", async () => {
    await share.stage("r1", "llama3:8b");
    const weights = share.blob("r1", llama.blobs[1] ?? "");
    writeFileSync(weights, "llama w3ights");
    utimesSync(weights, 1, 1);
    damagedOnPurpose.push("r1");
    expect((await atStart("r1")).stdout).toBe(`damaged ${llama.blobs[1]}\nbroken llama3:8b\n`);
  });

  test("costs no reading where nothing was written, in a second release that shares the blobs either", async () => {
    await share.stage("r1", "llama3:8b");
    await share.stage("r2", "llama3:8b gpt-oss:120b");
    for (const id of ["r1", "r2"]) expect((await atStart(id)).stderr).toMatch(/^verify-models: .* all intact \(changed\)\n$/);
  });
});

describe("a partial download of an earlier run", () => {
  const part = (text: string) => {
    const blobs = join(share.root, ".staging/work/r1/models/blobs");
    mkdirSync(blobs, { recursive: true });
    writeFileSync(join(blobs, `${llama.blobs[1]}-partial`), "half");
    writeFileSync(join(blobs, `${llama.blobs[1]}-partial-0`), text);
  };

  test("is dropped when its notes are empty, so a single attempt is enough", async () => {
    part("");
    expect((await share.stage("r1", "llama3:8b", { PULL_ATTEMPTS: "1" })).code).toBe(0);
  });

  test("is kept when its notes are whole", async () => {
    part('{"N":0,"Offset":0,"Size":13,"Completed":4}');
    share.world.hook("on-pull", 'ls "$models/blobs" >"$stub/seen"');
    await share.stage("r1", "llama3:8b");
    expect(readFileSync(join(share.world.folder, "seen"), "utf8")).toContain(`${llama.blobs[1]}-partial-0`);
  });
});
