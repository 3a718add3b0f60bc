import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { sandbox } from "../helpers/namespaces.ts";
import { builtCommand } from "../helpers/paths.ts";
import { jsonLines, user } from "../helpers/porthole.ts";
import { asOurs, gnu, ours } from "./gnu.ts";

const someone = user();
let d: string;

beforeAll(() => {
  d = mkdtempSync(`${inject("machine").directory}/files-`);
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => `${n + 1}\n`).join("");
  writeFileSync(`${d}/empty`, "");
  writeFileSync(`${d}/one`, "one\n");
  writeFileSync(`${d}/unended`, "a\nb\nc");
  writeFileSync(`${d}/newlines`, "\n\n\n\n");
  writeFileSync(`${d}/twenty`, numbers(20));
  writeFileSync(`${d}/big`, numbers(60_000));
  writeFileSync(`${d}/bigunended`, `${numbers(60_000)}end`);
  writeFileSync(`${d}/long`, `${"x".repeat(200_000)}\n${"y".repeat(150_000)}\n`);
  writeFileSync(`${d}/nul`, "a\0b\nb\0c\0d");
  writeFileSync(`${d}/binary`, Buffer.from(Array.from({ length: 70_000 }, (_, n) => (n * 7919) % 256)));
  writeFileSync(`${d}/we\nird 'n\x07ame`, "weird\n");
});
afterAll(() => rmSync(d, { recursive: true, force: true }));

/** Replaces `@name` by the path of a file in the directory. */
const words = (text: string) => text.split(" ").map((word) => word.replaceAll("@", `${d}/`));

const files = ["empty", "one", "unended", "newlines", "twenty", "big", "bigunended", "long", "binary"];

const tails = [
  ...[
    "",
    "-n 0",
    "-n 1",
    "-n 3",
    "-n 59999",
    "-n 60000",
    "-n 70000",
    "-n +0",
    "-n +1",
    "-n +2",
    "-n +59999",
    "-n +99999",
  ],
  ...[
    "-c 0",
    "-c 1",
    "-c 5",
    "-c 65536",
    "-c 999999",
    "-c +0",
    "-c +1",
    "-c +3",
    "-c +65537",
    "-c +9999999",
    "-c 1K",
    "-c 1kB",
    "-c 2b",
  ],
];
const heads = [
  ...["", "-n 0", "-n 1", "-n 3", "-n 59999", "-n 70000", "-n -0", "-n -1", "-n -3", "-n -59999", "-n -70000"],
  ...[
    "-c 0",
    "-c 1",
    "-c 65537",
    "-c 999999",
    "-c -0",
    "-c -1",
    "-c -65537",
    "-c -9999999",
    "-c 1K",
    "-c 1kB",
    "-c -1b",
  ],
];

describe.each([
  { command: "tail", cases: tails },
  { command: "head", cases: heads },
])("porthole $command prints the same as GNU $command", ({ command, cases }) => {
  test.for(cases)(`${command} %s of every file at once`, async (options) => {
    const args = [...(options === "" ? [] : options.split(" ")), ...files.map((name) => `${d}/${name}`)];
    expect(await ours(someone, command, args)).toEqual(await gnu(someone, command, args));
  });

  test.for(cases)(`${command} %s of a pipe`, async (options) => {
    const args = options === "" ? [] : options.split(" ");
    for (const name of ["unended", "bigunended"]) {
      const input = readFileSync(`${d}/${name}`, "latin1");
      expect(await ours(someone, command, args, input)).toEqual(await gnu(someone, command, args, input));
    }
  });
});

