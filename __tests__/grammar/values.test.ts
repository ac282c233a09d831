import { checkDomainName } from "../../grammar/domain-name";
import { quote } from "../../grammar/fault";
import { checkFilePath } from "../../grammar/file-path";
import { checkGuestName, checkKey } from "../../grammar/guest";
import { checkMac } from "../../grammar/mac";
import { canonicalModelReference, checkModelReference } from "../../grammar/model-reference";
import { nearest } from "../../grammar/nearest";
import { checkOllamaVariable } from "../../grammar/ollama-variable";
import { checkPciPath, wholeCard } from "../../grammar/pci";
import { checkSshPublicKey } from "../../grammar/ssh";
import { checkImageVolume, checkTemplateVolume } from "../../grammar/storage";
import { checkEndpoint } from "../../grammar/url";
import { compareVersions } from "../../grammar/version";
import { imageFileName } from "../../lab/image";

describe("a model reference", () => {
  test.each([
    "mistral",
    "mistral:7b",
    "library/mistral:7b",
    "hf.co/org/model-GGUF:Q4_K_M",
    "registry.lab.example:5000/team/model:v1.0",
  ])("%s is one", (text) => expect(checkModelReference(text)).toBeUndefined());
  test.each(["", ":7b", "mistral:", "a b", "mistral;rm", "$(x)", "-mistral", "a/b/c/d", "mistral:7b:8b", "../x"])(
    "%p is none",
    (text) => {
      expect(checkModelReference(text)?.code).toBe("invalid-model");
    },
  );
  test("two spellings of one model are one name", () => {
    expect(canonicalModelReference("mistral")).toBe(canonicalModelReference("registry.ollama.ai/library/mistral:latest"));
  });
});

describe("a variable of Ollama", () => {
  test.each([
    "OLLAMA_KEEP_ALIVE",
    "HTTPS_PROXY",
    "NO_PROXY",
    "HSA_OVERRIDE_GFX_VERSION",
    "HSA_OVERRIDE_GFX_VERSION_1",
    "CUDA_VISIBLE_DEVICES",
  ])("may be %s", (name) => expect(checkOllamaVariable(name)).toBeUndefined());
  test.each([
    "OLLAMA_HOST",
    "OLLAMA_MODELS",
    "LD_PRELOAD",
    "xHSA_OVERRIDE_GFX_VERSION",
    "CUDA_VISIBLE_DEVICESx",
    "xOLLAMA_DEBUG",
  ])("may not be %s", (name) => {
    expect(checkOllamaVariable(name)?.code).toBe("invalid-environment");
  });
});

test.each(["a", "ollama-1", "a".repeat(63)])("%s is a guest's name", (name) => expect(checkGuestName(name)).toBeUndefined());
test.each(["", "-a", "a-", "A", "a_b", "a.b", "a".repeat(64)])("%p is no guest's name", (name) => {
  expect(checkGuestName(name)?.code).toBe("invalid-name");
});
test.each(["1a", "-a", "a-", "__proto__", "a".repeat(41)])("%p is no key, which Terraform has to take as well", (key) => {
  expect(checkKey(key)?.code).toBe("invalid-key");
});

test("a MAC address in small letters gets its capitals back", () => {
  expect(checkMac("bc:24:11:ab:cd:ef")?.remedy).toBe("Write BC:24:11:AB:CD:EF.");
});

test("the path of a whole card has no function", () => expect(wholeCard("0000:01:00.0")).toBe("0000:01:00"));
test.each(["01:00.0", "0000:01:00.8", "0000:1:00", "0000:01:00;0000:02:00"])("%p is no PCI path", (path) => {
  expect(checkPciPath(path)?.code).toBe("invalid-pci-path");
});

test.each([
  ["local:vztmpl/u.tar.zst", undefined],
  ["local:iso/u.iso", "invalid-template-volume"],
  ["local:vztmpl/u.zip", "invalid-template-volume"],
  ["vztmpl/u.tar.zst", "invalid-template-volume"],
])("as a template's volume, %s: %p", (volume, code) => expect(checkTemplateVolume(volume)?.code).toBe(code));

test.each([
  ["local:import/u.qcow2", undefined],
  ["xlocal:import/u.qcow2 ", "invalid-image-volume"],
  ["local:iso/u.qcow2", "invalid-image-volume"],
  ["local:import/u.img", "invalid-image-volume"],
  ["import/u.qcow2", "invalid-image-volume"],
])("as an image's volume, %s: %p", (volume, code) => expect(checkImageVolume(volume)?.code).toBe(code));

test("an endpoint keeps its port in the remedy", () => {
  expect(checkEndpoint("http://pve1.lab.example:8006")?.remedy).toContain("https://pve1.lab.example:8006/");
});

test("a private key is refused without being repeated", () => {
  const fault = checkSshPublicKey("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n");
  expect([fault?.code, JSON.stringify(fault).includes("c2VjcmV0")]).toEqual(["private-key", false]);
});

