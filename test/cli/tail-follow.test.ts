import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { amount } from "../helpers/extent.ts";
import { type Following, following } from "../helpers/following.ts";
import { sandbox, sandboxOfTests } from "../helpers/namespaces.ts";
import { repository } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

const someone = user();
/** The directory of this test in the sandbox: its local path, and its name as a target. */
let here: string;
let there: string;
let count = 0;

const box = sandboxOfTests();
beforeEach(() => {
  const name = `/tmp/${++count}`;
  mkdirSync(box.root + name);
  here = box.root + name;
  there = `pid:${box.pid}:${name}`;
});

/** Starts `porthole tail ...options` on a log of one line, `1`, and waits for the line. */
async function followLog(...options: string[]): Promise<Following> {
  writeFileSync(`${here}/log`, "1\n");
  const tail = following(someone, [...options, `${there}/log`]);
  await tail.shows("1\n");
  return tail;
}

describe("porthole tail -F", () => {
  test("prints the last lines, then appended data, with headers for several files", async () => {
    writeFileSync(`${here}/a`, "1\n2\n3\n");
    writeFileSync(`${here}/b`, "x\n");
    const tail = following(someone, ["-n", "2", "-F", `${there}/a`, `${there}/b`]);
    let expected = `==> ${there}/a <==\n2\n3\n\n==> ${there}/b <==\nx\n`;
    await tail.shows(expected);
    appendFileSync(`${here}/b`, "y\n");
    expected += "y\n";
    await tail.shows(expected);
    appendFileSync(`${here}/a`, "4\n");
    expected += `\n==> ${there}/a <==\n4\n`;
    await tail.shows(expected);
    expect(tail.said()).toBe("");
  });

  test("follows the new file after a rename and reports it in GNU's words", async () => {
    const tail = await followLog("-F");
    renameSync(`${here}/log`, `${here}/log.1`);
    appendFileSync(`${here}/log.1`, "2\n");
    writeFileSync(`${here}/log`, "3\n");
    await tail.shows("1\n2\n3\n");
    await tail.says(`tail: '${there}/log' has been replaced;  following new file`);
  });

  test("starts from the beginning after a truncation", async () => {
    writeFileSync(`${here}/log`, "one two three\n");
    const tail = following(someone, ["-F", `${there}/log`]);
    await tail.shows("one two three\n");
    truncateSync(`${here}/log`);
    await tail.says(`tail: ${there}/log: file truncated`);
    appendFileSync(`${here}/log`, "four\n");
    await tail.shows("one two three\nfour\n");
  });

  test("waits for a missing file, and for a missing directory", async () => {
    const tail = following(someone, ["-F", `${there}/later/log`]);
    await tail.says(`tail: cannot open '${there}/later/log' for reading: No such file or directory`);
    mkdirSync(`${here}/later`);
    writeFileSync(`${here}/later/log`, "here\n");
    await tail.shows("here\n");
    await tail.says(`tail: '${there}/later/log' has appeared;  following new file`);
    rmSync(`${here}/later`, { recursive: true });
    await tail.says(`tail: '${there}/later/log' has become inaccessible: No such file or directory`);
    mkdirSync(`${here}/later`);
    writeFileSync(`${here}/later/log`, "again\n");
    await tail.shows("here\nagain\n");
    expect(tail.said().match(/has appeared/g)).toHaveLength(2);
  });

  test("follows a symbolic link to its new target", async () => {
    writeFileSync(`${here}/1`, "one\n");
    writeFileSync(`${here}/2`, "two\n");
    symlinkSync("1", `${here}/current`);
    const tail = following(someone, ["-F", `${there}/current`]);
    await tail.shows("one\n");
    symlinkSync("2", `${here}/next`);
    renameSync(`${here}/next`, `${here}/current`);
    await tail.shows("one\ntwo\n");
    await tail.says(`tail: '${there}/current' has been replaced;  following new file`);
  });

  test("reports that a file became a directory, and continues when it is a file again", async () => {
    const tail = await followLog("-F");
    unlinkSync(`${here}/log`);
    mkdirSync(`${here}/log`);
    await tail.says(`tail: '${there}/log' has been replaced with an untailable file`);
    rmSync(`${here}/log`, { recursive: true });
    writeFileSync(`${here}/log`, "2\n");
    await tail.shows("1\n2\n");
  });

  test.for(["pid:N:PATH", "PATH"])(
    "prints all generations of %s that were rotated while it was stopped",
    async (kind) => {
      writeFileSync(`${here}/log`, "1\n");
      const tail = following(someone, ["-F", `${kind === "PATH" ? here : there}/log`]);
      await tail.shows("1\n");
      // inotify reports an existing name only after the watches are set: wait for the first event.
      appendFileSync(`${here}/log`, "2\n");
      await tail.shows("1\n2\n");
      renameSync(`${here}/log`, `${here}/log.1`);
      writeFileSync(`${here}/log`, "3\n");
      await tail.shows("1\n2\n3\n");
      process.kill(tail.running.pid, "SIGSTOP");
      // Write more events before the renames than a single read(2) returns.
      for (let file = 0; file < 1000; file++) writeFileSync(`${here}/another-file-of-the-directory-${file}`, "");
      for (const text of ["4\n", "5\n", "6\n"]) {
        renameSync(`${here}/log.1`, `${here}/log.2.${text.trim()}`);
        renameSync(`${here}/log`, `${here}/log.1`);
        writeFileSync(`${here}/log`, text);
      }
      process.kill(tail.running.pid, "SIGCONT");
      await tail.shows("1\n2\n3\n4\n5\n6\n");
    },
  );

  const rotations = Number(process.env.PORTHOLE_TEST_ROTATIONS ?? amount(200, 40));
  test.for(["fast", "slow"])(
    `loses, repeats and splits no line over ${rotations} rotations at 20,000 lines/s with a %s reader`,
    { timeout: 1_200_000 },
    async (reader) => {
      writeFileSync(`${here}/log`, "");
      const tail = someone.start(["tail", "-n", "+1", "-F", `${there}/log`]);
      // Wait until the file is read and watched before any rename: see above.
      for (const word of ["open\n", "heard\n"]) {
        appendFileSync(`${here}/log`, word);
        await waitFor(word.trim(), () => tail.stdout.read(word.length)?.toString() === word);
      }
      const script = `${repository}test/fixtures/rotating-writer.mjs`;
      const args = [script, `${here}/log`, String(rotations), "1000", "20000"];
      const writer = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      const writerEnded = once(writer, "close");
      let next = 1;
      let rest = "";
      // Delete a generation only after it was read. Otherwise tail could miss a generation on a
      // loaded machine: it would be deleted before tail could open it.
      let lastKept = 1;
      const check = (piece: Buffer) => {
        const lines = (rest + piece.toString("latin1")).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const expected = `line ${next} ${"x".repeat(next % 100)}`;
          if (line !== expected) throw new Error(`line ${next}: ${JSON.stringify(line.slice(0, 200))}`);
          next++;
        }
        for (; lastKept < (next - 1) / 1000 - 1; lastKept++) unlinkSync(`${here}/log.${lastKept}`);
      };
      const total = (rotations + 1) * 1000;
      for await (const piece of tail.stdout) {
        check(piece as Buffer);
        if (next > total) break;
        if (reader === "slow") await delay(70);
      }
      expect([next - 1, rest]).toEqual([total, ""]);
      await writerEnded;
      tail.child.kill("SIGTERM");
      await tail.ended;
    },
  );
});

