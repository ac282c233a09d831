import { checkImage } from "../../grammar/container-image";
import { checkDomainName, checkSearchDomain } from "../../grammar/domain-name";
import { checkChartVersion } from "../../grammar/helm-chart";
import { checkKeepAlive } from "../../grammar/keep-alive";
import { checkKubernetesName } from "../../grammar/kubernetes-name";

test.each(["ml", "nfs-client", "a", "0day", "a".repeat(63)])("%j names a Kubernetes object", (name) => {
  expect(checkKubernetesName(name)).toBeUndefined();
});
test.each(["", "ML", "-a", "a-", "a_b", "a.b", "a".repeat(64)])("%j names no Kubernetes object", (name) => {
  expect(checkKubernetesName(name)).toMatchObject({ code: "invalid-kubernetes-name" });
});

test.each(["1.77.0", "v1.21.1", "4.13.4", "1.0.0-rc.1", "1.0.0+up1.2.3"])("%j is one exact version of a chart", (version) => {
  expect(checkChartVersion(version)).toBeUndefined();
});
test.each(["1.77", "~1.77.0", "~> 1.36", ">=1.0.0", "^1.0.0", "1.x", "*", "latest", ""])("%j is no exact version", (version) => {
  expect(checkChartVersion(version)).toMatchObject({ code: "chart-version-not-exact" });
});

test.each([
  "ollama/ollama:0.32.15",
  "registry.lab.example:5000/ollama/ollama:0.32.15-rocm",
  `ollama/ollama@sha256:${"a".repeat(64)}`,
  `ollama/ollama:0.32.15@sha256:${"a".repeat(64)}`,
])("%j is an image that stays what it is", (image) => expect(checkImage(image)).toBeUndefined());
test.each(["ollama/ollama", "ollama/ollama:latest", "ollama/ollama:", "Ollama/ollama:1", "ollama/ollama@sha256:abc", ""])(
  "%j is no image that stays what it is",
  (image) => expect(checkImage(image)).toMatchObject({ code: "invalid-image" }),
);

test.each(["ollama.home.example", "a.b", "xn--bcher-kva.example"])("%j is a DNS name", (host) => {
  expect(checkDomainName(host)).toBeUndefined();
});
test.each([
  "ollama",
  "https://ollama.home.example",
  "Ollama.home.example",
  "a..b",
  "192.0.2.1",
  "*.home.example",
  "a.b.",
  "a b.c",
])("%j is no DNS name of a host", (host) => expect(checkDomainName(host)).toMatchObject({ code: "invalid-host" }));

test.each(["30m", "1h30m", "600", "0", "-1", "1.5h", "90s"])("%j is how long a model can stay loaded", (text) => {
  expect(checkKeepAlive(text)).toBeUndefined();
});
test.each(["", "forever", "30 m", "30min", "1d", "m"])("%j is no such duration", (text) => {
  expect(checkKeepAlive(text)).toMatchObject({ code: "invalid-keep-alive" });
});

test("a DNS name has 253 characters at most", () => {
  const name = (length: number) => `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(length - 192)}`;
  for (const check of [checkDomainName, checkSearchDomain]) {
    expect([check(name(253)), check(name(254))?.message]).toEqual([undefined, expect.stringContaining("is not a DNS")]);
  }
});
