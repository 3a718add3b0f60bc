import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { repository } from "../helpers/paths.ts";

describe("npm run lint checks imports, and", () => {
  test("accepts those of this repository", () => {
    expect(check()).toEqual({ status: 0, lines: [] });
  });

  test("refuses the wrong imports of each room, and names the alternative", () => {
    const wrong = [
      ["src/descriptors/a.ts", "../engines/b.ts", "src/descriptors/ must not import src/engines/b.ts: pass in"],
      ["src/engines/a.ts", "../routes/b.ts", "src/engines/ must not import src/routes/b.ts: it finds containers"],
      ["src/routes/a.ts", "../sessions/b.ts", "src/routes/ must not import src/sessions/b.ts: it gets an agent"],
      ["src/sessions/a.ts", "../files/b.ts", "src/sessions/ must not import src/files/b.ts: it serves src/files"],
      ["src/files/a.ts", "../follow/b.ts", "src/files/ must not import src/follow/b.ts: move what it needs"],
      ["src/text/a.ts", "../target.ts", "src/text/ must not import src/target.ts: pass in bytes"],
      ["src/times/a.ts", "../text/b.ts", "src/times/ must not import src/text/b.ts: pass in what it needs"],
      ["src/elsewhere/a.ts", "../../cli/b.ts", "src/elsewhere/ must not import cli/b.ts: the command line belongs"],
      ["cli/a.ts", "../src/routes/b.ts", "cli/ must not import src/routes/b.ts: import a room of src by its index.ts"],
      ["cli/b.ts", "../src/index.ts", "cli/ must not import src/index.ts: import a room of src by its index.ts"],
      ["src/files/c.ts", "koffi", "only src/descriptors/ loads koffi: use OwnedFd"],
      ["cli/tui/c.tsx", "dockerode", "only src/engines/api/docker-client.ts loads dockerode: use ask()"],
    ] as const;
    const statements = (name: string) =>
      `import { a } from "${name}";\nexport type {\n  B,\n} from "${name}";\nconst c = await import("${name}");`;
    const { status, lines } = check(Object.fromEntries(wrong.map(([file, name]) => [file, statements(name)])));
    expect(status).toBe(1);
    for (const [file, , complaint] of wrong)
      expect(lines.filter((line) => line.startsWith(`${file}: ${complaint}`))).toHaveLength(3);
    expect(lines).toHaveLength(3 * wrong.length);
  });

  test("refuses Node's functions that start a program, but not their types and spawnSync", () => {
    const files = {
      "src/engines/a.ts": 'import { type ChildProcess, spawn } from "node:child_process";',
      "cli/b.ts": 'import type { ChildProcess } from "node:child_process";',
      "cli/c.ts": 'import { spawnSync } from "node:child_process";',
    };
    const line =
      "src/engines/a.ts: only src/descriptors/processes/child-process.ts imports spawn: use spawnChild(), whose kill() is safe";
    expect(check(files)).toEqual({ status: 1, lines: [line] });
  });

  test("refuses a circle of files, including imports of types, and names the alternative", () => {
    const files = {
      "cli/a.ts": 'import type { B } from "./b.ts";',
      "cli/b.ts": 'export { c } from "./c.ts";',
      "cli/c.ts": 'import "./a.ts";',
    };
    expect(check(files)).toEqual({
      status: 1,
      lines: [
        "circle of files: cli/a.ts -> cli/b.ts -> cli/c.ts -> cli/a.ts: move what both use, often types only, into a file below both",
      ],
    });
  });

  test("refuses a circle of folders, but not of a room's index.ts", () => {
    const files = {
      "cli/a/one.ts": 'import type { Two } from "../b/two.ts";',
      "cli/b/three.ts": 'import { four } from "../a/c/four.ts";',
      "cli/a/c/four.ts": 'import type { Five } from "../five.ts";',
      "src/files/index.ts": 'export { read } from "./read/read.ts";',
      "src/files/read/read.ts": 'import { PortholeError } from "../../errors.ts";',
      "src/files/walk.ts": 'import { read } from "./read/read.ts";',
    };
    expect(check(files)).toEqual({
      status: 1,
      lines: ["circle of folders: cli/a -> cli/b -> cli/a/c -> cli/a: move what both use into a folder below both"],
    });
  });
});

test("npm run lint refuses a room that docs/architecture.md does not name, and a file that is gone", () => {
  const files = {
    "docs/architecture.md": "### files\n\n`files/walk.ts` visits a tree, `files/gone.ts` and `agent/gone.c` do not.",
    ...{ "src/files/walk.ts": "", "src/new/a.ts": "", "cli/main.ts": "", "agent/main.c": "" },
    ...{ "scripts/a.mjs": "", "test/a.ts": "" },
  };
  expect(check(files)).toEqual({
    status: 1,
    lines: [
      "docs/architecture.md: there is no files/gone.ts: name the file that took its place",
      "docs/architecture.md: there is no agent/gone.c: name the file that took its place",
      "docs/architecture.md does not name src/new/: say there what happens in it",
      "docs/architecture.md does not name cli/: say there what happens in it",
    ],
  });
});

/** Checks this repository, or a directory with these files. */
function check(files?: Record<string, string>): { status: number | null; lines: string[] } {
  const args = [join(repository, "scripts/check-imports.mjs")];
  if (files !== undefined) {
    const root = mkdtempSync(join(tmpdir(), "porthole-imports-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), `${text}\n`);
    }
    args.push(root);
  }
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, lines: stderr.split("\n").filter((line) => line !== "") };
}
