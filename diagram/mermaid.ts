import type { Box, Column, Content, Group, Item, Kind, Picture } from "./picture";

/** How many boxes of a group stand side by side. */
const COLUMNS = 4;

/** Fill, line and text of each kind that boxes have; readable on a light page and on a dark one. */
const CLASSES: Readonly<Record<Kind, string>> = {
  container: "fill:#e8f1fd,stroke:#2563eb,color:#1f2328",
  server: "fill:#f1ebfd,stroke:#7c3aed,color:#1f2328",
  worker: "fill:#e6f6ec,stroke:#15803d,color:#1f2328",
  release: "fill:#e8f1fd,stroke:#2563eb,color:#1f2328",
  route: "fill:#e2f5f5,stroke:#0e7c86,color:#1f2328",
  mirror: "fill:#e2f5f5,stroke:#0e7c86,color:#1f2328",
  claim: "fill:#fdf1e3,stroke:#c2570c,color:#1f2328",
  storage: "fill:#fdf1e3,stroke:#c2570c,color:#1f2328",
  platform: "fill:#ffffff,stroke:#6e7781,color:#1f2328",
  staging: "fill:#ffffff,stroke:#6e7781,color:#1f2328",
};

/**
 * A text as a quoted label takes it. What Mermaid, its Markdown or HTML would read as markup becomes a character code, also the `://` and the
 * `www.` of an address, which its Markdown would make a link and then refuse.
 */
export function escapeLabel(text: string): string {
  return text
    .replace(/[\p{Control}\p{Surrogate}]/gu, " ")
    .replace(/["#&<>`*_~|\\@[\]{}]|:(?=\/\/)|\.(?<=\bwww\.)/g, (character) => `#${character.charCodeAt(0)};`);
}

const label = (parts: readonly string[]) => `"${parts.map(escapeLabel).join("<br/>")}"`;

const facts = ({ title, lines, gpus }: Pick<Box, "title" | "lines" | "gpus">) => [
  title,
  ...lines,
  ...gpus.map((gpu) => `GPU ${gpu}`),
];

/** The label of a frame: one line, since Mermaid leaves room for one, and draws over a second. */
const frameLabel = (group: Group) => label([facts(group).join(" · ")]);

/** What an item wrote, and the ids of what arrows to it and from it end at. */
interface Written {
  readonly lines: readonly string[];
  readonly first: string;
  readonly last: string;
}

/** Writes items, and gives each an id of its own: names of the lab may be words of Mermaid, such as `end`. */
class Writer {
  private next = 0;

  private id(): string {
    this.next += 1;
    return `n${this.next}`;
  }

  item(item: Item, indent: string): Written {
    if ("items" in item) return this.column(item, indent);
    return "content" in item ? this.group(item, indent) : this.box(item, indent);
  }

  private box(box: Box, indent: string): Written {
    const id = this.id();
    return { lines: [`${indent}${id}[${label(facts(box))}]:::${box.kind}`], first: id, last: id };
  }

  private group(group: Group, indent: string): Written {
    const id = this.id();
    const inside = this.content(group.content, `${indent}  `);
    // Mermaid draws a group without content as a box, and a subgraph must have some.
    if (inside.length === 0) return { lines: [`${indent}${id}[${frameLabel(group)}]`], first: id, last: id };
    return {
      lines: [
        `${indent}subgraph ${id}[${frameLabel(group)}]`,
        `${indent}  direction TB`,
        ...inside,
        `${indent}end`,
        ...(group.kind === "production" ? [`${indent}style ${id} stroke-dasharray: 6 4`] : []),
      ],
      first: id,
      last: id,
    };
  }

  private content(content: Content, indent: string): readonly string[] {
    if (!("grid" in content)) return this.column(content, indent).lines;
    const written = content.grid.map((item) => this.item(item, indent));
    // Without a link Mermaid puts all of them into one row; an invisible one puts a thing below another.
    const below = written.flatMap(({ first }, i) => {
      const above = written[i - COLUMNS];
      return above ? [`${indent}${above.last} ~~~ ${first}`] : [];
    });
    return [...written.flatMap(({ lines }) => lines), ...below];
  }

  private column({ items, arrows }: Column, indent: string): Written {
    const written = items.map((item) => this.item(item, indent));
    const links = written.slice(1).map(({ first }, i) => {
      const above = written[i]?.last;
      const arrow = arrows[i];
      if (!arrow) return `${indent}${above} ~~~ ${first}`;
      const [from, to] = arrow.direction === "down" ? [above, first] : [first, above];
      return `${indent}${from} -->|${label([arrow.label])}| ${to}`;
    });
    return {
      lines: [...written.flatMap(({ lines }) => lines), ...links],
      first: written[0]?.first ?? "",
      last: written.at(-1)?.last ?? "",
    };
  }
}

/** A picture as the source of a Mermaid flowchart, as GitHub and GitLab draw it in a block of Markdown. */
export function mermaid(picture: Picture): string {
  const { lines } = new Writer().item(picture.column, "  ");
  const classes = Object.entries(CLASSES)
    .filter(([kind]) => lines.some((line) => line.endsWith(`:::${kind}`)))
    .map(([kind, looks]) => `  classDef ${kind} ${looks}`);
  return [
    "flowchart TB",
    `  accTitle: ${escapeLine(picture.title)}`,
    `  accDescr: ${escapeLine(picture.summary)}`,
    ...lines,
    ...classes,
    "",
  ].join("\n");
}

/** A text for the rest of a line, which ends at a `;` or a line break. */
function escapeLine(text: string): string {
  return text.replace(/[;#\n\r]/g, " ");
}
