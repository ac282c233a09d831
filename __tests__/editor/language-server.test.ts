import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describeWithTool } from "../../testing/external-tool";
import { LanguageServer } from "../../testing/language-server";

const EXAMPLES = join(__dirname, "../../examples");

/** A lab in the form that people write. */
const lab = (container: string, more = "") => `name: homelab
proxmox:
  endpoint: https://pve1.lab.example:8006/
  nodes: { pve1: { address: 192.0.2.11 } }
containers:
  ollama-1: ${container}
${more}`;
const GOOD = "{ vmId: 201, address: 192.0.2.21 }";
const container = (setting: string) => lab(GOOD.replace(" }", `, ${setting} }`));

describeWithTool("yaml-language-server", "an editor", () => {
  let editor: LanguageServer;
  beforeAll(async () => {
    editor = await LanguageServer.start();
  });
  afterAll(() => editor.stop());

  test.each(readdirSync(EXAMPLES).filter((file) => file.endsWith(".yaml")))("underlines nothing in examples/%s", async (file) => {
    // The first line names the schema of the project, as this test's own head does.
    const text = readFileSync(join(EXAMPLES, file), "utf8").replace(/^# yaml-language-server:.*/, "");
    expect(await editor.diagnosticsOf(text)).toEqual([]);
  });

  test.each<[fact: string, text: string, said: string[]]>([
    ["the key that a map with a type misses", container("gpu: { type: nvidia }"), ['6:47 Missing property "driverVersion".']],
    ["the type that a map misses", container("gpu: { driverVersion: 580.95.05 }"), ['6:47 Missing property "type".']],
    ["the key that a map beside a text misses", container("template: { fileName: u.tar.zst }"), ['6:47 Missing property "url".']],
    ["both that a setting takes", container("template: 9000"), ['6:57 Incorrect type. Expected "string | object(lab.yaml)".']],
    [
      "a wrong value in a map beside a word",
      lab(GOOD, "kubernetes: { devicePlugin: { timeSlicing: 4x } }\n"),
      ['7:44 Incorrect type. Expected "integer".'],
    ],
    [
      "a mistyped key in a map beside a word",
      lab(GOOD, "kubernetes: { devicePlugin: { timeSlicng: 4 } }\n"),
      ["7:31 Property timeSlicng is not allowed."],
    ],
    [
      "what to write instead of half an address",
      lab("{ vmId: 201, address: 192.0.2 }"),
      ["6:35 Write an address such as 192.0.2.21 or 192.0.2.21/24, or the word dhcp."],
    ],
    [
      "what to write instead of half a version",
      lab(GOOD, 'cluster: { k3sVersion: "1.36", servers: {} }\n'),
      ["7:24 Write it exactly as the release is named, such as v1.36.3+k3s1."],
    ],
    [
      "what a key may be",
      lab(GOOD).replace("ollama-1:", "Ollama_1:"),
      ["6:3 Begin with a lower-case letter and go on with letters, digits and hyphens; at most 40 characters."],
    ],
    [
      "the words that a setting takes",
      lab(GOOD).replace("  nodes", "  auth: token\n  nodes"),
      ['4:9 Value is not accepted. Valid values: "apiToken", "rootPassword".'],
    ],
  ])("says %s", async (_, text, said) => {
    expect(await editor.diagnosticsOf(text)).toEqual(said);
  });

  test("shows meaning, default and example of a setting under the pointer", async () => {
    const text = await editor.hoverOver(lab(GOOD, "network: { bridge: vmbr0 }\n"), "bridge");
    expect(text).toContain("Bridge on the nodes. Default: vmbr0.\n\nExample:\n\n```yaml\nvmbr0\n```");
  });

  test("offers the settings of a section with their meaning, and an example as the value to overwrite", async () => {
    const offered = await editor.completionsAfter(lab(GOOD, "network:\n  "));
    expect(offered).toContainEqual(
      expect.objectContaining({
        label: "cidr",
        insertText: "cidr: ${1:192.0.2.0/24}",
        documentation: expect.stringContaining("The guests' network"),
      }),
    );
  });

  test("offers the words that a setting takes", async () => {
    const offered = await editor.completionsAfter(lab(GOOD, "cluster:\n  joinToken: "));
    expect(offered.map(({ label }) => label)).toEqual(["variable", "ssh"]);
  });
});