const KEYS = [
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq3yJ2Yw0Z1uT8bX6cD4eF2gHi operator@lab.example",
  // An RSA key of three parts: its type, the exponent 65537 and a modulus.
  `ssh-rsa ${Buffer.concat(["ssh-rsa", "\u0001\u0000\u0001", "m".repeat(257)].map(sshPart)).toString("base64")}`,
];
function sshPart(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255]), bytes]);
}
test.each(KEYS)("%s is a public key", (key) => expect(checkSshPublicKey(key)).toBeUndefined());
test.each(KEYS)("%s is refused when it ends too early", (key) => {
  const [type, blob = ""] = key.split(" ");
  expect(checkSshPublicKey(`${type} ${blob.slice(0, -6)}`)).toMatchObject({
    code: "invalid-ssh-key",
    message: expect.stringContaining("ends too early"),
  });
});
test("a public key without its last part is refused", () => {
  const blob = Buffer.concat(["ssh-rsa", "\u0001\u0000\u0001"].map(sshPart)).toString("base64");
  expect(checkSshPublicKey(`ssh-rsa ${blob}`)?.message).toContain("ends too early");
});
test("a public key with something after it is refused", () => {
  const blob = Buffer.concat(["ssh-ed25519", "k".repeat(32), "more"].map(sshPart)).toString("base64");
  expect(checkSshPublicKey(`ssh-ed25519 ${blob}`)?.message).toContain("has more after the key");
});
test("a public key that says another type is refused with both types", () => {
  const fault = checkSshPublicKey(KEYS[0]?.replace("ssh-ed25519", "ssh-rsa") ?? "");
  expect(fault?.message).toMatch(/says ssh-rsa, but the key in it is of the type "ssh-ed25519"/);
});

test.each(["ollama.home.example", "a.b", "xn--bcher-kva.example"])("%s is a DNS name", (name) =>
  expect(checkDomainName(name)).toBeUndefined(),
);
test.each(["ollama", "Ollama.example", "a..b", "192.0.2.1", "*.example", "a_b.example"])("%p is no DNS name", (name) => {
  expect(checkDomainName(name)?.code).toBe("invalid-host");
});

test.each(["~/.kube/config", "$HOME/x", "a'b", "", "folder/"])("%p is no path of a file", (path) => {
  expect(checkFilePath(path)?.code).toBe("invalid-file-path");
});

test.each([
  ["0.13.3", "0.21.0", -1],
  ["v1.36.3+k3s1", "v1.36.3+k3s1", 0],
  ["v1.9.0", "v1.10.0", -1],
  ["1.77", "1.77.0", 0],
])("%s compared with %s is %p", (left, right, expected) => expect(compareVersions(left, right)).toBe(expected));

test("a mistyped word finds the nearest, and a strange one none", () => {
  expect([nearest("memroy", ["memory", "cores"]), nearest("xyzzy", ["memory", "cores"])]).toEqual(["memory", undefined]);
});

test("a long value is cut in a message", () => expect(quote("x".repeat(100))).toHaveLength(59));

test.each([
  ["https://x.example/noble/20250805/noble-server-cloudimg-amd64.img", "noble-server-cloudimg-amd64-20250805.qcow2"],
  [
    "https://x.example/releases/noble/release-20260814/ubuntu-24.04-server-cloudimg-amd64.img",
    "ubuntu-24.04-server-cloudimg-amd64-20260814.qcow2",
  ],
  ["https://x.example/images/disk-20250805.qcow2", "disk-20250805.qcow2"],
  ["https://x.example/current/noble.img", "noble.qcow2"],
])("the image at %s becomes %s", (url, name) => expect(imageFileName({ url })).toBe(name));

test.each([
  ["ssh-ed25519", 2],
  ["ssh-rsa", 3],
  ["ecdsa-sha2-nistp256", 3],
  ["ecdsa-sha2-nistp384", 3],
  ["ecdsa-sha2-nistp521", 3],
  ["sk-ssh-ed25519@openssh.com", 3],
  ["sk-ecdsa-sha2-nistp256@openssh.com", 4],
])("a key of the type %s has %i parts", (type, parts) => {
  const key = (count: number) =>
    `${type} ${Buffer.concat([type, ...Array<string>(count - 1).fill("k".repeat(32))].map(sshPart)).toString("base64")}`;
  expect(
    [parts - 1, parts, parts + 1].map((count) => checkSshPublicKey(key(count))?.message.match(/not whole|has more/)?.[0]),
  ).toEqual(["not whole", undefined, "has more"]);
});
test.each(["rsa AAAA", "ssh-ed25519 short", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3Q5rVQbZ5fQpS0sVnq\nssh-rsa"])(
  "%j is no public key",
  (text) => expect(checkSshPublicKey(text)?.message).toBe(`${quote(text)} is not an SSH public key`),
);
test("a short word is like another by one letter", () => {
  expect([nearest("cpo", ["cpu"]), nearest("cxx", ["cpu"])]).toEqual(["cpu", undefined]);
});
