import type { Fault } from "../../grammar/fault";
import { FLAGS, type Flag, type Given } from "./flags";

/** Thrown when a lab cannot be written: the message says why, and what to do. Nothing was written. */
export class InitRefusal extends Error {
  override readonly name = "InitRefusal";
}

/** One of the answers that a question takes. */
export interface Choice {
  readonly value: string;
  /** What a person reads beside it. @default nothing */
  readonly label?: string;
}

/** Something that has to be known before a lab can be written. */
export interface Question {
  readonly flag: Flag;
  /** What a person is asked. @default the meaning of the flag */
  readonly text?: string;
  /** Refuses an answer. @default every answer is taken */
  readonly check?: (answer: string) => Fault | undefined;
  /** The only answers that are taken. @default any */
  readonly choices?: readonly Choice[];
  /** The answer of whoever only presses Enter. @default there is none */
  readonly suggestion?: string | undefined;
  /** The answer where there is nothing to choose: it is not asked. @default it is open */
  readonly settled?: string | undefined;
  /** Whether the questions after it depend on the answer, so that none of them can be asked without. @default false */
  readonly leads?: boolean;
}

/** How open questions are answered. */
export interface Answering {
  readonly given: Given;
  /** Take what is suggested without asking. */
  readonly takeSuggestions: boolean;
  /** Asks a person on a terminal. @default there is no terminal */
  readonly ask?: ((text: string) => Promise<string>) | undefined;
}

/** What is wrong with an answer; undefined for one that is taken. */
function refusal({ check, choices }: Question, answer: string): string | undefined {
  if (choices && !choices.some(({ value }) => value === answer)) {
    return `"${answer}" is none of ${choices.map(({ value }) => value).join(", ")}`;
  }
  const fault = check?.(answer);
  return fault && `${fault.message}. ${fault.remedy}`;
}

/** Gets answers: from the command line, from what is settled, from a person, or from the suggestions, in this order. */
export class Interviewer {
  private readonly open: Question[] = [];

  constructor(private readonly answering: Answering) {}

  /** What the command line says, unchecked; undefined where it says nothing. */
  given(flag: Flag): string | undefined {
    return this.answering.given[flag];
  }

  /**
   * The answer to a question. Where nobody can be asked, the question is kept for `finish`, and the suggestion stands in for the answer.
   * @throws InitRefusal when an answer on the command line is refused, or a question that leads to others stays open
   */
  async answer(question: Question): Promise<string> {
    const { flag, suggestion, settled, leads } = question;
    const given = this.answering.given[flag];
    if (given !== undefined) {
      const why = refusal(question, given);
      if (why) throw new InitRefusal(`--${flag}: ${why}`);
      return given;
    }
    if (settled !== undefined) return settled;
    if (this.answering.takeSuggestions && suggestion !== undefined) return suggestion;
    if (this.answering.ask) return this.askPerson(question, this.answering.ask);
    this.open.push(question);
    if (leads) this.finish();
    return suggestion ?? "";
  }

  /** @throws InitRefusal that names the flag of every question without an answer */
  finish(): void {
    if (this.open.length === 0) return;
    const lines = this.open.map(({ flag, text, suggestion, choices }) => {
      const head = `  --${flag} <${FLAGS[flag].value}>`.padEnd(32);
      const which = choices ? `: ${choices.map(({ value }) => value).join(", ")}` : "";
      return `${head} ${text ?? FLAGS[flag].meaning}${which}${suggestion === undefined ? "" : ` [${suggestion}]`}`;
    });
    const yes = this.open.every(({ suggestion }) => suggestion !== undefined)
      ? "--yes takes what stands in brackets."
      : "--yes takes what stands in brackets; the others have to be given.";
    throw new InitRefusal(`There is no terminal to ask on, and these are open:\n${lines.join("\n")}\n${yes}`);
  }

  private async askPerson(question: Question, ask: (text: string) => Promise<string>): Promise<string> {
    const { flag, text, choices = [], suggestion } = question;
    const list = choices.map(({ value, label }, index) => `  ${index + 1}. ${value}${label ? `  ${label}` : ""}\n`).join("");
    const words = text ?? FLAGS[flag].meaning;
    const prompt = `${words[0]?.toUpperCase()}${words.slice(1)}\n${list}${suggestion === undefined ? "" : `[${suggestion}] `}> `;
    for (let note = ""; ; ) {
      const typed = (await ask(`${note}${prompt}`)).trim();
      const answer = typed === "" ? suggestion : (choices[Number(typed) - 1]?.value ?? typed);
      const why = answer === undefined ? "an answer is needed" : refusal(question, answer);
      if (answer !== undefined && why === undefined) return answer;
      note = `${why}\n`;
    }
  }
}
