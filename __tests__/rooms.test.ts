import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

const ROOT = join(__dirname, "..");

/** What each room may import besides itself, packages of Node and the relative files beside it. */
const ROOMS: Record<string, { rooms: string[]; packages: RegExp }> = {
  cli: {
    rooms: ["lab", "catalog", "stacks", "doctor", "diagram", "changes", "package.json"],
    packages: /^(commander|picocolors|yaml)$/,
  },
  grammar: { rooms: [], packages: /^fastest-levenshtein$/ },
  catalog: { rooms: ["grammar"], packages: /^$/ },
  lab: { rooms: ["grammar", "catalog"], packages: /^(zod|yaml)$/ },
  constructs: {
    rooms: ["grammar", "catalog", "templates", "ansible", ".gen"],
    packages: /^(cdktf(\/lib\/.*)?|constructs|@cdktf\/.*|yaml)$/,
  },
  stacks: { rooms: ["lab", "constructs", "grammar", "catalog"], packages: /^(cdktf|constructs|@cdktf\/.*|yaml)$/ },
  changes: { rooms: ["lab", "catalog", "grammar"], packages: /^$/ },
  diagram: { rooms: ["lab", "catalog", "grammar"], packages: /^$/ },
  doctor: { rooms: ["lab", "catalog", "grammar"], packages: /^zod$/ },
  tools: { rooms: ["lab", "doctor", "diagram", "testing"], packages: /^(zod|typescript|yaml)$/ },
};

function filesOf(room: string): string[] {
  return readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(ROOT, room, file));
}

function importsOf(file: string): string[] {
  return [
    ...readFileSync(file, "utf8").matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"|\bimport "([^"]+)"|require\("([^"]+)"\)/gm),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

/** The imports of a room that its row does not allow, as "file → what". */
function trespasses(room: string, allowed: { rooms: string[]; packages: RegExp }): string[] {
  return filesOf(room).flatMap((file) =>
    importsOf(file)
      .filter((target) => {
        if (target.startsWith("node:")) return false;
        if (!target.startsWith(".")) return !allowed.packages.test(target);
        const [top = ""] = relative(ROOT, resolve(dirname(file), target)).split(sep);
        return top !== room && !allowed.rooms.includes(top);
      })
      .map((target) => `${relative(ROOT, file)} → ${target}`),
  );
}

test.each(Object.entries(ROOMS))("%s imports only what it may", (room, allowed) => {
  expect(trespasses(room, allowed)).toEqual([]);
});

test("an import that is not allowed is found", () => {
  expect(trespasses("stacks", { rooms: ["lab"], packages: /^cdktf$/ })).toContain(
    "stacks/containers.ts → ../constructs/proxmox/connection",
  );
});
