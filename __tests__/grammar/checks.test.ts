import { checkImagePrefix } from "../../grammar/container-image";
import { checkEmail } from "../../grammar/email";
import type { ValueCheck } from "../../grammar/fault";
import { checkAbsolutePath } from "../../grammar/file-path";
import { checkOciUrl } from "../../grammar/helm-chart";
import { checkClaimPath } from "../../grammar/kubernetes-name";
import { checkNodeLabel, checkSelectedLabel } from "../../grammar/kubernetes-node";
import { checkFileSystem, checkMountOption } from "../../grammar/nfs";
import { checkStagedRelease } from "../../grammar/staged-release";

const checks: { what: string; check: ValueCheck<string>; code: string; good: string[]; bad: string[] }[] = [
  {
    what: "a prefix of images",
    check: checkImagePrefix,
    code: "invalid-image-prefix",
    good: ["docker-cache", "lab/cache_1"],
    bad: ["", "/cache", "Cache", "a b"],
  },
  {
    what: "an e-mail address",
    check: checkEmail,
    code: "invalid-email",
    good: ["operator@lab.example"],
    bad: ["operator", "a@b", "a b@lab.example", "a@b@lab.example", " a@lab.example", "a@lab.example "],
  },
  {
    what: "an absolute path",
    check: checkAbsolutePath,
    code: "invalid-path",
    good: ["/volume1/k8s", "/a"],
    bad: ["", "/", "a", "/a/", "/a b", "/a;b", "x/a"],
  },
  {
    what: "the URL of an OCI registry",
    check: checkOciUrl,
    code: "invalid-oci",
    good: ["oci://registry.lab.example/charts", "oci://registry.lab.example:5000"],
    bad: ["registry.lab.example/charts", "https://registry.lab.example", "oci://", "xoci://a", "oci://a b"],
  },
  {
    what: "a label of a node",
    check: checkNodeLabel,
    code: "invalid-label",
    good: ["disk=nvme", "example.com/disk=", "topology.kubernetes.io/zone=a"],
    bad: ["disk=very fast", "a/b/c=d", "=x"],
  },
  {
    what: "a label that a pod selects",
    check: checkSelectedLabel,
    code: "invalid-label",
    good: ["disk=nvme", "node-role.kubernetes.io/gpu=true"],
    bad: ["disk=very fast", "a/b/c=d"],
  },
  {
    what: "a mount option",
    check: checkMountOption,
    code: "invalid-mount-option",
    good: ["nfsvers=4.1", "nolock"],
    bad: ["", "nfsvers=4.1,nolock", "nfsvers=", " nolock", "NOLOCK"],
  },
  {
    what: "a file system",
    check: checkFileSystem,
    code: "invalid-file-system",
    good: ["nfs4", "fuse.sshfs"],
    bad: ["", "NFS", "nfs 4"],
  },
  {
    what: "a claim with its namespace",
    check: checkClaimPath,
    code: "invalid-kubernetes-name",
    good: ["ml/ollama", "2/a"],
    bad: ["", "ollama", "ml/", "/ollama", "ml/ollama/x", "ML/ollama", "-ml/ollama", "ml/2"],
  },
  {
    what: "a staged release",
    check: checkStagedRelease,
    code: "invalid-release",
    good: ["3f1c2a9b7d10", "a".repeat(63)],
    bad: ["", "releases/a", "-a", "a".repeat(64), "../a"],
  },
];

describe.each(checks)("$what", ({ check, code, good, bad }) => {
  test.each(good)("%j is accepted", (text) => expect(check(text)).toBeUndefined());
  test.each(bad)("%j is refused", (text) => expect(check(text)).toMatchObject({ code }));
});

test("a label that no node may give itself is refused for a node", () => {
  expect(checkNodeLabel("node-role.kubernetes.io/gpu=true")).toMatchObject({ code: "reserved-label" });
});
