import {
  AGENT_TOKEN,
  BINARY,
  BootstrapNode,
  describeOnLinux,
  INSTALL_URL,
  lines,
  oneRunOf,
  position,
  RELEASE,
  SERVER_TOKEN,
  sha256,
  VERSION,
} from "./bootstrap-node";

let node: BootstrapNode;
const server = (parameters: Record<string, string> = {}): BootstrapNode => {
  node = new BootstrapNode("server", parameters);
  return node;
};
afterEach(() => node?.remove());

describeOnLinux("a server that goes well", () => {
  const run = oneRunOf(() => new BootstrapNode("server"));

  test("ends with code 0 and a ready marker that states the version", async () => {
    const { node, code } = await run();
    expect(code).toBe(0);
    expect(node.marker("ready")).toEqual({ role: "server", k3s_version: VERSION, k3s_sha256: sha256(BINARY), node: "node-1" });
    expect(node.marker("failed")).toBeUndefined();
  });

  test("has all that the marker stands for on the disk before it writes the marker", async () => {
    const { calls } = await run();
    expect(position(calls, /^sync$/)).toBeGreaterThan(position(calls, /^k3s-binary kubectl/));
  });

  test("tells each step in its log", async () => {
    const { node } = await run();
    expect(node.said).toEqual([
      "Installing qemu-guest-agent nfs-common curl ca-certificates (attempt 1 of 6)",
      `Downloading ${RELEASE}/sha256sum-amd64.txt`,
      `Downloading ${RELEASE}/k3s`,
      `Downloading ${INSTALL_URL}`,
      `Installing the unit of k3s server ${VERSION}`,
      "Waiting up to 0 s for answer of the Kubernetes API on this server",
      "Ready.",
    ]);
  });

  test("puts the verified binary in place, executable", async () => {
    const { node } = await run();
    expect(node.read("usr/local/bin/k3s")).toBe(BINARY);
    expect(node.mode("usr/local/bin/k3s")).toBe("755");
  });

  test("installs guest agent, NFS client, curl and certificates before it downloads", async () => {
    const { calls } = await run();
    const install = position(calls, /^apt-get .*install .*qemu-guest-agent nfs-common curl ca-certificates$/);
    expect(install).toBeLessThan(position(calls, /^curl/));
    expect(lines(calls)[install]).toContain("DPkg::Lock::Timeout=300");
  });

  test("downloads with the plus sign of the version encoded, the install script at the version's tag", async () => {
    const { calls } = await run();
    const urls = calls.filter((call) => call.command === "curl").map((call) => call.argv.at(-1));
    expect(urls).toEqual([`${RELEASE}/sha256sum-amd64.txt`, `${RELEASE}/k3s`, INSTALL_URL]);
  });

  test("lets K3s' script write the unit of a server and download nothing, then starts it", async () => {
    const { calls } = await run();
    expect(position(calls, /^k3s-install server true$/)).toBeLessThan(position(calls, /^systemctl restart --no-block k3s$/));
  });

  test("is ready only once the API of this server answers", async () => {
    server().fake("k3s-binary", "exit 1");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(10);
    expect(lines(calls)).toContain("k3s-binary kubectl get --raw /readyz");
    expect(lines(calls)).toContain("systemctl is-active --quiet k3s");
    expect(lines(calls)).toContainEqual(expect.stringMatching(/^journalctl --unit k3s /));
    expect(node.marker("failed")?.["exit_code"]).toBe("10");
  });

  test("shows on the console what it writes to its private log", async () => {
    const { node, stdout } = await run();
    expect(node.log).toBe(stdout);
    expect(node.log).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ .*\n(?:.*\n)*.*Ready\.\n$/);
    expect(node.mode("var/log/bootstrap-server.log")).toBe("600");
  });

  test("keeps the tokens out of every command line, the log, the unit's environment and the marker", async () => {
    const { node, calls, stdout, stderr } = await run();
    const seen = [
      ...lines(calls),
      stdout,
      stderr,
      node.log,
      node.read(".fake/install-env"),
      JSON.stringify(node.marker("ready")),
    ];
    for (const token of [SERVER_TOKEN, AGENT_TOKEN]) {
      expect(seen.filter((text) => text.includes(token))).toEqual([]);
    }
  });

  test("gives K3s' script none of its own parameters, which the unit would keep", async () => {
    const { node } = await run();
    expect(node.read(".fake/install-env")).not.toMatch(/^K3S_/m);
  });

  test("has K3s' script start nothing, since that start has no time limit", async () => {
    const { node } = await run();
    expect(node.read(".fake/install-env")).toMatch(/^INSTALL_K3S_SKIP_START=true$/m);
  });

  test("is not ready while the unit is not active, although something answers", async () => {
    server().fake("systemctl", "[[ $1 != is-active ]]");
    expect((await node.bootstrap()).code).toBe(10);
  });

  test.each([
    ["tries a download again that was refused or broke off", ["--retry 5", "--retry-connrefused"]],
    ["waits seconds for a mirror to answer, and half an hour for a file", ["--connect-timeout 20", "--max-time 1800"]],
    ["takes an error page of a mirror for no download, and follows where it is sent", ["--fail", "--location"]],
  ])("%s", async (_, options) => {
    const { calls } = await run();
    const download = lines(calls)[position(calls, /^curl .*k3s$/)];
    for (const option of options) expect(` ${download} `).toContain(` ${option} `);
  });

  test("ends with code 1 when something fails that no code is for, whatever that command's own code", async () => {
    server().fake("systemctl", "exit 0");
    node.fake("hostname", "exit 6");
    expect((await node.bootstrap()).code).toBe(1);
    expect(node.marker("failed")?.["exit_code"]).toBe("1");
  });
});

