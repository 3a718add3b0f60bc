import { mkdirSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { sandboxOfTests } from "../helpers/namespaces.ts";
import { user } from "../helpers/porthole.ts";

const someone = user();
/** The lowest limit at which Node starts. */
let lowest = 12;

/** More files than the limit of the tests below allows. */
const FILES = 300;

const target = sandboxOfTests();
beforeAll(async () => {
  while ((await someone.run(["--version"], limited(lowest))).code !== 0) lowest++;
  mkdirSync(`${target.root}/srv/many`, { recursive: true });
  writeFileSync(`${target.root}/srv/one`, "text\n");
  for (let n = 0; n < FILES; n++) writeFileSync(`${target.root}/srv/many/${n}`, `${n}\n`);
});

/** Runs porthole in a session of its own, at a limit of open files. */
function limited(limit: number) {
  return { before: ["setsid", "-w", "sh", "-c", `ulimit -n ${limit}; exec "$@"`, "sh"] };
}

const CAUSE = "too many open files (raise ulimit -n)\n";

describe("at a limit of open files", () => {
  test.each([
    ["cat", (file: string) => ["cat", file]],
    ["grep", (file: string) => ["grep", "text", file]],
    ["tail", (file: string) => ["tail", "-n1", file]],
    ["with", (file: string) => ["with", file, "--", "cat", "{}"]],
  ])("%s succeeds, or reports the limit as the one cause, in one line", async (command, args) => {
    const results = new Map<number, { code: number | null; stderr: string }>();
    for (let limit = lowest; limit <= lowest + 15; limit += 3) {
      await someone.run(["detach", "--all"]);
      const { code, stderr } = await someone.run(args(`pid:${target.pid}:/srv/one`), limited(limit));
      results.set(limit, { code, stderr });
    }
    // A tail that cannot be loaded is reported by porthole.
    const names = command === "tail" ? ["tail", "porthole"] : ["porthole"];
    const expected = (code: number | null) => (code === 0 ? [""] : names.map((name) => `${name}: ${CAUSE}`));
    const unlike = [...results].filter(([, { code, stderr }]) => !expected(code).includes(stderr));
    expect(unlike).toEqual([]);
    expect(results.get(lowest)?.code).not.toBe(0);
  });

  test("tail prints the end of any number of files", async () => {
    const { text, stderr, code } = await someone.run(
      ["tail", "-q", "-n1", `pid:${target.pid}:/srv/many/*`],
      limited(100),
    );
    expect({ stderr, code, lines: text.split("\n").length - 1 }).toEqual({ stderr: "", code: 0, lines: FILES });
  });

  test("a command that needs each file at once reports the limit once", async () => {
    const all = `pid:${target.pid}:/srv/many/*`;
    expect(await someone.run(["with", all, "--", "true", "{}"], limited(100))).toMatchObject({
      stderr: `porthole: ${CAUSE}`,
      code: 125,
    });
    expect((await someone.run(["tail", "--merge", "-n1", all], limited(100))).stderr).toBe(`tail: ${CAUSE}`);
  });

  test("tail -f reports the limit once", async () => {
    const ended = "--pid=4194303";
    const { stderr } = await someone.run(
      ["tail", "-f", ended, "-q", "-n1", `pid:${target.pid}:/srv/many/*`],
      limited(100),
    );
    expect(stderr).toBe(`tail: ${CAUSE}`);
  });
});