describe("porthole head and tail print GNU's messages", () => {
  test.for([
    ...[
      "tail @twenty @nothing @empty",
      "tail -v @one",
      "tail -q @one @twenty",
      "tail -v -q @one @one",
      "tail -q -v @one @one",
    ],
    ...[
      "tail @",
      "tail @ @one",
      "tail -n 2 - @one",
      "tail -z -n 2 @nul",
      "tail -n 3 -c 2 @twenty",
      "tail -c 2 -n 3 @twenty",
    ],
    ...["tail -3 @twenty", "head -03 @twenty", "tail -n -4 @twenty"],
    ...[
      "tail --lines=2 @twenty",
      "tail --bytes=+50 @twenty",
      "tail --retry @one",
      "tail --pid=1 @one",
      "tail -n 0 @nothing",
    ],
    ...[
      "tail -n+3 @unended",
      "tail -c-3 @twenty",
      "tail --silent @one @one",
      "tail --quiet @one @one",
      "tail --verbose @one",
    ],
    ...[
      "tail --follow=name @nothing",
      "tail -f @nothing",
      "tail -f @",
      "tail --follow=descriptor @nothing @",
      "tail -F -",
    ],
    ...[
      "head @twenty @nothing @empty",
      "head -v @one",
      "head -q @one @twenty",
      "head @",
      "head @ @one",
      "head -z -n 2 @nul",
    ],
    ...["head -3 @twenty @one", "head -n 0 @nothing"],
    ...[
      "head -n 2 - @one",
      "head -n3 @unended",
      "head --lines=-18 @twenty",
      "head --bytes=3 @twenty",
      "head -c 3 -n 1 @twenty",
    ],
    ...[
      "head -c 5 /dev/zero",
      "head -n 1 /proc/version",
      "tail -n 1 /proc/version",
      "tail -c 3 /dev/null",
      "tail -c 20 /proc/filesystems",
    ],
    ...[
      "tail -n 2 /sys/kernel/mm/transparent_hugepage/enabled",
      "head -c -4 /sys/kernel/mm/transparent_hugepage/enabled",
    ],
  ])("%s", async (line) => {
    const [command = "", ...args] = words(line);
    const theirs = await gnu(someone, command, args);
    expect(await ours(someone, command, args)).toEqual(theirs);
  });

  test("for a name with control characters", async () => {
    const args = [
      `${d}/we\nird 'n\x07ame`,
      `${d}/sp ace`,
      `${d}/quo'te`,
      `${d}/dol$lar'`,
      `${d}/ünï`,
      `${d}/esc\x1b[2J`,
    ];
    expect(await ours(someone, "tail", args)).toEqual(await gnu(someone, "tail", args));
  });

  test.for([
    ["tail -5f @one", "porthole: obsolete form -5f (use -n 5 -f)"],
    ["tail -3c @one", "porthole: obsolete form -3c (use -c 3)"],
    ["tail -1b @one", "porthole: obsolete form -1b (use -c 1b)"],
    ["tail -2l @one", "porthole: obsolete form -2l (use -n 2)"],
    ["tail -b @one", "porthole: obsolete form -b (use -c 10b)"],
    ["tail -lf @one", "porthole: obsolete form -lf (use -n 10 -f)"],
    ["tail +5 @one", "porthole: obsolete form +5 (use -n +5, or ./+5 for a file of that name)"],
    ["tail +5cf @one", "porthole: obsolete form +5cf (use -c +5 -f, or ./+5cf for a file of that name)"],
    ["tail +c @one", "porthole: obsolete form +c (use -c +10, or ./+c for a file of that name)"],
    ["head -3c @one", "porthole: obsolete form -3c (use -c 3)"],
    ["head -20kqv @one", "porthole: obsolete form -20kqv (use -c 20k -q -v)"],
    ["head -5 -2 @one", "porthole: -2 must be the first argument (use -n 2)"],
    ["head -q -2 @one", "porthole: -2 must be the first argument (use -n 2)"],
    ["tail -F -2 @one", "porthole: -2 must be the first argument (use -n 2)"],
    ["head -5z @one", "porthole: obsolete form -5z (use -n 5 -z)"],
  ] as const)("refuse an obsolete form and suggest the modern form: %s", async ([line, stderr]) => {
    const [command = "", ...args] = words(line);
    expect(await ours(someone, command, args)).toEqual({ code: 2, stdout: "", stderr: `${stderr}\n` });
  });

  test.for(["tail --lin=2 @one", "head --by 3 @one", "tail --follow=n @one", "tail --max-unchanged-stats=5 @one"])(
    "refuse abbreviated long options and values: %s",
    async (line) => {
      const [command = "", ...args] = words(line);
      const { code, stdout, stderr } = await ours(someone, command, args);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^(porthole: unknown option|tail: invalid argument) [^\n]*\n$/);
    },
  );

  test.for([
    ...["head -n 1", "head -n 0", "head -c 7", "head -n -5", "head -c -6", "head -n 70000"],
    ...["tail -n 2", "tail -n 0", "tail -c +5", "tail -n +59999"],
  ])("leave a shared standard input at the offset of GNU %s", async (line) => {
    const [command = "", ...args] = line.split(" ");
    const script = `read -r first; "$@"; head -c 20`;
    const run = (...tool: string[]) => gnu(someone, "sh", ["-c", `exec <${d}/big; ${script}`, "sh", ...tool, ...args]);
    expect(await run(process.execPath, builtCommand, command)).toEqual(await run(command));
  });

  test.for([
    ...[
      "tail -n x @one",
      "tail -n 1Y @one",
      "tail -n 99999999999999999999 @one",
      "tail -n --5 @one",
      "tail -n +x @one",
    ],
    ...["tail -c 5x @one", "tail -c 1g @one", "tail --pid=x @one", "tail -s x @one"],
    ...["tail --pid=99999999999 @one", "head -n x @one", "head -c -x @one", "head -n +-1 @one", "head -c 9E999 @one"],
    // A later option replaces the value.
    ...["head -n x -n 1 @one", "head -c x -n 1 @one", "tail -n 1Y -c 1 @one", "tail -s x -s 1 @one"],
    ...["tail --pid=x --pid=1 @one"],
  ])("report wrong usage: %s", async (line) => {
    const [command = "", ...args] = words(line);
    expect(await ours(someone, command, args)).toEqual(asOurs(await gnu(someone, command, args), true));
  });

  test.each(["head -v", "tail -v", "tail --prefix"])(
    "%s prints a name that is not UTF-8 with its bytes",
    async (line) => {
      writeFileSync(Buffer.from(`${d}/b\xff`, "latin1"), "text\n");
      const before = ["sh", "-c", 'cd "$0" && exec "$@" "$(printf "b\\377")"', d];
      const { stdout } = await someone.run(words(line), { before });
      expect(stdout.toString("latin1")).toBe(line.includes("prefix") ? "b\xff | text\n" : "==> b\xff <==\ntext\n");
    },
  );

  test("read beyond 4 GiB in a sparse file", async () => {
    const fd = openSync(`${d}/sparse`, "w");
    ftruncateSync(fd, 5 * 2 ** 30);
    writeSync(fd, "near the end\nthe end\n", 5 * 2 ** 30);
    closeSync(fd);
    for (const line of ["tail -n 1 @sparse", "tail -c 10 @sparse", "tail -c +5368709121 @sparse"]) {
      const [command = "", ...args] = words(line);
      expect(await ours(someone, command, args)).toEqual(await gnu(someone, command, args));
    }
  });
});

