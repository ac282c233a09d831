// A client of yaml-language-server: what editors such as VS Code, Neovim and Emacs show of a lab file.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const SCHEMA = pathToFileURL(join(__dirname, "../lab.schema.json")).href;
/** The line that each lab begins with for editors. */
const HEAD = `# yaml-language-server: $schema=${SCHEMA}\n`;

/** What editors set by default, without the list of schemas on the internet. */
const SETTINGS = { validate: true, hover: true, completion: true, schemaStore: { enable: false } };

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

interface Diagnostic {
  readonly message: string;
  readonly range: { readonly start: { readonly line: number; readonly character: number } };
}

interface Completion {
  readonly label: string;
  readonly insertText?: string;
  readonly documentation?: string | { readonly value: string };
}

/** A running language server with at most one lab open. */
export class LanguageServer {
  private readonly server: ChildProcessWithoutNullStreams;
  private readonly waiting: { readonly wants: (message: Message) => boolean; readonly take: (message: Message) => void }[] = [];
  private received = Buffer.alloc(0);
  private lastId = 0;
  private labs = 0;

  private constructor() {
    this.server = spawn("yaml-language-server", ["--stdio"]);
    this.server.stdout.on("data", (chunk: Buffer) => this.read(chunk));
  }

  /** Starts the server of PATH. `stop` ends it. */
  static async start(): Promise<LanguageServer> {
    const client = new LanguageServer();
    const capabilities = {
      textDocument: {
        hover: { contentFormat: ["plaintext"] },
        completion: { completionItem: { documentationFormat: ["plaintext"] } },
      },
    };
    await client.request("initialize", { processId: process.pid, rootUri: null, capabilities });
    client.send({ method: "initialized", params: {} });
    client.send({ method: "workspace/didChangeConfiguration", params: { settings: { yaml: SETTINGS } } });
    return client;
  }

  stop(): void {
    this.server.kill();
  }

  /** What the editor underlines in a lab, as "line:column message"; line 1 is the lab's own first. */
  async diagnosticsOf(lab: string): Promise<string[]> {
    const uri = this.nextUri();
    const published = this.next(
      ({ method, params }) => method === "textDocument/publishDiagnostics" && (params as { uri: string }).uri === uri,
    );
    this.open(lab, uri);
    const { diagnostics } = (await published).params as { diagnostics: Diagnostic[] };
    // The head is line 0.
    return diagnostics.map(({ range: { start }, message }) => `${start.line}:${start.character + 1} ${message}`);
  }

  /** What the editor shows over the last occurrence of a word. */
  async hoverOver(lab: string, word: string): Promise<string> {
    const result = (await this.request("textDocument/hover", {
      textDocument: this.open(lab),
      position: placeOf(lab, lab.lastIndexOf(word)),
    })) as {
      contents: string | { value: string };
    } | null;
    const contents = result?.contents ?? "";
    return typeof contents === "string" ? contents : contents.value;
  }

  /** What the editor offers at the end of a lab. */
  async completionsAfter(lab: string): Promise<Completion[]> {
    const result = (await this.request("textDocument/completion", {
      textDocument: this.open(lab),
      position: placeOf(lab, lab.length),
    })) as Completion[] | { items: Completion[] };
    return Array.isArray(result) ? result : result.items;
  }

  /** Each lab is a file of its own, so that no answer is about another. */
  private nextUri(): string {
    this.labs += 1;
    return `file:///labs/lab-${this.labs}.yaml`;
  }

  private open(lab: string, uri = this.nextUri()): { readonly uri: string } {
    this.send({
      method: "textDocument/didOpen",
      params: { textDocument: { uri, languageId: "yaml", version: 1, text: HEAD + lab } },
    });
    return { uri };
  }

  private async request(method: string, params: unknown): Promise<unknown> {
    this.lastId += 1;
    const id = this.lastId;
    const answer = this.next((message) => message.id === id && message.method === undefined);
    this.send({ id, method, params });
    return (await answer).result;
  }

  private next(wants: (message: Message) => boolean): Promise<Message> {
    return new Promise((take) => this.waiting.push({ wants, take }));
  }

  private send(message: Message): void {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  private read(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const head = this.received.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/i.exec(this.received.subarray(0, Math.max(head, 0)).toString())?.[1]);
      if (head < 0 || this.received.length < head + 4 + length) return;
      const message = JSON.parse(this.received.subarray(head + 4, head + 4 + length).toString()) as Message;
      this.received = this.received.subarray(head + 4 + length);
      this.take(message);
    }
  }

  private take(message: Message): void {
    if (message.method !== undefined && message.id !== undefined) this.send({ id: message.id, result: answerTo(message) });
    const index = this.waiting.findIndex(({ wants }) => wants(message));
    if (index >= 0) this.waiting.splice(index, 1)[0]?.take(message);
  }
}

/** What the server is told when it asks: its settings, section by section, and nothing else. */
function answerTo({ method, params }: Message): unknown {
  if (method !== "workspace/configuration") return null;
  const { items } = params as { items: { section?: string }[] };
  return items.map(({ section }) => (section === "yaml" ? SETTINGS : null));
}

/** Where an offset of the lab is in the document, whose first line is the head. */
function placeOf(lab: string, offset: number): { line: number; character: number } {
  const before = lab.slice(0, offset).split("\n");
  return { line: before.length, character: before.at(-1)?.length ?? 0 };
}
