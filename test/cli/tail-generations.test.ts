import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { amount } from "../helpers/extent.ts";
import { following } from "../helpers/following.ts";
import { sandboxOfTests } from "../helpers/namespaces.ts";
import { user } from "../helpers/porthole.ts";
import { openFiles } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

const someone = user();
let here: string;
let there: string;
let count = 0;

const box = sandboxOfTests();
beforeEach(() => {
  const name = `/tmp/g${++count}`;
  mkdirSync(box.root + name);
  here = box.root + name;
  there = `pid:${box.pid}:${name}`;
});

function deletedFiles(pid: number): string[] {
  return openFiles(pid).filter(
    (path) => path.endsWith("(deleted)") && !path.startsWith("/memfd") && path.includes("/log"),
  );
}

describe("porthole tail -F over generations of a file", () => {
  test("prints a new file that a glob matches after another file was deleted", async () => {
    writeFileSync(`${here}/a.log`, "1\n");
    const tail = following(someone, ["-F", "-q", `${there}/*.log`]);
    await tail.shows("1\n");
    unlinkSync(`${here}/a.log`);
    await tail.says(/become inaccessible/);
    await waitFor("the deleted file to be closed", () => deletedFiles(tail.running.pid).length === 0);
    writeFileSync(`${here}/b.log`, "2\n");
    await tail.shows("1\n2\n");
  });

  test("prints data that is appended to a file once, after its rename to another followed name", async () => {
    writeFileSync(`${here}/a`, "x\n");
    writeFileSync(`${here}/b`, "");
    const tail = following(someone, ["-F", "-q", `${there}/a`, `${there}/b`]);
    await tail.shows("x\n");
    renameSync(`${here}/a`, `${here}/b`);
    await tail.shows("x\nx\n");
    writeFileSync(`${here}/a`, "new\n");
    await tail.shows("x\nx\nnew\n");
    appendFileSync(`${here}/b`, "more\n");
    await tail.shows("x\nx\nnew\nmore\n");
    appendFileSync(`${here}/a`, "end\n");
    await tail.shows("x\nx\nnew\nmore\nend\n");
  });

  test("closes a rotated file that is deleted while its successor is empty", async () => {
    writeFileSync(`${here}/log`, "1\n");
    const tail = following(someone, ["-F", `${there}/log`]);
    await tail.shows("1\n");
    renameSync(`${here}/log`, `${here}/log.1`);
    writeFileSync(`${here}/log`, "");
    await tail.says(/has been replaced/);
    unlinkSync(`${here}/log.1`);
    await waitFor("no deleted file is open", () => deletedFiles(tail.running.pid).length === 0);
    appendFileSync(`${here}/log`, "2\n");
    await tail.shows("1\n2\n");
  });

  test("closes a deleted file after reading it, and follows the next file of that name", async () => {
    writeFileSync(`${here}/log`, "1\n");
    const tail = following(someone, ["-F", `${there}/log`]);
    await tail.shows("1\n");
    unlinkSync(`${here}/log`);
    await tail.says(/has become inaccessible/);
    await waitFor("no deleted file is open", () => deletedFiles(tail.running.pid).length === 0);
    writeFileSync(`${here}/log`, "2\n");
    await tail.shows("1\n2\n");
    await tail.says(`tail: '${there}/log' has appeared;  following new file`);
  });

  test.for(["rotation", "truncation"])(
    "ends a line that is cut by a %s, and marks it as partial in JSON",
    async (change) => {
      writeFileSync(`${here}/log`, "one\nhalf");
      const tail = following(someone, ["-F", "--json", `${there}/log`]);
      const record = (line: string, partial = {}) =>
        `${JSON.stringify({ target: `${there}/log`, line, time: null, ...partial })}\n`;
      await tail.shows(record("one"));
      if (change === "rotation") {
        renameSync(`${here}/log`, `${here}/log.1`);
        writeFileSync(`${here}/log`, "NEW\n");
      } else {
        truncateSync(`${here}/log`);
        await tail.says(/file truncated/);
        appendFileSync(`${here}/log`, "NEW\n");
      }
      await tail.shows(record("one") + record("half", { partial: true }) + record("NEW"));
    },
  );

  test("ends a line that is cut by a rotation, with --prefix and with --merge", async () => {
    for (const option of ["--prefix", "--merge"]) {
      const name = `log${option}`;
      writeFileSync(`${here}/${name}`, "half");
      const tail = following(someone, ["-F", option, `${there}/${name}`]);
      const prefix = option === "--prefix" ? `${there}/${name} | ` : "";
      if (prefix) await tail.shows(`${prefix}half`);
      else await waitFor("the watch", () => openFiles(tail.running.pid).some((path) => path.endsWith(`/${name}`)));
      renameSync(`${here}/${name}`, `${here}/${name}.1`);
      writeFileSync(`${here}/${name}`, "NEW\n");
      await tail.shows(`${prefix}half\n${prefix}NEW\n`);
      await tail.stop();
    }
  });

  test.for(["", "--json", "--prefix", "--merge", "--json --merge"])(
    "skips the hole after a truncation if the writer keeps its offset (%s)",
    async (words) => {
      const options = words.split(" ").filter((word) => word !== "");
      writeFileSync(`${here}/log`, "before\n");
      const tail = following(someone, ["-F", ...options, `${there}/log`]);
      const shown = (line: string) => {
        if (options.includes("--json")) return `${JSON.stringify({ target: `${there}/log`, line, time: null })}\n`;
        return `${options.includes("--prefix") ? `${there}/log | ` : ""}${line}\n`;
      };
      await tail.shows(shown("before"));
      truncateSync(`${here}/log`);
      await tail.says(/file truncated/);
      const writer = openSync(`${here}/log`, "r+");
      writeSync(writer, "after\n", 300_000_000);
      await tail.shows(shown("before") + shown("after"));
      ftruncateSync(writer, 0);
      closeSync(writer);
      const peak = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${tail.running.pid}/status`, "latin1"))?.[1];
      expect(Number(peak)).toBeLessThan(150_000);
    },
  );

  const lineMiB = amount(100, 40);
  test(`prints a line of ${lineMiB} MiB in marked pieces with little memory`, async () => {
    writeFileSync(`${here}/log`, "");
    const tail = someone.start(["tail", "-F", "--json", `${there}/log`]);
    let pieces = 0;
    let isOver = false;
    let text = "";
    tail.stdout.setEncoding("latin1").on("data", (piece: string) => {
      const lines = (text + piece).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        pieces++;
        isOver ||= line.includes("last");
        expect(line.endsWith(line.includes("last") ? '"time":null}' : '"time":null,"partial":true}')).toBe(true);
      }
    });
    const zeros = Buffer.alloc(1024 * 1024);
    for (let count = 0; count < lineMiB; count++) appendFileSync(`${here}/log`, zeros);
    appendFileSync(`${here}/log`, "last\n");
    await waitFor("all pieces", () => isOver);
    expect(pieces).toBeGreaterThan(lineMiB);
    const peak = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${tail.pid}/status`, "latin1"))?.[1];
    expect(Number(peak)).toBeLessThan(150_000);
    tail.child.kill("SIGTERM");
    await tail.ended;
  });

  test("follows a link to a directory that is switched, relative, and dangling for a while", async () => {
    for (const release of ["r1", "r2"]) {
      mkdirSync(`${here}/${release}`);
      writeFileSync(`${here}/${release}/log`, `${release}\n`);
    }
    symlinkSync("r1", `${here}/current`);
    symlinkSync("current", `${here}/latest`);
    const tail = following(someone, ["-F", `${there}/latest/log`]);
    await tail.shows("r1\n");
    unlinkSync(`${here}/current`);
    symlinkSync("r2", `${here}/current`);
    await tail.shows("r1\nr2\n");
    // tail now watches the directory that the link points to.
    renameSync(`${here}/r2/log`, `${here}/r2/log.1`);
    writeFileSync(`${here}/r2/log`, "next\n");
    await tail.shows("r1\nr2\nnext\n");
  });
});

