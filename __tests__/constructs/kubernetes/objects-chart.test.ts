// The local chart under the real Helm: what comes out is what went in.
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { canonicalJson } from "../../../constructs/kubernetes/values";
import { load } from "../../../lab/load";
import type { LabInput } from "../../../lab/schema";
import { describeWithTool } from "../../../testing/external-tool";
import { type AnyObject, valuesOf } from "../../../testing/kubernetes";
import { labWith, synthesized } from "../../../testing/lab";

const ROOT = join(__dirname, "../../..");
const CHART = join(ROOT, "templates/objects-chart");

function helm(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("helm", args, {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: tmpdir() },
  });
  if (status !== 0) throw new Error(`helm ${args[0]} failed:\n${stdout}${stderr}`);
  return stdout;
}

/** What Helm makes of these values. */
function rendered(values: unknown): unknown[] {
  const file = join(mkdtempSync(join(tmpdir(), "objects-chart-")), "values.json");
  writeFileSync(file, canonicalJson(values));
  // YAML 1.1 as Kubernetes reads it, where `on` and `0777` are not text.
  const documents = parseAllDocuments(helm("template", "objects", CHART, "--values", file), { version: "1.1" });
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() as unknown;
  });
}

/** Helm sorts objects by their kinds, in the order in which they are installed; hooks come last. */
const byName = (objects: unknown[]) =>
  (objects as AnyObject[]).toSorted((a, b) => (`${a.kind} ${a.metadata.name}` < `${b.kind} ${b.metadata.name}` ? -1 : 1));

/** Every release of the local chart in a shipped lab, with something in it that the lab itself does not ask for. */
function releases(file: string, changes = {}): [string, Record<string, unknown>][] {
  const source = load(join(ROOT, file));
  if (Array.isArray(source)) throw new Error(`${file} cannot be read`);
  return Object.entries(synthesized(labWith(changes, source.value as LabInput))).flatMap(([id, stack]) =>
    Object.keys(stack.resource["helm_release"] ?? {})
      .map((name): [string, Record<string, unknown>] => [`${id}/${name}`, valuesOf(stack, name)])
      .filter(([, values]) => "objects" in values),
  );
}

describeWithTool("helm", "the local chart renders", () => {
  const everything = {
    kubernetes: { devicePlugin: { smokeTest: true } },
    ollama: { releases: { ollama: { allowFrom: ["192.0.2.0/24"] } } },
  };
  test.each([
    ...releases("examples/default.yaml", everything).map(([name, values]): [string, string, typeof values] => [
      "default.yaml",
      name,
      values,
    ]),
    ...releases("examples/home-lab.yaml").map(([name, values]): [string, string, typeof values] => [
      "home-lab.yaml",
      name,
      values,
    ]),
  ])("the objects of %s %s, key by key", (_lab, _name, values) => {
    const objects = values["objects"] as unknown[];
    expect(objects.length).toBeGreaterThan(0);
    expect(byName(rendered(values))).toEqual(byName(objects));
  });

  test("text that looks like a template, like YAML or like a number as the text it is", () => {
    const data = {
      template: '{{ .Values.x }} {{- include "y" . -}} {{',
      terraform: "${var.x} %{ if true }",
      backticks: "Host(`a.home.example`) && PathPrefix(`/api`)",
      lines: '#!/bin/sh\n\nset -eu\n\techo "$1"  \n  indented: true\n---\n',
      document: "---",
      yes: "yes",
      octal: "0777",
      number: "1e3",
      date: "2026-11-21",
      nothing: "",
      tilde: "~",
      unicode: "größer … 漢字",
    };
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "odd", namespace: "ml" }, data };
    expect(rendered({ objects: [object] })).toEqual([object]);
  });

  test("numbers, switches, empty lists and maps as they are", () => {
    const spec = { replicas: 0, large: 21_660_000, huge: 4_294_967_296, ratio: 0.5, on: true, off: false, none: [], empty: {} };
    const object = { apiVersion: "example.com/v1", kind: "Odd", metadata: { name: "odd" }, spec };
    expect(rendered({ objects: [object] })).toEqual([object]);
  });

  test("nothing from no objects", () => expect(rendered({ objects: [] })).toEqual([]));

  test("without a fault that Helm's own linter sees", () => {
    expect(helm("lint", "--strict", CHART)).toContain("1 chart(s) linted, 0 chart(s) failed");
  });
});