describeOnLinux("packages", () => {
  test("are tried again after a failure", async () => {
    server().fake(
      "apt-get",
      'touch "$SANDBOX/.fake/installed"; n=$(ls "$SANDBOX/.fake" | grep -c try-); touch "$SANDBOX/.fake/try-$n"; ((n >= 3))',
    );
    node.set({ APT_RETRY_SECONDS: "7.5" });
    node.fake("sleep");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(0);
    expect(calls.filter((call) => call.command === "apt-get" && call.argv.includes("update")).length).toBeGreaterThan(2);
    expect(lines(calls)).toContain("sleep 7.5");
  });

  test("that a power cut left half configured are finished before the next try", async () => {
    server({ APT_ATTEMPTS: "2" }).fake("apt-get", "exit 100");
    node.fake("dpkg", "exit 1");
    const { calls, stdout } = await node.bootstrap();
    expect(position(calls, /^dpkg --force-confold --configure -a$/)).toBeGreaterThan(position(calls, /^apt-get/));
    expect(stdout).toContain("dpkg could not finish what it had begun.");
  });

  test("that cannot be installed end the run with code 5 after the given number of attempts", async () => {
    server({ APT_ATTEMPTS: "2" }).fake("apt-get", "exit 100");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(5);
    expect(calls.filter((call) => call.command === "apt-get")).toHaveLength(2);
    expect(node.marker("failed")?.["reason"]).toContain("could not be installed in 2 attempts");
  });
});

describeOnLinux("the binary", () => {
  test("with a wrong checksum is not installed: code 8, both sums named, nothing started", async () => {
    server().publish(`${RELEASE}/k3s`, "tampered");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(8);
    expect(node.marker("failed")?.["reason"]).toContain(sha256("tampered"));
    expect(node.marker("failed")?.["reason"]).toContain(sha256(BINARY));
    expect(node.files().filter((file) => file.startsWith("usr/"))).toEqual([]);
    expect(lines(calls).filter((line) => /restart|k3s-install/.test(line))).toEqual([]);
  });

  test("that the list does not know is refused with code 8", async () => {
    server().publish(`${RELEASE}/sha256sum-amd64.txt`, `${sha256(BINARY)}  k3s-arm64\n`);
    expect((await node.bootstrap()).code).toBe(8);
    expect(node.exists("usr/local/bin/k3s")).toBe(false);
  });

  test("with a pinned hash needs no list", async () => {
    const { code, calls } = await server({ K3S_SHA256: sha256(BINARY) }).bootstrap();
    expect(code).toBe(0);
    expect(lines(calls).filter((line) => line.includes("sha256sum"))).toEqual([]);
  });

  test("that is not the pinned one is refused although the list knows it", async () => {
    expect((await server({ K3S_SHA256: sha256("other") }).bootstrap()).code).toBe(8);
    expect(node.exists("usr/local/bin/k3s")).toBe(false);
  });

  test("that cannot be downloaded ends the run with code 7, naming the URL", async () => {
    expect((await server({ K3S_BINARY_URL: "https://mirror.lab.example/none" }).bootstrap()).code).toBe(7);
    expect(node.marker("failed")?.["reason"]).toContain("https://mirror.lab.example/none");
  });
});

