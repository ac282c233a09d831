// What a lab's own synthesizer writes, compared with cdktf's.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, DefaultTokenResolver, type IResolvable, StringConcat, TerraformStack, Testing, Token, Tokenization } from "cdktf";
import { VirtualEnvironmentContainer } from "../../.gen/providers/proxmox/virtual-environment-container";
import { TerraformData } from "../../constructs/terraform-data";
import { readLab } from "../../lab/read";
import { buildStacks } from "../../stacks";
import { writeJson } from "../../stacks/json-file";
import { LabSynthesizer } from "../../stacks/lab-synthesizer";
import { reference, resolved } from "../../stacks/resolved";
import { withoutStackTraces } from "../../stacks/synthesize";

const ROOT = join(__dirname, "../..");
const EXAMPLES = readdirSync(join(ROOT, "examples")).filter((file) => file.endsWith(".yaml"));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "synthesizer-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The files that a synthesis writes, by their paths. */
function synthesized(example: string, outdir: string, own: boolean): Record<string, string> {
  const { lab, problems } = readLab(join(ROOT, "examples", example));
  if (!lab) throw new Error(`${example} has errors`);
  withoutStackTraces(() => {
    const app = new App({ outdir, stackTraces: false });
    for (const stack of buildStacks(app, lab, problems)) if (own) stack.synthesizer = new LabSynthesizer(stack);
    app.synth();
  });
  const files = readdirSync(outdir, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(outdir, file)).isFile(),
  );
  const contents = Object.fromEntries(files.sort().map((file) => [file, readFileSync(join(outdir, file), "utf8")]));
  rmSync(outdir, { recursive: true });
  return contents;
}

type Described = Record<string, Record<string, { "//"?: unknown }>>;

/** A stack as cdktf writes it, without what nobody reads: the path of each resource, and the names of overridden attributes. */
function lean(text: string): unknown {
  const stack = JSON.parse(text) as { resource?: Described; data?: Described; "//": { metadata: { overrides?: unknown } } };
  for (const section of [stack.resource, stack.data]) {
    for (const named of Object.values(section ?? {})) for (const one of Object.values(named)) delete one["//"];
  }
  delete stack["//"].metadata.overrides;
  return stack;
}

describe.each(EXAMPLES)("examples/%s", (example) => {
  const outdir = () => join(folder, "cdktf.out");
  let ours: Record<string, string>;
  let cdktfs: Record<string, string>;
  beforeAll(() => {
    cdktfs = synthesized(example, outdir(), false);
    ours = synthesized(example, outdir(), true);
  });
  const isStack = (file: string) => file.endsWith("cdk.tf.json");

  test("has the same files", () => expect(Object.keys(ours)).toEqual(Object.keys(cdktfs)));
  test("has the same manifest, assets and warnings in them", () => {
    const others = (files: Record<string, string>) => Object.entries(files).filter(([file]) => !isStack(file));
    expect(others(ours)).toEqual(others(cdktfs));
  });
  test("has the same stacks, without what describes each resource to nobody", () => {
    const stacks = (files: Record<string, string>, read: (text: string) => unknown) =>
      Object.entries(files).flatMap(([file, text]) => (isStack(file) ? [[file, read(text)]] : []));
    expect(stacks(ours, JSON.parse)).toEqual(stacks(cdktfs, lean));
  });
});

describe("a value without tokens", () => {
  const never = () => {
    throw new Error("cdktf is not asked");
  };
  test.each([
    ["a text, also one of Terraform's templates", "${var.one} %{if true}"],
    ["a number", 0.25],
    ["a switch", false],
    ["null", null],
    ["a list of one text", ["one"]],
    ["an empty list", []],
    ["maps in lists in maps", { a: [{ b: { c: [1, "2"] } }] }],
  ])("%s is copied, and cdktf is not asked", (_, value) => expect(resolved(value, never)).toEqual(value));

  test("undefined is left out of maps and lists", () => {
    expect(resolved({ a: undefined, b: [undefined, 1] }, never)).toEqual({ b: [1] });
  });
});

describe("what may hold a token goes to cdktf", () => {
  const token = { resolve: () => "x" };
  test.each([
    ["a text with a token", `a ${Token.asString(token)}`],
    ["the number of a token", Token.asNumber(token)],
    ["a text with the number of a token", `port ${Token.asNumber(token)}`],
    ["the list of a token", Token.asList(token)],
    ["the list of numbers of a token", Token.asNumberList(token)],
    ["the map of a token", Token.asStringMap(token)],
    ["a token itself", token],
    ["a token of a class", Token.asAny(token)],
    ["the text of a map of texts", Token.STRING_MAP_TOKEN_VALUE],
    ["the number of a map of numbers", Token.NUMBER_MAP_TOKEN_VALUE],
    ["the text of a map of anything", Token.ANY_MAP_TOKEN_VALUE],
  ])("%s", (_, value) => expect(resolved({ a: [{ b: value }, 1] }, () => "asked")).toEqual({ a: [{ b: "asked" }, 1] }));
});

