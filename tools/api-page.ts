import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";

const ROOT = join(__dirname, "..");

/** The entries of the package, by the names under which they are imported. package.json has the same. */
export const ENTRIES: Readonly<Record<string, string>> = {
  "ollama-lab": "index.ts",
  "ollama-lab/proxmox": "constructs/proxmox/index.ts",
  "ollama-lab/k3s": "constructs/k3s/index.ts",
  "ollama-lab/kubernetes": "constructs/kubernetes/index.ts",
  "ollama-lab/ollama": "constructs/ollama/index.ts",
};

/** What the page says of a declaration or of one of its members. */
interface Documented {
  /** The name, dotted where it lies in another: `network.mac`. */
  readonly name: string;
  /** The type or the signature, as the source has it. */
  readonly type: string;
  /** The doc comment. Empty where there is none. */
  readonly comment: string;
  /** What holds when a prop is left out. @default the prop is required, or the comment does not say */
  readonly fallback?: string;
  readonly optional: boolean;
}

/** A name that an entry exports. */
export interface Exported extends Documented {
  /** The file that declares it, from the project's folder. */
  readonly file: string;
  /** What it is. */
  readonly kind: "class" | "interface" | "type" | "function" | "constant";
  readonly members: readonly Documented[];
}

const parsed = new Map<string, ts.SourceFile>();

/** A file's syntax. */
function parse(file: string): ts.SourceFile {
  const source = parsed.get(file) ?? ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
  parsed.set(file, source);
  return source;
}

/** The text of a doc comment on one line, with its links and code left as they are. */
function textOf(comment: ts.JSDoc["comment"] | undefined): string {
  return (ts.getTextOfJSDocComment(comment) ?? "").replace(/\s+/g, " ").trim();
}

/** A declaration's doc comment, apart from what it says about the default. */
function commentOf(node: ts.Node): { comment: string; fallback?: string } {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).slice(-1);
  const tags = doc?.tags ?? [];
  const fallback = tags.find(({ tagName }) => tagName.text === "default");
  const others = tags
    .filter((tag) => tag !== fallback)
    .map((tag) => {
      const subject = ts.isJSDocParameterTag(tag) ? `\`${tag.name.getText()}\`: ` : "";
      // TypeScript takes the first word after @throws for a type.
      const words = textOf(tag.comment);
      const thrown = ts.isJSDocThrowsTag(tag) ? "Throws " : "";
      return `${thrown}${subject}${words}`;
    });
  const comment = [textOf(doc?.comment), ...others]
    .filter(Boolean)
    .map((text) => (/[.:…]$/.test(text) ? text : `${text}.`))
    .join(" ");
  return { comment, fallback: fallback && textOf(fallback.comment) };
}

function modifiersOf(node: ts.Node): ts.SyntaxKind[] {
  return ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []).map(({ kind }) => kind) : [];
}

function isPublic(node: ts.Node): boolean {
  const modifiers = modifiersOf(node);
  return !modifiers.includes(ts.SyntaxKind.PrivateKeyword) && !modifiers.includes(ts.SyntaxKind.ProtectedKeyword);
}