describe("porthole tail -f", () => {
  test("follows the open file when another file takes its name", async () => {
    const tail = await followLog("-f");
    renameSync(`${here}/log`, `${here}/log.1`);
    writeFileSync(`${here}/log`, "not this\n");
    appendFileSync(`${here}/log.1`, "2\n");
    await tail.shows("1\n2\n");
    expect(tail.said()).toBe("");
  });

  test("prints data appended to a deleted file that a process holds open, found by ps", async () => {
    const steps = ["tmpfs", "/tmp", "write", "/tmp/log", "1", "hold", "/tmp/log", "remove", "/tmp/log"];
    const holder = await sandbox({ steps });
    const { text } = await someone.run(["ps", "--deleted", "--json", `pid:${holder.pid}`]);
    const { pid, files } = JSON.parse(text) as { pid: number; files: { fd: number; path: string }[] };
    const [file] = files;
    expect(file?.path).toBe("/tmp/log");
    const inside = `/proc/${pid}/fd/${file?.fd}`;
    const tail = following(someone, ["-f", `pid:${holder.pid}:${inside}`]);
    await tail.shows("1\n");
    // Appends to the same open file, by the process's descriptor on the host.
    for (const line of ["2\n", "3\n"]) appendFileSync(`/proc/${holder.pid}/fd/${file?.fd}`, line);
    await tail.shows("1\n2\n3\n");
    expect(tail.said()).toBe("");
  });

  test("ends after the process of --pid, and prints everything written before", async () => {
    const process = spawn("sleep", ["600"]);
    const tail = await followLog("-f", "-s", "0.1", `--pid=${process.pid}`);
    appendFileSync(`${here}/log`, "2\n");
    process.kill();
    expect(await tail.running.ended).toEqual({ code: 0, signal: null });
    expect([tail.text(), tail.said()]).toEqual(["1\n2\n", ""]);
  });

  test.for(["-f", "-F"])("%s ends at once if the process of --pid has already ended, for any -s", async (how) => {
    writeFileSync(`${here}/log`, "1\n");
    const process = spawn("true");
    await once(process, "exit");
    const names = how === "-F" ? [`${there}/log`, `${there}/missing`] : [`${there}/log`];
    const tail = following(someone, [how, "-q", "-s", "3600", `--pid=${process.pid}`, ...names]);
    expect(await tail.running.ended).toMatchObject({ signal: null });
    expect(tail.text()).toBe("1\n");
    expect(tail.said()).not.toContain("no files remaining");
  });

  test("notices the end of the process of --pid with -s of an hour", async () => {
    const process = spawn("sleep", ["600"]);
    const tail = await followLog("-f", "-s", "3600", `--pid=${process.pid}`);
    process.kill();
    expect(await tail.running.ended).toEqual({ code: 0, signal: null });
  });

  test("with --follow=name and without --retry follows a recreated file while another file is followed", async () => {
    writeFileSync(`${here}/kept`, "");
    const tail = await followLog("--follow=name", "-q", "-s", "0.1", `${there}/kept`);
    for (const line of ["2\n", "3\n"]) {
      const text = tail.text();
      const times = tail.said().split("\n").length;
      unlinkSync(`${here}/log`);
      await waitFor("the message about the missing file", () => tail.said().split("\n").length > times);
      writeFileSync(`${here}/log`, line);
      await tail.shows(text + line);
    }
    unlinkSync(`${here}/log`);
    unlinkSync(`${here}/kept`);
    expect(await tail.running.ended).toEqual({ code: 1, signal: null });
    const lost = `tail: ${there}/log: No such file or directory\n`;
    const back = `tail: '${there}/log' has appeared;  following new file\n`;
    expect(tail.said()).toMatch(new RegExp(`^(${escaped(lost + back)}){2}`));
    expect(tail.said()).toContain(`tail: ${there}/kept: No such file or directory\n`);
    expect(tail.said()).toMatch(/tail: no files remaining\n$/);
  });

  test("without -F stops following a file that becomes a directory", async () => {
    const byName = await followLog("--follow=name", "-s", "0.1");
    const first = following(someone, ["--follow=descriptor", "--retry", "-s", "0.1", `${there}/later`]);
    await first.says(`tail: cannot open '${there}/later' for reading: No such file or directory`);
    mkdirSync(`${here}/later`);
    mkdirSync(`${here}/directory`);
    renameSync(`${here}/log`, `${here}/log.1`);
    renameSync(`${here}/directory`, `${here}/log`);
    const givenUp = (name: string) =>
      `tail: '${there}/${name}' has been replaced with an untailable file; giving up on this name\ntail: no files remaining\n`;
    for (const [tail, name] of [
      [byName, "log"],
      [first, "later"],
    ] as const) {
      expect(await tail.running.ended).toEqual({ code: 1, signal: null });
      expect(tail.said()).toContain(givenUp(name));
    }
  });

  test("with --follow=name and without --retry stops following a deleted file", async () => {
    const tail = await followLog("--follow=name", "-s", "0.1");
    unlinkSync(`${here}/log`);
    expect(await tail.running.ended).toEqual({ code: 1, signal: null });
    expect(tail.said()).toBe(`tail: ${there}/log: No such file or directory\ntail: no files remaining\n`);
  });

  test("ends by SIGPIPE as soon as its reader closes the pipe, without a write", async () => {
    const tail = await followLog("-f");
    tail.running.stdout.destroy();
    expect(await tail.running.ended).toEqual({ code: null, signal: "SIGPIPE" });
  });

  test("keeps reading a FIFO for its next writer", async () => {
    const fifo = await sandbox({ steps: ["fifo", "/tmp/fifo"] });
    const tail = following(someone, ["--consume", "-f", "-n", "+1", `pid:${fifo.pid}:/tmp/fifo`]);
    writeFileSync(`${fifo.root}/tmp/fifo`, "1\n");
    await tail.shows("1\n");
    writeFileSync(`${fifo.root}/tmp/fifo`, "2\n");
    await tail.shows("1\n2\n");
  });
});

