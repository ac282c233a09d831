import { createInterface, type Interface } from "node:readline";
import { Refusal } from "./command";

/** Asks a person one question, and returns the line that was typed. */
export type Ask = (text: string) => Promise<string>;

/** A person at a terminal. */
export class Terminal {
  private opened?: { readonly lines: Interface; readonly typed: AsyncIterator<string> };

  /**
   * Asks on stderr, so that stdout keeps what programs read. Lines that were typed ahead are answers too.
   * @throws Refusal when the person leaves, by Ctrl-C or Ctrl-D
   */
  readonly ask: Ask = async (text) => {
    const { lines, typed } = this.open();
    const cut = text.lastIndexOf("\n") + 1;
    process.stderr.write(text.slice(0, cut));
    lines.setPrompt(text.slice(cut));
    lines.prompt();
    const { value, done } = await typed.next();
    if (done) throw new Refusal("\nYou left before the end. Nothing was written.");
    return value;
  };

  /** Gives the terminal back. Without it the process would wait for more lines. */
  close(): void {
    this.opened?.lines.close();
    delete this.opened;
  }

  /** The terminal is taken at the first question: most commands ask none. */
  private open() {
    if (!this.opened) {
      const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
      this.opened = { lines, typed: lines[Symbol.asyncIterator]() };
    }
    return this.opened;
  }
}
