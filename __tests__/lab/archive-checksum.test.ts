import { checkLab } from "../../lab/read";
import { baseLab, labWith } from "../../testing/lab";

/** The checksum that a container's Ollama has, by what the defaults and the container itself say. */
function sha256Of(defaults: object, own: object = {}): string | undefined {
  const changes = { defaults: { container: { ollama: { version: undefined, sha256: undefined, ...defaults } } } };
  const { lab } = checkLab(labWith({ ...changes, containers: { "ollama-1": { ollama: own } } }, baseLab), "/");
  return lab.containers?.["ollama-1"]?.ollama.sha256;
}

describe("the checksum of Ollama's archive", () => {
  test("is known for the version that is the default", () => expect(sha256Of({})).toMatch(/^50539c5f/));
  test("is the lab's own where it states one", () => expect(sha256Of({ sha256: "a".repeat(64) })).toBe("a".repeat(64)));
  test("is none for a file from elsewhere", () =>
    expect(sha256Of({ url: "https://mirror.lab.example/o.tar.zst" })).toBeUndefined());
  test("is none for a version that is not known", () => expect(sha256Of({ version: "0.31.0" })).toBeUndefined());
  test("of the defaults is not that of a container with another version", () =>
    expect(sha256Of({ sha256: "a".repeat(64) }, { version: "0.31.0" })).toBeUndefined());
});
