// Which changes destroy an object and create it anew: the lines of catalog/edit-costs.ts, for objects as the provider protocol has them.
import { isDeepStrictEqual } from "node:util";
import { type AttributeCost, costsOf, holds } from "../../catalog/edit-costs";
import { at, isObject, type ObjectValue, type Value } from "./values";

/** Steps to an attribute, with numbers for list indices. */
export type Path = (string | number)[];

function rulesOf(typeName: string): readonly AttributeCost[] {
  return costsOf(typeName).filter(({ effect }) => effect === "replaces");
}

/** The places that the path of a rule means in either object: one for every index of the lists in it. */
function places(path: string[], prior: Value | undefined, planned: Value | undefined, walked: Path = []): Path[] {
  const [step, ...rest] = path;
  if (step === undefined || step === "#") {
    return [walked];
  }
  if (Array.isArray(prior) || Array.isArray(planned)) {
    const length = Math.max(Array.isArray(prior) ? prior.length : 0, Array.isArray(planned) ? planned.length : 0);
    return Array.from({ length }, (_, index) => index).flatMap((index) =>
      places(path, at(prior, [index]), at(planned, [index]), [...walked, index]),
    );
  }
  const below = (key: string, deeper: string[]): Path[] => places(deeper, at(prior, [key]), at(planned, [key]), [...walked, key]);
  if (step === "*") {
    const keys = new Set([prior, planned].flatMap((value) => (isObject(value) ? Object.keys(value) : [])));
    return [...keys].flatMap((key) => below(key, []));
  }
  return below(step, rest);
}

function count(value: Value | undefined): number {
  return Array.isArray(value) ? value.length : 0;
}

/** The paths of the changes that replace the object. Empty if it is changed in place. */
export function replacingChanges(typeName: string, prior: ObjectValue, planned: ObjectValue): Path[] {
  const found: Path[] = [];
  for (const { path, when } of rulesOf(typeName)) {
    const steps = path.split(".");
    for (const place of places(steps, prior, planned)) {
      const before = at(prior, place) ?? null;
      const after = at(planned, place) ?? null;
      const changed = steps.at(-1) === "#" ? count(before) !== count(after) : !isDeepStrictEqual(before, after);
      if (changed && holds(when, before, after, planned)) {
        found.push(place);
      }
    }
  }
  return found;
}
