import { z } from "zod";
import { type Known, known, unknown } from "../finding";
import { type Run, reasonOf } from "../program";

/** How long kubectl may wait for one answer, in seconds. */
const REQUEST_SECONDS = 8;

/** Asks a cluster by kubectl, and only reads. */
export class Kubectl {
  /**
   * @param kubeconfig the file; its current context is used, as by Terraform's providers
   */
  constructor(
    private readonly run: Run,
    private readonly kubeconfig: string,
  ) {}

  /** One answer. A list, or nothing, where what is asked for is not there. */
  async ask<T>(shape: z.ZodType<T>, ...args: readonly string[]): Promise<Known<T>> {
    const json = args[0] === "get" && args[1] === "--raw" ? [] : ["-o", "json"];
    const result = await this.run(
      "kubectl",
      ["--kubeconfig", this.kubeconfig, `--request-timeout=${REQUEST_SECONDS}s`, ...args, ...json],
      { timeoutMs: 2 * REQUEST_SECONDS * 1000 },
    );
    if (result.status !== 0) return unknown(reasonOf(result));
    const answer = shape.safeParse(parsed(result.stdout));
    return answer.success
      ? known(answer.data)
      : unknown(`kubectl ${args.join(" ")} answered in a shape that this program does not know`);
  }

  /** The objects of a kind: all that match, or those with these names that are there. */
  list<T>(shape: z.ZodType<T>, ...args: readonly string[]): Promise<Known<T[]>> {
    // kubectl prints nothing where a name is not there, the object alone for one name, and a list for more.
    const objects = z.union([
      z.object({ items: z.array(shape) }).transform(({ items }) => items),
      z.null().transform(() => []),
      shape.transform((object) => [object]),
    ]);
    return this.ask(objects, "get", ...args, "--ignore-not-found");
  }
}

function parsed(text: string): unknown {
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