describe("a reference", () => {
  const scope = () => new TerraformStack(Testing.app({ outdir: join(folder, "references"), stackTraces: false }), "stack");
  const resolver = new DefaultTokenResolver(new StringConcat());
  const asked = (token: unknown, stack: TerraformStack) => [
    reference(token, stack),
    Tokenization.resolve(token, { scope: stack, preparing: false, resolver }),
  ];
  /** A token that is resolved so. */
  const token = (resolve: IResolvable["resolve"]) => Token.asString({ creationStack: [], resolve, toString: () => "token" });
  const resource = (stack: TerraformStack) => {
    const data = new TerraformData(stack, "one");
    data.overrideLogicalId("one");
    return data;
  };

  test("to a text of a resource is what cdktf makes of it", () => {
    const stack = scope();
    const [ours, cdktfs] = asked(resource(stack).id, stack);
    expect([ours, cdktfs]).toEqual(["${terraform_data.one.id}", "${terraform_data.one.id}"]);
  });
  test("to a number of a resource is what cdktf makes of it", () => {
    const stack = scope();
    const number = resource(stack).getNumberAttribute("count");
    expect(asked(number, stack)).toEqual(["${terraform_data.one.count}", "${terraform_data.one.count}"]);
  });
  test("of a resource to what it depends on is the address alone", () => {
    const stack = scope();
    const { dependsOn } = new TerraformData(stack, "two", { dependsOn: [resource(stack)] });
    expect(asked(dependsOn?.[0], stack)).toEqual(["terraform_data.one", "terraform_data.one"]);
  });
  test.each([
    ["a text without a token", () => "text"],
    ["a text around a token", () => `a ${token(() => "x")}`],
    ["a token of a list", () => token(() => ["x"])],
    ["a token that asks for another", () => token((context) => context.resolve("x"))],
    ["a token of a text with a token in it", () => token(() => `a ${token(() => "x")}`)],
    [
      "a token that changes what comes of it",
      () =>
        token((context) => {
          context.registerPostProcessor({ postProcess: () => "y" });
          return "x";
        }),
    ],
  ])("%s is none, and goes to cdktf", (_, make) => expect(reference(make(), scope())).toBeUndefined());
});

test("a file of JSON has the layout that cdktf gives it, also in pieces and beyond ASCII", () => {
  const value = { b: [1, { z: null, a: "→ü" }, []], a: {}, long: "x".repeat(400_000), after: [true] };
  const file = join(folder, "value.json");
  writeJson(file, value);
  expect(readFileSync(file, "utf8")).toBe(
    [
      '{\n  "a": {\n  },\n  "after": [\n    true\n  ],\n  "b": [\n    1,\n    {\n      "a": "→ü",\n      "z": null\n    },\n    [\n    ]\n  ],',
      `  "long": "${"x".repeat(400_000)}"\n}`,
    ].join("\n"),
  );
});

test("a part of a file is made once the parts before it are written, and not again", () => {
  const file = join(folder, "parts.json");
  const made: string[] = [];
  const part = (name: string) => () => {
    made.push(name);
    // A part is larger than what is collected before it is written.
    return { before: made.length === 1 ? 0 : statSync(file).size > 300_000, long: "x".repeat(300_000) };
  };
  writeJson(file, { b: part("b"), a: { c: part("c") } });
  const text = readFileSync(file, "utf8");
  expect(made).toEqual(["c", "b"]);
  expect(JSON.parse(text)).toMatchObject({ a: { c: { before: 0 } }, b: { before: true } });
});

describe("a stack of a lab", () => {
  function containersOf(example: string, outdir: string) {
    const { lab } = readLab(join(ROOT, "examples", example));
    if (!lab) throw new Error("the example has errors");
    const app = new App({ outdir, stackTraces: false });
    const [stack] = buildStacks(app, lab, []);
    if (!stack) throw new Error("the example has no stack");
    return { app, stack, synthesizer: new LabSynthesizer(stack) };
  }
  const CONTAINER = "proxmox_virtual_environment_container";

  test("is the same as a value, for a comparison, and in its file", () => {
    const outdir = join(folder, "same");
    const { app, stack, synthesizer } = containersOf("lxc.yaml", outdir);
    stack.synthesizer = synthesizer;
    const value = synthesizer.whole();
    app.synth();
    expect(JSON.parse(readFileSync(join(outdir, "stacks/containers/cdk.tf.json"), "utf8"))).toEqual(value);
  });
  test("keeps a resource whose part the stack overrides", () => {
    const { stack, synthesizer } = containersOf("lxc.yaml", join(folder, "overridden"));
    stack.addOverride(`resource.${CONTAINER}.ollama-1.cpu.units`, 512);
    expect(synthesizer.whole()).toMatchObject({
      resource: { [CONTAINER]: { "ollama-1": { cpu: { cores: 8, units: 512 }, vm_id: 201 } } },
    });
  });
  test("keeps what an override of a resource adds", () => {
    const { stack, synthesizer } = containersOf("lxc.yaml", join(folder, "resource"));
    const container = stack.node.findAll().find((one) => one instanceof VirtualEnvironmentContainer);
    container?.addOverride("cpu.units", 512);
    expect(synthesizer.whole()).toMatchObject({ resource: { [CONTAINER]: { "ollama-1": { cpu: { cores: 8, units: 512 } } } } });
  });
});

test("a lab that a stack refuses is refused, with the reason", () => {
  const { lab } = readLab(join(ROOT, "examples/lxc.yaml"));
  if (!lab) throw new Error("the example has errors");
  const app = Testing.app({ outdir: join(folder, "refused") });
  const [stack] = buildStacks(app, lab, []);
  if (!stack) throw new Error("the example has no stack");
  stack.synthesizer = new LabSynthesizer(stack);
  stack.node.addValidation({ validate: () => ["this is wrong"] });
  expect(() => app.synth()).toThrow("this is wrong");
});

test("an error that is thrown meanwhile has its stack", () => {
  const thrown = withoutStackTraces(() => {
    try {
      throw new Error("wrong");
    } catch (error) {
      return error;
    }
  });
  expect((thrown as Error).stack).toContain("lab-synthesizer.test.ts");
});