describeOnLinux("the install script", () => {
  test("that comes over http and is not pinned is not downloaded: code 64", async () => {
    const { code, calls } = await server({ K3S_INSTALL_URL: "http://mirror.lab.example/install.sh" }).bootstrap();
    expect(code).toBe(64);
    expect(node.marker("failed")?.["reason"]).toContain(
      "http://mirror.lab.example/install.sh does not come over https, so nothing vouches for it",
    );
    expect(lines(calls).filter((line) => line.includes("install.sh"))).toEqual([]);
  });

  test("that is not the pinned one is not run", async () => {
    const { code, calls } = await server({ K3S_INSTALL_SHA256: sha256("other") }).bootstrap();
    expect(code).toBe(8);
    expect(lines(calls).filter((line) => line.startsWith("k3s-install"))).toEqual([]);
  });
});

describeOnLinux("a mirror", () => {
  const MIRROR = "http://mirror.lab.example/k3s";

  test("serves binary, list, install script and images", async () => {
    const base = "https://mirror.lab.example/k3s/v1.30.5%2Bk3s1";
    server({ K3S_MIRROR: "https://mirror.lab.example/k3s/", K3S_IMAGES_URL: `${base}/k3s-airgap-images-amd64.tar.zst` });
    node.publish(`${base}/k3s`, BINARY);
    node.publish(`${base}/sha256sum-amd64.txt`, `${sha256(BINARY)} *k3s\n${sha256("images")}  k3s-airgap-images-amd64.tar.zst\n`);
    node.publish(`${base}/install.sh`, "k3s-install mirrored");
    node.publish(`${base}/k3s-airgap-images-amd64.tar.zst`, "images");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(0);
    expect(lines(calls)).toContain("k3s-install mirrored");
    expect(node.read("var/lib/rancher/k3s/agent/images/k3s-airgap-images-amd64.tar.zst")).toBe("images");
    expect(lines(calls).filter((line) => /github/.test(line))).toEqual([]);
  });

  test("without TLS proves nothing by its list: a pinned hash is demanded, code 64", async () => {
    expect((await server({ K3S_MIRROR: MIRROR }).bootstrap()).code).toBe(64);
    expect(node.marker("failed")?.["reason"]).toContain("pin the sha256 of k3s");
  });

  test("without TLS is enough for what is pinned", async () => {
    server({ K3S_MIRROR: MIRROR, K3S_SHA256: sha256(BINARY), K3S_INSTALL_SHA256: sha256("true") });
    node.publish(`${MIRROR}/v1.30.5%2Bk3s1/k3s`, BINARY);
    node.publish(`${MIRROR}/v1.30.5%2Bk3s1/install.sh`, "true");
    expect((await node.bootstrap()).code).toBe(0);
  });

  test("with a wrong image archive leaves nothing where K3s imports from", async () => {
    const url = "https://mirror.lab.example/images.tar.zst";
    server({ K3S_IMAGES_URL: url, K3S_IMAGES_SHA256: sha256("right") }).publish(url, "wrong");
    expect((await node.bootstrap()).code).toBe(8);
    expect(node.files().filter((file) => file.includes("agent/images"))).toEqual([]);
  });

  test("whose archive K3s would not import is refused by its name", async () => {
    expect((await server({ K3S_IMAGES_URL: "https://mirror.lab.example/images.zip" }).bootstrap()).code).toBe(64);
  });
});

