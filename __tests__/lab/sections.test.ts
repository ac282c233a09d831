import { stacksAt } from "../../lab/sections";

test.each([
  [
    ["ollama", "releases", "ollama", "models"],
    ["model-staging", "ollama"],
  ],
  [["ollamaNfsPath"], ["model-staging", "ollama"]],
  [["ollamaNfsServer"], ["model-staging", "ollama"]],
  [["staging", "keep"], ["model-staging"]],
  [["kubernetes", "nfs", "server"], ["platform"]],
  [
    ["kubernetes", "issuer"],
    ["platform", "ollama"],
  ],
  [["defaults", "container", "template"], ["containers"]],
  [["defaults", "worker", "cores"], ["cluster"]],
] as const)("%s concerns %s", (path, stacks) => expect(stacksAt(path)).toEqual(stacks));

test("what no stack reads by itself concerns all of them", () => {
  expect(stacksAt(["name"])).toEqual(["containers", "cluster", "platform", "model-staging", "ollama"]);
});
