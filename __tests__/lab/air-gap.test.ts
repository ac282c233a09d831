import { checkLab } from "../../lab/read";
import { airGappedLab, type Changes, labWith } from "../../testing/lab";

/** The name of the release that a lab stages. */
const id = (changes: Changes = {}) => checkLab(labWith(changes, airGappedLab), "/lab").lab.modelStaging?.id;
const models = (...list: string[]) => ({ ollama: { releases: { ollama: { models: list } } } });

describe("a staged release has another name", () => {
  test("for other models", () => expect(id(models("mistral:7b"))).not.toBe(id(models("llama3.2:1b"))));
  test("for another revision", () => expect(id({ staging: { revision: 2 } })).not.toBe(id({ staging: { revision: 3 } })));
});
describe("a staged release has the same name", () => {
  test("for the same models in another order", () => {
    expect(id(models("mistral:7b", "llama3.2:1b"))).toBe(id(models("llama3.2:1b", "mistral:7b")));
  });
  test("for a model with and without its default tag", () => {
    expect(id(models("mistral:latest"))).toBe(id(models("mistral")));
  });
});