/** A type or a signature on one line. The object types in it are described by rows of their own. */
function brief(text: string): string {
  return text
    .replace(/\/\*\*[\s\S]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .replace(/\{ (readonly [^{}]*?;? ?)\}/g, "{…}")
    .replace(/: ?readonly /g, ": ")
    .replace(/\breadonly (?=[\w(["{])/g, "")
    .replace(/^\| /, "")
    .trim();
}

/** The object types within a type. A union has several. */
function* objectsIn(type: ts.TypeNode | undefined): Iterable<ts.TypeLiteralNode> {
  if (!type) return;
  if (ts.isTypeLiteralNode(type)) yield type;
  if (ts.isUnionTypeNode(type) || ts.isIntersectionTypeNode(type)) for (const part of type.types) yield* objectsIn(part);
  if (ts.isParenthesizedTypeNode(type)) yield* objectsIn(type.type);
}

/** The properties of an object type, and those of the object types within it. */
function* propertiesOf(members: readonly ts.TypeElement[], prefix = ""): Iterable<Documented> {
  for (const member of members) {
    if (!ts.isPropertySignature(member)) continue;
    const name = `${prefix}${member.name.getText()}`;
    yield {
      name,
      type: brief(member.type?.getText() ?? "unknown"),
      optional: member.questionToken !== undefined,
      ...commentOf(member),
    };
    for (const object of objectsIn(member.type)) yield* propertiesOf(object.members, `${name}.`);
  }
}

function signatureOf({ parameters, type }: ts.SignatureDeclaration): string {
  return `(${parameters.map((parameter) => brief(parameter.getText())).join(", ")})${type ? `: ${brief(type.getText())}` : ""}`;
}

/** The public members of a class. */
function* membersOf(declaration: ts.ClassDeclaration): Iterable<Documented> {
  for (const member of declaration.members) {
    if (!isPublic(member)) continue;
    const common = { optional: false, ...commentOf(member) };
    if (ts.isConstructorDeclaration(member)) {
      for (const parameter of member.parameters) {
        // What a parameter with a modifier declares is a property too.
        if (modifiersOf(parameter).length === 0 || !isPublic(parameter)) continue;
        yield {
          name: parameter.name.getText(),
          type: brief(parameter.type?.getText() ?? ""),
          optional: false,
          ...commentOf(parameter),
        };
      }
    } else if (ts.isMethodDeclaration(member)) {
      const owner = modifiersOf(member).includes(ts.SyntaxKind.StaticKeyword) ? `${declaration.name?.text}.` : "";
      yield { ...common, name: `${owner}${member.name.getText()}()`, type: signatureOf(member) };
    } else if (ts.isPropertyDeclaration(member) || ts.isGetAccessorDeclaration(member)) {
      const type = member.type?.getText() ?? "";
      yield { ...common, name: member.name.getText(), type: brief(type) };
    }
  }
}

/** What a class is made with, and what an interface or a class extends. */
function headOf(declaration: ts.ClassDeclaration | ts.InterfaceDeclaration): string {
  const base = (declaration.heritageClauses ?? []).map((clause) => brief(clause.getText())).join(" ");
  const parameters = declaration.typeParameters ? `<${declaration.typeParameters.map((one) => one.getText()).join(", ")}>` : "";
  return `${declaration.name?.text}${parameters}${base ? ` ${base}` : ""}`;
}

function described(node: ts.Node, name: string, file: string): Exported {
  const common = { name, file, optional: false, ...commentOf(node) };
  if (ts.isClassDeclaration(node)) {
    const isAbstract = modifiersOf(node).includes(ts.SyntaxKind.AbstractKeyword);
    const made = node.members.find(ts.isConstructorDeclaration);
    const parameters = made?.parameters.map((parameter) =>
      brief(
        parameter
          .getText()
          .replace(/^(?:(?:private|public|readonly) )+/, "")
          .replace(/^\{[\s\S]*?\}(?=:)/, "props"),
      ),
    );
    const call = isAbstract || !parameters ? "" : `new ${name}(${parameters.join(", ")})`;
    return { ...common, kind: "class", type: call || `class ${headOf(node)}`, members: [...membersOf(node)] };
  }
  if (ts.isInterfaceDeclaration(node)) {
    return { ...common, kind: "interface", type: `interface ${headOf(node)}`, members: [...propertiesOf(node.members)] };
  }
  if (ts.isTypeAliasDeclaration(node)) {
    const members = [...objectsIn(node.type)].flatMap((object) => [...propertiesOf(object.members)]);
    return { ...common, kind: "type", type: `type ${name} = ${brief(node.type.getText())}`, members };
  }
  if (ts.isFunctionDeclaration(node)) {
    return { ...common, kind: "function", type: `function ${name}${signatureOf(node)}`, members: [] };
  }
  if (ts.isVariableStatement(node)) {
    const [variable] = node.declarationList.declarations;
    const value =
      variable?.type?.getText() ??
      (variable?.initializer && ts.isStringLiteral(variable.initializer) ? variable.initializer.getText() : "");
    return { ...common, kind: "constant", type: `const ${name}: ${value}`, members: [] };
  }
  throw new Error(`${file}: ${name} is declared in a way that tools/api-page.ts does not know.`);
}

function namesOf(node: ts.Statement): string[] {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText());
  const named = node as ts.Statement & { readonly name?: ts.Node };
  return named.name ? [named.name.getText()] : [];
}

/** What a file exports: what it declares, and what it passes on from other files. */
function exportsOf(file: string): Exported[] {
  return parse(file).statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || !statement.exportClause || !ts.isNamedExports(statement.exportClause)) return [];
    const target = join(dirname(file), (statement.moduleSpecifier as ts.StringLiteral).text);
    const source = [`${target}.ts`, `${target}/index.ts`].find((path) => ts.sys.fileExists(path));
    if (!source) throw new Error(`${file} exports from ${target}, which is no file.`);
    return statement.exportClause.elements.map(({ name }) => {
      const declaration = parse(source).statements.find((one) => namesOf(one).includes(name.text));
      if (!declaration) throw new Error(`${source} does not declare ${name.text}.`);
      return described(declaration, name.text, relative(ROOT, source));
    });
  });
}

/** The exported names of an entry, in alphabetical order. */
export function exportedBy(entry: string): Exported[] {
  const file = ENTRIES[entry];
  if (file === undefined) throw new Error(`The package has no entry ${entry}.`);
  return exportsOf(join(ROOT, file)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

const cell = (text: string) => text.replaceAll("|", "\\|");
const code = (text: string) => (text ? `\`${cell(text)}\`` : "");

function table(rows: readonly Documented[], kind: Exported["kind"]): string {
  if (rows.length === 0) return "";
  const props = kind !== "class";
  const head = props
    ? ["| Property | Type | Default | |", "| --- | --- | --- | --- |"]
    : ["| Member | Type | |", "| --- | --- | --- |"];
  return [
    ...head,
    ...rows.map(({ name, type, optional, comment, fallback }) => {
      const without = optional ? cell(fallback ?? "") : "required";
      return `| \`${name}\` | ${code(type)} |${props ? ` ${without} |` : ""} ${cell(props ? comment : [comment, fallback && `Absent: ${fallback}.`].filter(Boolean).join(" "))} |`;
    }),
  ].join("\n");
}

function section(one: Exported): string {
  return [`### ${one.name}`, one.comment, `\`\`\`ts\n${one.type}\n\`\`\``, table(one.members, one.kind)]
    .filter(Boolean)
    .join("\n\n");
}

const HEAD = `<!-- npm run docs writes this page from the doc comments of the source. Change the texts there. -->
# API reference

What the package exports, entry by entry. [library.md](library.md) says how to install it and shows it at work. Props that are left out
have the defaults of a lab. Every construct throws a \`PropsError\` that names all of its props that are wrong.`;

/** The page docs/api.md: every exported name with its doc comment. A name that several entries export is described at the first. */
export function apiPage(): string {
  const known = new Set<string>();
  const chapters = Object.keys(ENTRIES).map((entry) => {
    const all = exportedBy(entry).filter(({ name, file }) => !known.has(`${file} ${name}`));
    for (const { name, file } of all) known.add(`${file} ${name}`);
    const summary = textOf(
      ts.getJSDocCommentsAndTags(parse(join(ROOT, ENTRIES[entry] ?? "")).statements[0] as ts.Node).filter(ts.isJSDoc)[0]?.comment,
    );
    return [`## ${entry}`, summary, ...all.map(section)].join("\n\n");
  });
  return `${[HEAD, ...chapters].join("\n\n")}\n`;
}

if (require.main === module) writeFileSync(join(ROOT, "docs/api.md"), apiPage());
