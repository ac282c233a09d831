import { unprovenSources } from "../../../constructs/k3s/k3s-release";

const version = "v1.36.3+k3s1";
const hash = "a".repeat(64);
const plain = "http://mirror.lab.example/k3s";
const missing = (release: Omit<Parameters<typeof unprovenSources>[0], "version">) =>
  unprovenSources({ version, ...release }).map(({ message }) => /[A-Z0-9_]+_SHA256/.exec(message)?.[0]);

describe("a source without https", () => {
  test.each([
    ["a mirror proves neither the binary nor the install script", { K3S_MIRROR: plain }, ["K3S_SHA256", "K3S_INSTALL_SHA256"]],
    ["a list of checksums proves no binary", { K3S_CHECKSUMS_URL: `${plain}/list` }, ["K3S_SHA256"]],
    ["an install script needs its hash", { K3S_INSTALL_URL: `${plain}/install.sh` }, ["K3S_INSTALL_SHA256"]],
    ["NVIDIA's key needs its hash", { NVIDIA_KEY_URL: `${plain}/key` }, ["NVIDIA_KEY_SHA256"]],
    [
      "images whose hash is in such a list need it too",
      { K3S_IMAGES_URL: "https://x.lab.example/i.tar", K3S_CHECKSUMS_URL: plain },
      ["K3S_SHA256", "K3S_IMAGES_SHA256"],
    ],
  ])("%s", (_, parameters, hashes) => expect(missing({ parameters: parameters as Record<string, string> })).toEqual(hashes));

  test("is taken when everything from it is pinned", () => {
    expect(missing({ sha256: hash, parameters: { K3S_MIRROR: plain, K3S_INSTALL_SHA256: hash } })).toEqual([]);
  });
  test("is taken for a binary that the list behind https proves", () => {
    expect(missing({ parameters: { K3S_BINARY_URL: `${plain}/k3s` } })).toEqual([]);
  });
});

test("a source with https needs no hash", () => {
  expect(missing({ parameters: { K3S_MIRROR: "https://mirror.lab.example/k3s" } })).toEqual([]);
});

test("K3s' own sources need no hash", () => expect(missing({})).toEqual([]));