describe("porthole tail -F of an unfinished line", () => {
  const dated = (second: number, text: string) => `2026-01-31T14:05:0${second}Z ${text}`;
  const start = (...options: string[]) => {
    writeFileSync(`${here}/a`, `${dated(1, "a")}\nUser: `);
    writeFileSync(`${here}/b`, `${dated(2, "b")}\n`);
    return following(someone, ["-F", ...options, `${there}/a`, `${there}/b`]);
  };

  test("--merge prints it after a delay, then its rest, and the lines of other files in order", async () => {
    const tail = start("--merge");
    const begun = `${dated(1, "a")}\n${dated(2, "b")}\nUser: `;
    await tail.shows(begun);
    appendFileSync(`${here}/a`, `me\n${dated(4, "a")}\n`);
    appendFileSync(`${here}/b`, `${dated(3, "b")}\n`);
    await tail.shows(`${begun}me\n${dated(3, "b")}\n${dated(4, "a")}\n`);
  });

  test("--merge ends it before a line of another file and before the next generation", async () => {
    const tail = start("--merge", "--prefix");
    const [a, b] = [`${there}/a | `, `${there}/b | `];
    let shown = `${a}${dated(1, "a")}\n${b}${dated(2, "b")}\n${a}User: `;
    await tail.shows(shown);
    appendFileSync(`${here}/b`, `${dated(3, "b")}\n`);
    shown += `\n${b}${dated(3, "b")}\n`;
    await tail.shows(shown);
    appendFileSync(`${here}/a`, "me");
    shown += `${a}me`;
    await tail.shows(shown);
    renameSync(`${here}/a`, `${here}/a.1`);
    writeFileSync(`${here}/a`, "NEW\n");
    await tail.shows(`${shown}\n${a}NEW\n`);
  });

  test.each([[["--json"]], [["--json", "--merge"]]])(
    "%s prints it as a partial record, then its rest",
    async (options) => {
      const tail = start(...options);
      const record = (name: string, line: string, more: object) =>
        `${JSON.stringify({ target: `${there}/${name}`, line, ...more })}\n`;
      const time = (second: number) => ({ time: `2026-01-31T14:05:0${second}.000Z` });
      const begun =
        record("a", dated(1, "a"), time(1)) +
        record("b", dated(2, "b"), time(2)) +
        record("a", "User: ", { time: null, partial: true });
      await tail.shows(begun);
      appendFileSync(`${here}/a`, "me\n");
      await tail.shows(begun + record("a", "me", { time: null }));
    },
  );
});

describe("porthole tail --prefix", () => {
  test("prints an unfinished line at once, and its rest after it", async () => {
    writeFileSync(`${here}/log`, "Password: ");
    const tail = following(someone, ["-F", "--prefix", `${there}/log`]);
    await tail.shows(`${there}/log | Password: `);
    appendFileSync(`${here}/log`, "ok\n");
    await tail.shows(`${there}/log | Password: ok\n`);
  });

  test("prints each state of a progress bar on its own line, and keeps a carriage return before a newline", async () => {
    writeFileSync(`${here}/log`, "10%\r20%\rdone\r");
    const tail = following(someone, ["-F", "--prefix", `${there}/log`]);
    const prefix = `${there}/log | `;
    await tail.shows(`${prefix}10%\n${prefix}20%\n${prefix}done`);
    appendFileSync(`${here}/log`, "\nnext\n");
    await tail.shows(`${prefix}10%\n${prefix}20%\n${prefix}done\r\n${prefix}next\n`);
  });
});