describe("porthole head and tail --json", () => {
  const objects = (bytes: string) => jsonLines(Buffer.from(bytes, "latin1").toString());

  test("print each line as an object with its timestamp and all its bytes", async () => {
    writeFileSync(`${d}/log`, Buffer.from("2026-01-02T03:04:05Z \xc3\xa9\xff\x9b\n\nlast", "latin1"));
    const log = `${d}/log`;
    const lines = [
      { target: log, line: "2026-01-02T03:04:05Z é\udcff\udc9b", time: "2026-01-02T03:04:05.000Z" },
      { target: log, line: "", time: null },
      { target: log, line: "last", time: null, partial: true },
    ];
    for (const command of ["tail", "head"])
      expect(objects((await ours(someone, command, ["--json", "-v", log])).stdout)).toEqual(lines);
    const both = await ours(someone, "tail", ["--json", "-n", "1", log, `${d}/one`]);
    expect(objects(both.stdout)).toEqual([lines[2], { target: `${d}/one`, line: "one", time: null }]);
    expect(objects((await ours(someone, "tail", ["--json", "-n", "1"], "a\nb\n")).stdout)).toEqual([
      { target: "-", line: "b", time: null },
    ]);
  });

  test("merge by time, support -z, and escape control characters", async () => {
    writeFileSync(`${d}/early`, "2026-01-02T03:04:04Z early\n");
    const merged = await ours(someone, "tail", ["--json", "--merge", `${d}/log`, `${d}/early`]);
    expect(objects(merged.stdout)[0]).toMatchObject({ target: `${d}/early` });
    writeFileSync(`${d}/codes`, "\u009b2J\u202e\0x\n\0");
    const { stdout } = await ours(someone, "tail", ["--json", "-z", `${d}/codes`]);
    expect(stdout).toContain('"\\u009b2J\\u202e"');
    expect(objects(stdout)).toMatchObject([{ line: "\u009b2J\u202e" }, { line: "x\n" }]);
  });

  test("refuse --prefix", async () => {
    expect(await ours(someone, "tail", ["--json", "--prefix", `${d}/one`])).toEqual({
      code: 2,
      stdout: "",
      stderr: "tail: cannot combine --json and --prefix: each object contains its target\n",
    });
  });
});

describe("porthole head and tail in another namespace", () => {
  test("show regular files, files of /proc and devices under the name of the target", async () => {
    const box = await sandbox({ steps: ["tmpfs", "/tmp", "write", "/tmp/log", "one", "write", "/tmp/log", "two"] });
    const at = (path: string) => `pid:${box.pid}:${path}`;
    expect(
      await ours(someone, "tail", ["-n", "1", at("/tmp/log"), at("/proc/1/comm"), at("/nothing"), at("/tmp")]),
    ).toEqual({
      code: 1,
      stdout: `==> ${at("/tmp/log")} <==\ntwo\n\n==> ${at("/proc/1/comm")} <==\nready\n\n==> ${at("/tmp")} <==\n`,
      stderr:
        `tail: cannot open '${at("/nothing")}' for reading: No such file or directory\n` +
        `tail: error reading '${at("/tmp")}': Is a directory\n`,
    });
    expect(await ours(someone, "head", ["-v", "-n", "1", at("/tmp/log")])).toMatchObject({
      stdout: `==> ${at("/tmp/log")} <==\none\n`,
    });
    await box.stop();
  });

  test("report a missing target in GNU's form with porthole's reason", async () => {
    const { code, stderr } = await ours(someone, "tail", ["pid:2147483647:/x"]);
    expect([code, stderr]).toEqual([
      3,
      "tail: cannot open 'pid:2147483647:/x' for reading: no such process: 2147483647\n",
    ]);
  });
});
