import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { describeAsRoot } from "../helpers/availability.ts";
import { type FuseTarget, fuseTarget } from "../helpers/fuse.ts";
import { user } from "../helpers/porthole.ts";

/*
 * The agent does not pass a directory of a FUSE file system, whose server may not respond. It lists
 * the directory and relays the files.
 */
describeAsRoot("a directory on a file system that may not answer", () => {
  let target: FuseTarget;
  const someone = user();
  let directory: string;
  const refusal = () =>
    `porthole: cannot open ${directory}: Is a directory on a file system that may not answer ` +
    "(porthole ls, find, grep and cp read it; for another command, copy it first: porthole cp)\n";

  beforeAll(async () => {
    target = await fuseTarget({ answers: true });
    directory = `pid:${target.pid}:${target.place}`;
    return () => target.stop();
  });

  test.each([[[]], [["--raw"]]])("is searched by grep %j", async (options) => {
    const result = await someone.run(["grep", ...options, "-c", "^0000", directory]);
    expect(result).toMatchObject({ code: 0, stderr: "", text: `${directory}/data:125\n` });
  });

  test("is copied by cp with its file, alone and together with another target", async () => {
    const into = `${someone.directory}/copies`;
    mkdirSync(into);
    expect(await someone.run(["cp", directory, into])).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(`${into}/fs`)).toEqual(["data"]);
    expect(readFileSync(`${into}/fs/data`, "latin1")).toMatch(/^0000000\n.*\n1048568\n$/s);
    const again = await someone.run(["cp", "-f", directory, `${directory}/data`, into]);
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(into).sort()).toEqual(["data", "fs"]);
  });

  test.each([
    ["with", [], ["--", "ls"], 125],
    ["with", ["--rw"], ["--", "ls"], 125],
    ["with", ["--all-mounts"], ["--", "ls", "{}"], 125],
    ["cat", [], [], 1],
  ] as const)(
    "is refused by %s %j ... %j in one line that suggests another command",
    async (command, before, after, code) => {
      expect(await someone.run([command, ...before, directory, ...after])).toMatchObject({
        ...{ code, text: "", stderr: refusal() },
      });
    },
  );

  test("is reported as the reason why its file cannot be written", async () => {
    const result = await someone.run(["with", "--rw", `${directory}/data`, "--", "true"]);
    expect(result).toMatchObject({
      code: 125,
      stderr: `porthole: cannot open ${directory}/data: its file system may not answer, so its files can only be read (open it without --rw)\n`,
    });
  });
});
