// What TypeScript says of the changes of `npm run test:mutation`. A change that it refuses is no program.
import { join, resolve } from "node:path";
import ts from "typescript";

/** A changed source: its path from the root, and its text. */
export interface Changed {
  readonly file: string;
  readonly text: string;
}

/**
 * Which of these sources the types refuse. TypeScript is asked about many at once, but never about two changes of one file: an error in a file
 * tells of the change of that file. An error that a change causes in another file is not seen.
 * @param root the checkout, with its tsconfig.json
 */
export function refusedByTypes<T extends Changed>(root: string, changes: readonly T[]): Set<T> {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root);
  const host = ts.createCompilerHost({ ...options, incremental: false });
  const read = host.getSourceFile.bind(host);
  const unchanged = new Map<string, ts.SourceFile | undefined>();
  const refused = new Set<T>();
  let rest = [...changes];
  let before: ts.Program | undefined;
  while (rest.length > 0) {
    const round = new Map<string, T>();
    for (const change of rest) if (!round.has(resolve(root, change.file))) round.set(resolve(root, change.file), change);
    rest = rest.filter((change) => round.get(resolve(root, change.file)) !== change);
    host.getSourceFile = (path, version) => {
      const change = round.get(resolve(path));
      if (change) return ts.createSourceFile(path, change.text, version, true);
      if (!unchanged.has(path)) unchanged.set(path, read(path, version));
      return unchanged.get(path);
    };
    const program = ts.createProgram([...round.keys()], { ...options, incremental: false }, host, before);
    before = program;
    for (const [path, change] of round) {
      const source = program.getSourceFile(path);
      const errors = source ? [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)] : [];
      if (errors.length > 0) refused.add(change);
    }
  }
  return refused;
}
