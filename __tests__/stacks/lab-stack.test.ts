// What every stack of a lab refuses, whatever set it.
import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { Resource } from "@cdktf/provider-null/lib/resource";
import { TerraformOutput, Testing } from "cdktf";
import { checkLab } from "../../lab/read";
import { LabStack } from "../../stacks/lab-stack";
import { baseLab, type Changes, clusterLab, gpuLab, labWith, ollamaLab, synthesized } from "../../testing/lab";

class Stack extends LabStack {}

/** A stack with resources of these names, at paths of their own. */
function synth(...names: string[]): string {
  const { lab } = checkLab(baseLab, "/lab");
  const stack = new Stack(Testing.app(), "stack", lab, []);
  new NullProvider(stack, "null");
  for (const [index, name] of names.entries()) new Resource(stack, `at-${index}`).overrideLogicalId(name);
  return Testing.synth(stack, true);
}

test("an address that is set twice is an error, which names both", () => {
  expect(() => synth("one", "two", "one")).toThrow(/null_resource\.one is set twice, by stack\/at-0 and by stack\/at-2/);
});
test("a name that Terraform does not take is an error", () => {
  expect(() => synth("2nd")).toThrow(/null_resource\.2nd, set by stack\/at-0, is no name in Terraform/);
});
test("resources of one type under names of their own are fine, and so is an output of the name of a resource", () => {
  const { lab } = checkLab(baseLab, "/lab");
  const stack = new Stack(Testing.app(), "stack", lab, []);
  new NullProvider(stack, "null");
  new Resource(stack, "resource").overrideLogicalId("one");
  new TerraformOutput(stack, "one", { value: "x" });
  expect(() => Testing.synth(stack, true)).not.toThrow();
});

// A plain object has these keys, too: a map that is read by them finds what is no entry.
describe.each(["toString", "constructor"])("a Proxmox node called %s", (name) => {
  const node = {
    address: "192.0.2.12",
    gpus: { rtx: { path: "0000:01:00", id: "10de:2684", subsystemId: "1043:88e2", iommuGroup: 12 } },
  };
  test("takes containers", () => {
    const lab = labWith({ proxmox: { nodes: { [name]: node } }, defaults: { container: { node: name } } });
    expect(Object.keys(synthesized(lab))).toEqual(["containers"]);
  });
  test("takes nodes of a cluster and their cards", () => {
    const lab = labWith({ proxmox: { nodes: { [name]: node } }, cluster: { workers: { "gpu-1": { node: name } } } }, clusterLab);
    expect(Object.keys(synthesized(lab))).toContain("cluster");
  });
  test("is an error of the lab, not of the program, when it is not described", () => {
    const containers: Changes = { defaults: { container: { node: name } } };
    expect(() => synthesized(labWith(containers))).toThrow(/node/);
    const cluster: Changes = { cluster: { workers: { "gpu-1": { node: name } } } };
    expect(() => synthesized(labWith(cluster, clusterLab))).toThrow(/node/);
  });
});

test("every accepted name of a namespace or StorageClass gives names that Terraform takes", () => {
  const changes = { kubernetes: { storageClass: "1st" }, ollama: { namespace: "2" } };
  expect(() => [synthesized(labWith(changes, ollamaLab)), synthesized(labWith(changes, gpuLab))]).not.toThrow();
});
