import { describeWithAnsible, type HostVariables, type PlaybookRun, Workbench } from "./playbook";

jest.setTimeout(600_000);

const NOTHING_TO_DO = "Reading state information...\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n";

describeWithAnsible("role system_update", () => {
  const bench = new Workbench();
  const asked = (host: string) => bench.read(host, "apt").trim().split("\n");
  const host = (name: string, apt: Parameters<Workbench["withApt"]>[1] = {}, variables: HostVariables = {}) => {
    const made = bench.host(name, 1, variables);
    bench.withApt(name, apt);
    return made;
  };
  /** A container where Ollama runs already. */
  const provisioned = (name: string, apt: Parameters<Workbench["withApt"]>[1] = {}) => {
    const made = host(name, apt);
    bench.hasOllama(name);
    return made;
  };
  let provision: PlaybookRun;
  let update: PlaybookRun;

  beforeAll(async () => {
    provision = await bench.run("provision.yml", "system", {
      new: host("new"),
      locked: host("locked", { locked: true }, { system_update_lock_timeout: 0, system_update_cache_valid_time: 0 }),
      older: provisioned("older"),
    });
    update = await bench.run("update.yml", "system", {
      outdated: provisioned("outdated"),
      current: provisioned("current", { answer: NOTHING_TO_DO }),
      empty: host("empty"),
    });
  });
  afterAll(() => bench.remove());

  test("brings all packages of a new container up to date, keeps edited configuration, and waits for another apt", () => {
    expect(provision.recap("new").failed).toBe(0);
    expect(asked("new")).toContainEqual(
      "apt-get -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 dist-upgrade --auto-remove",
    );
  });

  test("installs what other roles need, and nothing that is only recommended", () => {
    expect(asked("new").find((call) => call.includes(" install "))).toMatch(
      /DPkg::Lock::Timeout=300 +install ca-certificates curl zstd -o APT::Install-Recommends=no$/,
    );
  });

  test("takes a package list of an hour for fresh, and a newer one for no change", () => {
    const [refresh] = provision.calls("new", "apt");
    expect(refresh).toMatchObject({ changed: false, args: { cache_valid_time: 3600, lock_timeout: 300 } });
  });

  test("tries three times to refresh the package lists, ten seconds apart", () => {
    expect(provision.calls("new", "apt")[0]).toMatchObject({ retries: 3, delay: 10 });
  });

  test("refreshes the package lists again when another apt holds them", () => {
    expect(provision.recap("locked").failed).toBe(0);
    expect(asked("locked").slice(0, 3)).toEqual(["update", "update", expect.stringContaining("dist-upgrade")]);
  });

  test("leaves the packages of a container that has Ollama to update.yml", () => {
    expect(provision.recap("older").failed).toBe(0);
    expect(asked("older").filter((call) => call.includes("upgrade"))).toEqual([]);
  });

  test("restarts Ollama when packages were updated under it", () => {
    expect(update.recap("outdated").failed).toBe(0);
    expect(bench.read("outdated", "calls")).toMatch(/^restart ollama$/m);
  });

  test("leaves Ollama alone when there was nothing to update", () => {
    expect(update.recap("current").failed).toBe(0);
    expect(bench.read("current", "calls")).not.toMatch(/restart/);
  });

  test("restarts nothing where there is no Ollama", () => {
    expect(update.recap("empty").failed).toBe(0);
    expect(bench.read("empty", "calls")).not.toMatch(/restart/);
  });
});
