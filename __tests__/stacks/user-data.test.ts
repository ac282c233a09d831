import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { describeWithTool } from "../../testing/external-tool";
import { clusterLab, labWith, stackOf } from "../../testing/lab";
import { snippetOf, textOf, type UserData } from "../../testing/rendered";
import { openLab } from "../../testing/terraform/lab-workspace";
import type { Plan } from "../../testing/terraform/stack-run";

const SERVER = "5".repeat(64);
const AGENT = "7".repeat(64);
const TEMPLATES = join(__dirname, "../../templates/k3s");

/** A planned snippet. */
interface Snippet {
  address: string;
  values: { source_raw?: { data: string }[] };
}

describeWithTool("terraform", "a token of another form", () => {
  const REFUSED = "not-a-real-token-but-a-secret";
  const NAMES = ["k3s_server_token", "k3s_agent_token"];
  let plan: Plan;
  beforeAll(async () => {
    const variables = Object.fromEntries(NAMES.map((name) => [name, REFUSED]));
    plan = await (await openLab(clusterLab, { variables })).stack("cluster").plan();
  });

  test.each(NAMES)("is refused in the plan, which names %s", (name) => {
    const details = plan.diagnostics.map(({ detail }) => detail);
    expect([plan.succeeded, details]).toEqual([
      false,
      expect.arrayContaining([expect.stringContaining(`${name} must be 64 hexadecimal digits`)]),
    ]);
  });

  test("is not printed", () => {
    expect(JSON.stringify(plan)).not.toContain(REFUSED);
  });
});

describeWithTool("terraform", "user data, as Terraform makes it", () => {
  const lab = labWith({}, clusterLab);
  let planned: Record<string, string>;
  beforeAll(async () => {
    const workspace = await openLab(lab, { variables: { k3s_server_token: SERVER, k3s_agent_token: AGENT } });
    const stack = workspace.stack("cluster");
    const shown = (await stack.show(await stack.plan())) as unknown as {
      planned_values: { root_module: { resources: Snippet[] } };
    };
    const snippets = shown.planned_values.root_module.resources.filter(({ address }) => address.endsWith("user-data"));
    planned = Object.fromEntries(
      snippets.map(({ address, values }) => [address.split(".")[1] ?? "", values.source_raw?.[0]?.data ?? ""]),
    );
  });

  test("is what the other tests take it for", () => {
    const stack = stackOf(lab, "cluster");
    const expected = Object.keys(planned).map((name) => {
      const text = textOf(snippetOf(stack, name))
        .replaceAll("${var.k3s_server_token}", SERVER)
        .replaceAll("${var.k3s_agent_token}", AGENT);
      return [name, text] as const;
    });
    expect(expected.length).toBeGreaterThan(1);
    expect(planned).toEqual(Object.fromEntries(expected));
  });

  test("holds the scripts of templates/ byte by byte", () => {
    for (const text of Object.values(planned)) {
      const scripts = (parse(text) as UserData).write_files.filter(({ path }) => path.endsWith(".sh"));
      expect(scripts.length).toBeGreaterThan(1);
      for (const { path, content } of scripts) {
        expect(content).toBe(readFileSync(join(TEMPLATES, path.split("/").at(-1) ?? ""), "utf8"));
      }
    }
  });
});
