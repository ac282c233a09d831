import { asText, PLAIN, styleFor, verdict } from "../../cli/print";
import type { Reported } from "../../lab/problem";

const ERROR: Reported = {
  code: "vmid-twice",
  severity: "error",
  path: ["containers", "a", "vmId"],
  position: { line: 7, column: 5 },
  message: "201 is taken,\nby b: 100%",
  remedy: "Choose another.",
};
const WARNING: Reported = { ...ERROR, code: "no-checksum", severity: "warning", position: { line: 2, column: 1 } };
const outcome = (...problems: Reported[]) => ({ exitCode: 1, lab: "lab.yaml", problems, notice: "Nothing was written." });

describe("problems for people", () => {
  test("have the place, what is wrong and what to do on three lines", () => {
    expect(asText(outcome({ ...ERROR, message: "201 is taken" })).stderr).toBe(
      "lab.yaml:7:5 containers.a.vmId\n  error vmid-twice: 201 is taken\n  → Choose another.\n\nNothing was written.",
    );
  });
  test("come with the errors first", () => {
    expect(asText(outcome(WARNING, ERROR)).stderr).toMatch(/vmid-twice.*no-checksum/s);
  });
  test("have colours on a terminal", () => {
    expect(asText(outcome(ERROR), { ...PLAIN, colours: true }).stderr).toContain("\u001b[31merror vmid-twice");
  });
  test("have none elsewhere", () => expect(asText(outcome(ERROR)).stderr).not.toContain("\u001b"));
  test("become annotations of the lab file under GitHub Actions, with line breaks and percent signs escaped", () => {
    expect(asText(outcome(ERROR), { ...PLAIN, annotations: true }).stderr).toContain(
      "::error file=lab.yaml,line=7,col=5,title=vmid-twice::201 is taken,%0Aby b: 100%25%0A→ Choose another.",
    );
  });
  test("are on stdout before the answer under cdktf's CLI, which calls what is on stderr an error", () => {
    const done = { ...outcome(WARNING), exitCode: 0, preface: "First.", text: "Done." };
    expect(asText(done, { ...PLAIN, oneStream: true })).toEqual({
      stdout: expect.stringMatching(/^First\.\n\nlab\.yaml:2:1 .*\n\nDone\.$/s),
      stderr: "",
    });
  });
  test("of a command that fails are on stderr there too", () => {
    expect(asText(outcome(ERROR), { ...PLAIN, oneStream: true }).stderr).toContain("vmid-twice");
  });
  test("that could not be asked are notices there", () => {
    expect(asText(outcome({ ...ERROR, severity: "unknown" }), { ...PLAIN, annotations: true }).stderr).toContain(
      "::notice file=",
    );
  });
});

describe("colours", () => {
  test.each([
    ["a terminal", {}, true, true],
    ["a pipe", {}, false, false],
    ["a terminal of CI", { CI: "true" }, true, false],
    ["a terminal with NO_COLOR", { NO_COLOR: "1" }, true, false],
    ["a pipe with FORCE_COLOR", { FORCE_COLOR: "1" }, false, true],
    ["a terminal that knows none", { TERM: "dumb" }, true, false],
  ])("%s", (_, env, terminal, colours) => expect(styleFor(env, terminal).colours).toBe(colours));
});

test("cdktf's CLI is known by the context that it hands over", () => {
  expect([styleFor({ CDKTF_CONTEXT_JSON: "{}" }, false).oneStream, styleFor({}, false).oneStream]).toEqual([true, false]);
});

test("the verdict counts each severity, and unknowns only where there are any", () => {
  expect([verdict([ERROR, WARNING]), verdict([{ ...ERROR, severity: "unknown" }])]).toEqual([
    "1 error, 1 warning",
    "0 errors, 0 warnings, 1 unknown",
  ]);
});