describeOnLinux("a second run", () => {
  test("after success downloads and installs nothing, and restarts K3s", async () => {
    await server().bootstrap();
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(0);
    expect(lines(calls).filter((line) => /^(curl|apt-get)/.test(line))).toEqual([]);
    expect(lines(calls)).toContain("systemctl restart --no-block k3s");
  });

  test("after a failure succeeds and takes the failed marker away", async () => {
    server().publish(`${RELEASE}/k3s`, "half a file");
    expect((await node.bootstrap()).code).toBe(8);
    node.publish(`${RELEASE}/k3s`, BINARY);
    expect((await node.bootstrap()).code).toBe(0);
    expect(node.marker("failed")).toBeUndefined();
    expect(node.marker("ready")).toBeDefined();
  });

  test("that fails takes the ready marker away", async () => {
    await server().bootstrap();
    node.fake("k3s-binary", "exit 1");
    expect((await node.bootstrap()).code).toBe(10);
    expect(node.marker("ready")).toBeUndefined();
  });

  test("replaces a binary that was changed since", async () => {
    await server().bootstrap();
    node.write("usr/local/bin/k3s", "changed", 0o755);
    expect((await node.bootstrap()).code).toBe(0);
    expect(node.read("usr/local/bin/k3s")).toBe(BINARY);
  });

  test("while the first is going on ends with code 75 and touches no marker", async () => {
    server().fake("apt-get", 'touch "$SANDBOX/.fake/installed"; until [[ -e $SANDBOX/.fake/go ]]; do sleep 0.02; done');
    const first = node.bootstrap();
    while (!node.exists(".fake/installed")) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const second = await node.runScript();
    node.write(".fake/go", "");
    expect(second.code).toBe(75);
    expect((await first).code).toBe(0);
    expect(node.marker("failed")).toBeUndefined();
  });
});

describeOnLinux("files that cloud-init writes", () => {
  test.each([
    ["etc/rancher/k3s/config.yaml", "K3s configuration"],
    ["etc/rancher/k3s/token", "token file"],
    ["etc/rancher/k3s/agent-token", "token file"],
  ])("%s missing ends the run with code 3 before anything is installed", async (file, what) => {
    server().withoutFile(file);
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(3);
    expect(node.marker("failed")?.["reason"]).toMatch(new RegExp(`${what} /${file} does not exist`));
    expect(lines(calls).filter((line) => line.startsWith("apt-get"))).toEqual([]);
  });

  test("a token file that others may read ends the run with code 3 and says what to do", async () => {
    server().write("etc/rancher/k3s/token", SERVER_TOKEN, 0o644);
    expect((await node.bootstrap()).code).toBe(3);
    expect(node.marker("failed")?.["reason"]).toContain(
      "mode 644, but may only be read by root: chmod 0600 /etc/rancher/k3s/token",
    );
  });

  test("an empty token file ends the run with code 3", async () => {
    server().write("etc/rancher/k3s/token", "");
    expect((await node.bootstrap()).code).toBe(3);
  });

  test("no parameter file ends the run with code 64, and says where it is to be", async () => {
    server();
    expect((await node.runScript()).code).toBe(64);
    expect(node.marker("failed")?.["reason"]).toMatch(/The parameter file \S+bootstrap\.env does not exist\./);
  });

  test("a parameter file that others may read ends the run with code 64 before it is executed", async () => {
    server().write("etc/k3s-bootstrap/bootstrap.env", 'touch "$SANDBOX/executed"\n', 0o644);
    expect((await node.runScript()).code).toBe(64);
    expect(node.log).toMatch(/bootstrap\.env has mode 644: chmod 0600 \S+bootstrap\.env\./);
    expect(node.exists("executed")).toBe(false);
  });

  test.each([
    [{ K3S_VERSION: "stable" }, "K3S_VERSION is 'stable'"],
    [{ K3S_SHA256: "abc" }, "K3S_SHA256 is 'abc'"],
    [{ JOIN_SERVER_URL: "http://192.0.2.31:6443" }, "JOIN_SERVER_URL is 'http://192.0.2.31:6443'"],
    [{ TOKEN_WAIT_SECONDS: "soon" }, "TOKEN_WAIT_SECONDS is 'soon'"],
    [{ GENERATE_TOKENS: "yes" }, "GENERATE_TOKENS is 'yes'"],
    [{ GENERATE_TOKENS: "true", JOIN_SERVER_URL: "https://192.0.2.31:6443" }, "GENERATE_TOKENS is for the first server"],
  ])("parameters %j end the run with code 64", async (parameters, message) => {
    expect((await server(parameters as Record<string, string>).bootstrap()).code).toBe(64);
    expect(node.marker("failed")?.["reason"]).toContain(message);
  });
});

