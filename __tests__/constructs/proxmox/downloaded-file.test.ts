import { DownloadedFile, type DownloadedFileProps } from "../../../constructs/proxmox/downloaded-file";
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
