import { OperatorMachine } from "./operator-machine";

let machine: OperatorMachine;
beforeEach(() => {
  machine = new OperatorMachine();
  machine.write("known_hosts", "192.0.2.41 ssh-ed25519 AAAA\n");
  machine.fake("ssh-keygen", '[[ $1 == -R ]] || grep -q "^$2 " "$4"');
});
afterEach(() => machine.remove());

const forget = (env: Record<string, string> = {}) =>
  machine.operate("forget-host-key.sh", { ADDRESS: "192.0.2.41", SSH_KNOWN_HOSTS: "known_hosts", ...env });
const removals = (calls: readonly { argv: readonly string[] }[]) =>
  calls.map(({ argv }) => argv).filter(([flag]) => flag === "-R");

test("a known key is taken out, of that address and that file alone", async () => {
  const { code, stdout, calls } = await forget();
  expect([code, removals(calls)]).toEqual([0, [["-R", "192.0.2.41", "-f", "known_hosts"]]]);
  expect(stdout).toBe("Forgot the host key of the machine that was at 192.0.2.41 before.\n");
});

test("a key that was never known is no error, and nothing is written", async () => {
  const { code, stdout, calls } = await forget({ ADDRESS: "192.0.2.42" });
  expect([code, stdout, removals(calls)]).toEqual([0, "", []]);
});

test("a machine without a file of known hosts has nothing to forget", async () => {
  const { code, calls } = await forget({ SSH_KNOWN_HOSTS: "none" });
  expect([code, calls]).toEqual([0, []]);
});

test("ssh's own file is the default", async () => {
  machine.write("../home/.ssh/known_hosts", "192.0.2.41 ssh-ed25519 AAAA\n");
  const { calls } = await forget({ SSH_KNOWN_HOSTS: "" });
  expect(removals(calls)[0]?.at(-1)).toMatch(/home\/\.ssh\/known_hosts$/);
});

test("a key that cannot be taken out is told, and does not stop the deploy", async () => {
  machine.fake("ssh-keygen", "[[ $1 != -R ]]");
  const { code, stderr } = await forget();
  expect([code, stderr]).toEqual([0, expect.stringContaining("could not be taken out of known_hosts")]);
});

test.each(["", "-oProxyCommand=x", "a b"])("the address '%s' ends with code 64", async (address) => {
  expect((await forget({ ADDRESS: address })).code).toBe(64);
});