describeOnLinux("tokens that the first server makes", () => {
  const withoutTokens = (): BootstrapNode => {
    server({ GENERATE_TOKENS: "true" });
    node.withoutFile("etc/rancher/k3s/token");
    node.withoutFile("etc/rancher/k3s/agent-token");
    return node;
  };

  test("are 64 hexadecimal digits, differ, and are private", async () => {
    expect((await withoutTokens().bootstrap()).code).toBe(0);
    const [token, agentToken] = ["token", "agent-token"].map((file) => node.read(`etc/rancher/k3s/${file}`));
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(agentToken).toMatch(/^[0-9a-f]{64}$/);
    expect(token).not.toBe(agentToken);
    expect(node.mode("etc/rancher/k3s/token")).toBe("600");
    expect(node.mode("etc/rancher/k3s/agent-token")).toBe("600");
  });

  test("are on the disk before anything else is done", async () => {
    const { calls } = await withoutTokens().bootstrap();
    expect(position(calls, /^sync$/)).toBeLessThan(position(calls, /^apt-get/));
  });

  test("are on no command line and in no log", async () => {
    const { calls, stdout, stderr } = await withoutTokens().bootstrap();
    const token = node.read("etc/rancher/k3s/token");
    expect([...lines(calls), stdout, stderr, node.log].filter((text) => text.includes(token))).toEqual([]);
  });

  test("stay the same in a second run", async () => {
    await withoutTokens().bootstrap();
    const token = node.read("etc/rancher/k3s/token");
    await node.bootstrap();
    expect(node.read("etc/rancher/k3s/token")).toBe(token);
  });

  test("are made anew when a power cut left an empty file", async () => {
    withoutTokens().write("etc/rancher/k3s/token", "");
    expect((await node.bootstrap()).code).toBe(0);
    expect(node.read("etc/rancher/k3s/token")).toMatch(/^[0-9a-f]{64}$/);
  });

  test("are not made anew for a cluster that has one, since its data could not be read with another", async () => {
    withoutTokens().write("var/lib/rancher/k3s/server/token", "K10::server:old");
    expect((await node.bootstrap()).code).toBe(3);
    expect(node.exists("etc/rancher/k3s/token")).toBe(false);
  });
});

describeOnLinux("a server that joins", () => {
  const JOIN = { JOIN_SERVER_URL: "https://192.0.2.31:6443" };

  test.each(["200", "401", "403"])("takes the answer %s for a server that is up", async (status) => {
    server(JOIN).write(".fake/join-server-answers", status);
    expect((await node.bootstrap()).code).toBe(0);
  });

  test("takes 503 for a server that is not up", async () => {
    server(JOIN).write(".fake/join-server-answers", "503");
    expect((await node.bootstrap()).code).toBe(9);
  });

  test("starts after the server before it answers", async () => {
    const { code, calls } = await server(JOIN).bootstrap();
    expect(code).toBe(0);
    expect(position(calls, /^curl .*https:\/\/192\.0\.2\.31:6443\/readyz$/)).toBeLessThan(position(calls, /^k3s-install server/));
  });

  test("waits for a server that is not up yet", async () => {
    server({ ...JOIN, WAIT_FOR_SERVER_SECONDS: "10" }).withoutFile(".fake/join-server-answers");
    const run = node.bootstrap();
    setTimeout(() => node.write(".fake/join-server-answers", "401"), 300);
    expect((await run).code).toBe(0);
  });

  test("gives up with code 9 when that server does not answer in time, and installs no unit", async () => {
    server(JOIN).withoutFile(".fake/join-server-answers");
    const { code, calls } = await node.bootstrap();
    expect(code).toBe(9);
    expect(node.marker("failed")?.["reason"]).toContain("https://192.0.2.31:6443 did not answer");
    expect(lines(calls).filter((line) => line.startsWith("k3s-install"))).toEqual([]);
  });
});
