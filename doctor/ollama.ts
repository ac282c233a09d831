import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { z } from "zod";
import { canonicalModelReference } from "../grammar/model-reference";
import { type Known, known, unknown } from "./finding";
import { trusting } from "./trust";

/** What `/api/tags` of an Ollama answers (its docs/api.md). */
export const tags = z.object({ models: z.array(z.object({ name: z.string() })).nullish() });

/** The names of the models in an answer of `/api/tags`. */
export function modelNames({ models }: z.infer<typeof tags>): string[] {
  return (models ?? []).map(({ name }) => name);
}

/** The models that the lab wants, but the server does not list. */
export function missingModels(wanted: readonly string[], listed: readonly string[]): string[] {
  const there = new Set(listed.map(canonicalModelReference));
  return wanted.filter((model) => !there.has(canonicalModelReference(model)));
}

/** How long an Ollama may take to list its models, in milliseconds. */
const TIMEOUT_MS = 5000;

/** The longest answer that is read, in bytes: a thousand models have a tenth of it. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** An Ollama to ask. */
export interface AskedOllama {
  /** Such as `http://192.0.2.21:11434`. */
  readonly url: string;
  /** What its HTTPS door asks for. It goes to this URL and nowhere else. @default none */
  readonly token?: string;
  /** Certificates, in PEM, that are trusted besides the public ones. @default none */
  readonly ca?: string;
  /** How long the whole answer may take, in milliseconds. @default 5000 */
  readonly timeoutMs?: number;
}

/** The models that an Ollama lists, or why it does not. A redirect is not followed. */
export function listedModels({ url, token, ca, timeoutMs = TIMEOUT_MS }: AskedOllama): Promise<Known<readonly string[]>> {
  const request = url.startsWith("https:") ? requestHttps : requestHttp;
  const options = {
    agent: false,
    ...(token && { headers: { Authorization: `Bearer ${token}` } }),
    ...(ca && { secureContext: trusting(ca) }),
  };
  return new Promise((resolve) => {
    const end = (answer: Known<readonly string[]>) => {
      clearTimeout(timer);
      resolve(answer);
      call.destroy();
    };
    const call = request(`${url}/api/tags`, options, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes > MAX_ANSWER_BYTES) end(unknown(`it answered with more than ${MAX_ANSWER_BYTES} bytes`));
        else parts.push(part);
      });
      response.on("end", () => {
        if (response.statusCode !== 200) return end(unknown(`it answered with status ${response.statusCode}`));
        end(read(Buffer.concat(parts).toString("utf8")));
      });
      response.on("error", () => end(unknown("its answer ended before it was whole")));
    });
    // Over the whole exchange: a server that sends a byte now and then would never be idle.
    const timer = setTimeout(() => end(unknown(`it did not answer within ${timeoutMs / 1000} s`)), timeoutMs);
    call.on("error", (error: NodeJS.ErrnoException) => end(unknown(`it cannot be reached (${error.code ?? error.message})`)));
    call.end();
  });
}

function read(text: string): Known<readonly string[]> {
  const other = unknown<readonly string[]>("it answered with something that is not Ollama's list of models");
  try {
    const answer = tags.safeParse(JSON.parse(text));
    return answer.success ? known(modelNames(answer.data)) : other;
  } catch {
    return other;
  }
}
