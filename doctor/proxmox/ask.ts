import type { z } from "zod";
import { type Known, known, unknown } from "../finding";
import { ApiFault, type Questions } from "./api";

/** Asks one question. A fact that cannot be had says why. */
export type Ask = <T>(shape: z.ZodType<T>, path: string, query?: Record<string, string | number>) => Promise<Known<T>>;

/** What asks one question after another of a Proxmox. */
export function asker(api: Questions): Ask {
  return async (shape, path, query) => {
    try {
      const answer = shape.safeParse(await api.get(path, query));
      return answer.success ? known(answer.data) : unknown(`${path} answered in a shape that this program does not know`);
    } catch (error) {
      if (error instanceof ApiFault) return unknown(error.message);
      throw error;
    }
  };
}