describe("porthole tail --prefix, --merge and --since", () => {
  test("print the name before each line, and before the rest of a line that was interrupted by another file", async () => {
    writeFileSync(`${here}/a`, "1\nbegun ");
    writeFileSync(`${here}/b`, "x\n");
    const tail = following(someone, ["-F", "--prefix", `${there}/a`, `${there}/b`]);
    let expected = `${there}/a | 1\n${there}/a | begun \n${there}/b | x\n`;
    await tail.shows(expected);
    appendFileSync(`${here}/b`, "y\n");
    expected += `${there}/b | y\n`;
    await tail.shows(expected);
    appendFileSync(`${here}/a`, "ended\n");
    expected += `${there}/a | ended\n`;
    await tail.shows(expected);
    await tail.stop();
    const names = Array.from({ length: 9 }, (_, index) => `${index}`);
    for (const name of names) writeFileSync(`${here}/${name}`, "y\n");
    const coloured = await someone.run([
      ...["tail", "--prefix", "--color=always", "-n", "1"],
      ...names.map((name) => `${there}/${name}`),
    ]);
    // The palette excludes yellow, which is not readable on light terminals, and red.
    const colours = ["36", "32", "35", "34", "36;1", "32;1", "35;1", "34;1", "36"];
    expect(coloured.text).toBe(
      names.map((name, index) => `\x1b[${colours[index]}m${there}/${name} |\x1b[0m y\n`).join(""),
    );
  });

  const at = (second: number) => `2026-01-31T10:00:${String(second).padStart(2, "0")}Z`;

  test("order lines of several files by timestamp; a line without a timestamp stays with the previous line", async () => {
    writeFileSync(`${here}/web`, `${at(1)} web 1\n${at(4)} web 4\n  at stack\n${at(6)} web 6`);
    writeFileSync(`${here}/api`, `[31/Jan/2026:10:00:02 +0000] api 2\n[31/Jan/2026:11:00:05 +0100] api 5\n`);
    const { text, stderr, code } = await someone.run(["tail", "--merge", `${there}/web`, `${there}/api`]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(text.split("\n").map((line) => line.replace(/^\S+Z |^\[.*\] /, ""))).toEqual([
      ...["web 1", "api 2", "web 4", "  at stack", "api 5", "web 6", ""],
    ]);
  });

  test("order lines that arrive at nearly the same time while following", async () => {
    for (const name of ["web", "api"]) writeFileSync(`${here}/${name}`, "");
    const tail = following(someone, ["-F", "--merge", `${there}/web`, `${there}/api`]);
    appendFileSync(`${here}/web`, `${at(1)} web\n`);
    await tail.shows(`${at(1)} web\n`);
    // Deliver both lines at once: a line is held back only for a moment.
    process.kill(tail.running.pid, "SIGSTOP");
    appendFileSync(`${here}/web`, `${at(9)} web\n more\n`);
    appendFileSync(`${here}/api`, `${at(5)} api\n`);
    process.kill(tail.running.pid, "SIGCONT");
    await tail.shows(`${at(1)} web\n${at(5)} api\n${at(9)} web\n more\n`);
  });

  test("keep the order of lines that are written one after another to several files", async () => {
    const names = ["a", "b", "c", "silent"];
    for (const name of names) writeFileSync(`${here}/${name}`, "");
    const tail = following(someone, ["-F", "--merge", ...names.map((name) => `${there}/${name}`)]);
    const start = Date.now();
    appendFileSync(`${here}/a`, `${new Date(start).toISOString()} begin\n`);
    await tail.shows(`${new Date(start).toISOString()} begin\n`);
    const lines = Array.from({ length: 600 }, (_, n) => `${new Date(start + n + 1).toISOString()} ${n}\n`);
    for (const [n, line] of lines.entries()) appendFileSync(`${here}/${names[n % 3]}`, line);
    await tail.shows(`${new Date(start).toISOString()} begin\n${lines.join("")}`);
  });

  test("report on SIGURG, with --json --merge, the time before which all lines were printed", async () => {
    for (const name of ["a", "b"]) writeFileSync(`${here}/${name}`, `${at(1)} ${name}\n`);
    const tail = following(someone, ["-F", "--json", "--merge", `${there}/a`, `${there}/b`]);
    appendFileSync(`${here}/b`, `${at(2)} new\n`);
    await waitFor("the new line", () => tail.text().includes("new"));
    const before = Date.now();
    const marks = () =>
      tail
        .text()
        .split("\n")
        .filter((line) => line.startsWith('{"before":'))
        .map((line) => Date.parse((JSON.parse(line) as { before: string }).before));
    await waitFor("a mark of a time after the first request", () => {
      // Has no effect until the follow has begun.
      process.kill(tail.running.pid, "SIGURG");
      return marks().some((mark) => mark > before);
    });
    expect(Math.max(...marks())).toBeLessThanOrEqual(Date.now());
  });

  test("start at the first line of a time, in a large file and in a pipe", async () => {
    const line = (n: number) => `${new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString()} number ${n}\n`;
    const lines = Array.from({ length: 150_000 }, (_, n) => line(n));
    writeFileSync(`${here}/big`, lines.join(""));
    const since = new Date(Date.UTC(2026, 0, 1) + 149_990_000).toISOString();
    const big = await someone.run(["tail", "--since", since, `${there}/big`]);
    expect([big.text, big.stderr]).toEqual([lines.slice(149_990).join(""), ""]);
    const some = await someone.run(["tail", "--since", since, "-n", "3", `${there}/big`]);
    expect(some.text).toBe(lines.slice(-3).join(""));
    const pipe = await someone.run(["tail", "--since", "2026-01-01T00:00:08Z"], { input: lines.slice(0, 10).join("") });
    expect(pipe.text).toBe(lines.slice(8, 10).join(""));
    const recent = await someone.run(["tail", "--since", "10m", `${there}/big`]);
    expect([recent.text, recent.stderr, recent.code]).toEqual(["", "", 0]);
  });

  test("report files without timestamps, and an invalid time", async () => {
    writeFileSync(`${here}/plain`, "1\n2\n");
    const plain = await someone.run(["tail", "--since", "10m", `${there}/plain`]);
    expect(plain).toMatchObject({ code: 0, text: "1\n2\n" });
    expect(plain.stderr).toBe(`tail: ${there}/plain: no recognised timestamp; --since has no effect\n`);
    const wrong = await someone.run(["tail", "--since", "soon", `${there}/plain`]);
    expect(wrong).toMatchObject({ code: 2, text: "" });
    expect(wrong.stderr).toMatch(/^porthole: invalid time 'soon'.*\n$/);
  });
});

function escaped(text: string): string {
  return text.replace(/[^\w\s]/g, "\\$&");
}
