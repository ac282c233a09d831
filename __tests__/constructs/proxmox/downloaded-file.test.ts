import { TerraformStack, Testing } from "cdktf";
import { DownloadedFile, type DownloadedFileProps } from "../../../constructs/proxmox/downloaded-file";
import { OwnershipGuard } from "../../../constructs/proxmox/ownership-guard";
import { testRejectedProps } from "../../../testing/rejected-props";

const props: DownloadedFileProps = {
  resourceName: "template",
  content: "vztmpl",
  node: "pve1",
  datastore: "local",
  url: "https://images.lab.example/ubuntu.tar.zst",
  fileName: "ubuntu.tar.zst",
};

testRejectedProps<DownloadedFileProps>(props, (stack, changed) => new DownloadedFile(stack, "file", changed), [
  ["a resource's name with a dot", { resourceName: "ubuntu.tar" }, "resourceName: invalid-resource-name"],
  ["a node that is no host name", { node: "pve_1" }, "node: invalid-node-name"],
  ["a datastore with a space", { datastore: "my files" }, "datastore: invalid-datastore"],
  ["a URL of another scheme", { url: "ftp://images.lab.example/ubuntu.tar.zst" }, "url: invalid-url"],
  ["a template with an image's name", { fileName: "ubuntu.qcow2" }, "fileName: invalid-template-name"],
  ["an image with a template's name", { content: "import" }, "fileName: invalid-image-name"],
  ["a short SHA-256", { checksum: { algorithm: "sha256", value: "abc" } }, "checksum.value: invalid-checksum"],
  ["a SHA-256 as SHA-512", { checksum: { algorithm: "sha512", value: "a".repeat(64) } }, "checksum.value: invalid-checksum"],
]);

describe("a lost state", () => {
  /** What a plan says of the files that the state had downloaded: by volume id, what to write in the lab. */
  function told(changes: Partial<DownloadedFileProps>): Record<string, string> {
    const stack = new TerraformStack(Testing.app({ stackTraces: false }), "stack");
    new DownloadedFile(stack, "file", { ...props, ...changes, guard: new OwnershipGuard(stack, "guests") });
    return JSON.parse(Testing.synth(stack)).locals.files_downloaded;
  }

  test("is told how a lab uses a template that is there", () => {
    expect(told({})).toEqual({
      "local:vztmpl/ubuntu.tar.zst": 'defaults: { container: { template: "local:vztmpl/ubuntu.tar.zst" } }',
    });
  });
  test("is told how a lab uses an image that is there", () => {
    expect(told({ content: "import", fileName: "ubuntu.qcow2" })).toEqual({
      "local:import/ubuntu.qcow2": 'cluster: { image: "local:import/ubuntu.qcow2" }',
    });
  });
});
