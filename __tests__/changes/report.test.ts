import type { Change } from "../../changes/compare";
import { differences } from "../../changes/difference";
import { asMarkdown, asPlainText, escapeMarkdown, numbers, sentences } from "../../changes/report";

const restart: Change = {
  action: "restarted",
  stack: "containers",
  address: "proxmox_virtual_environment_container.ollama-1",
  name: "container ollama-1",
  reasons: [{ what: "bridge", change: "vmbr0 → vmbr1", effect: "restarts" }],
};
const gone = (name: string): Change => ({
  action: "destroyed",
  stack: "containers",
  address: `a.${name}`,
  name: `container ${name}`,
  reasons: [],
});
const kept: Change = {
  action: "kept",
  stack: "ollama",
  address: "a.b",
  name: "claim ollama",
  reasons: [],
  note: "It is protected.",
};
const sides = { base: "cdktf.out", lab: "lab.yaml" };

describe("a change in words", () => {
  test("is one sentence where there is one reason", () => {
    expect(sentences(restart)).toEqual(["container ollama-1 restarts because its bridge changes: vmbr0 → vmbr1"]);
  });
  test("has a line for each of several reasons", () => {
    const reasons = [...restart.reasons, { what: "memory", change: "16 GiB → 24 GiB", effect: "restarts" as const }];
    expect(sentences({ ...restart, reasons })).toEqual([
      "container ollama-1 restarts because",
      "its bridge changes: vmbr0 → vmbr1",
      "its memory changes: 16 GiB → 24 GiB",
    ]);
  });
  test("says of a reason that does less what it does", () => {
    const reasons = [...restart.reasons, { what: "tags", change: "+ chat", effect: "in-place" as const }];
    expect(sentences({ ...restart, reasons }).at(-1)).toBe("its tags change: + chat (in place)");
  });
  test("says each note once", () => {
    const reasons = ["a", "b"].map((what) => ({
      what,
      change: "1 → 2",
      effect: "replaces" as const,
      note: "Its disks are deleted with it.",
    }));
    expect(sentences({ ...restart, action: "replaced", reasons }).slice(-1)).toEqual(["Its disks are deleted with it."]);
  });
});

describe("the text", () => {
  test("has the numbers first, the most dangerous first, and at the end what it cannot know", () => {
    expect(asPlainText([gone("chat"), restart, kept], sides)).toMatch(
      /^lab\.yaml, compared with cdktf\.out: 1 destroyed, 1 restarted\.\n\nDestroyed\n {2}container chat is destroyed\n\nRestarted\n {2}container ollama-1.*\n\nKept as it is\n.*only a plan knows\.$/s,
    );
  });
  test("says that nothing changes where only something is kept", () => expect(numbers([kept])).toBe("nothing changes"));
});

describe("the Markdown", () => {
  const markdown = asMarkdown([gone("chat"), restart, kept], sides);
  test("begins with a mark, by which a pipeline finds its comment again", () =>
    expect(markdown).toMatch(/^<!-- ollama-lab diff -->\n\n### /));
  test("has a row for each action that does something, grave ones in bold", () => {
    expect(markdown.split("\n").filter((line) => line.startsWith("|"))).toEqual([
      "| What a deploy does | | |",
      "|---|---|---|",
      "| **Destroyed** | 1 | container chat |",
      "| Restarted | 1 | container ollama-1 |",
    ]);
  });
  test("has the details folded, with what is kept", () => {
    expect(markdown).toMatch(
      /<details><summary>.*<\/summary>\n\n.*claim ollama stays as it is\. It is protected\..*<\/details>/s,
    );
  });
  test("counts what is too much for a row", () => {
    const many = Array.from({ length: 11 }, (_, i) => gone(`chat-${i}`));
    expect(asMarkdown(many, sides)).toContain("container chat-7 and 3 more |");
  });
  test("has no table where nothing changes", () => expect(asMarkdown([kept], sides)).not.toContain("|---"));
  test.each([
    ["a cell's end", "a | b", "a &#124; b"],
    ["markup", "<b>*a*</b> `c` [d](e)", "&#60;b&#62;&#42;a&#42;&#60;/b&#62; &#96;c&#96; &#91;d&#93;(e)"],
    ["a mention", "@all", "&#64;all"],
    ["a reference to an issue", "#1", "&#35;1"],
    ["an address that would be a link", "https://a.example www.b.example", "https&#58;//a.example www&#46;b.example"],
    ["a line break", "a\nb", "a b"],
  ])("has %s as text", (_, text, expected) => expect(escapeMarkdown(text)).toBe(expected));
});

describe("differences", () => {
  const found = (before: Parameters<typeof differences>[0], after: Parameters<typeof differences>[1]) =>
    differences(before, after).map(({ path, labels, before: was, after: is }) => ({ path, labels, was, is }));
  test("are told as deep as they are", () => {
    expect(found({ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } })).toEqual([
      { path: ["a", "c"], labels: ["a", "c"], was: 2, is: 3 },
    ]);
  });
  test("are none between nothing, null, an empty text and an empty list", () => {
    expect(found({ a: null, b: "", c: [] }, {})).toEqual([]);
  });
  test("of a list are told by the names of its items, whatever their order", () => {
    const before = [
      { name: "a", value: 1 },
      { name: "b", value: 2 },
    ];
    expect(
      found(
        { env: before },
        {
          env: [
            { name: "b", value: 3 },
            { name: "a", value: 1 },
          ],
        },
      ),
    ).toEqual([{ path: ["env", 0, "value"], labels: ["env", "[b]", "value"], was: 2, is: 3 }]);
  });
  test("of a list have what comes and goes at the list's own path, as the table of costs wants it", () => {
    expect(found({ hostpci: [] }, { hostpci: [{ device: "hostpci0" }] })).toEqual([
      { path: ["hostpci"], labels: ["hostpci"], was: [], is: [{ device: "hostpci0" }] },
    ]);
  });
  test("of a text that is JSON are told by what it says, at the path of the text", () => {
    expect(found({ values: ['{"a":{"b":1}}'] }, { values: ['{"a":{"b":2}}'] })).toEqual([
      { path: ["values", 0], labels: ["values", "a", "b"], was: 1, is: 2 },
    ]);
  });
});
