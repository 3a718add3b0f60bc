import { appendFileSync, existsSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { first, numbered, quoted, says, screenOfTest, status, tells } from "./screen.ts";

const beginsWith = (row: string) => (text: string) => first(text) === row;

/** A log of an hour with one line per second; every tenth line is an error. */
const hour = Array.from({ length: 3600 }, (_, second) => {
  const time = new Date(Date.UTC(2026, 0, 31, 10, 0, second)).toISOString();
  return `${time} ${second % 10 === 3 ? "ERROR" : "INFO"} event ${second}\n`;
}).join("");

/** Returns the second whose line contains a byte. */
const secondAt = (offset: number) => hour.slice(0, offset).split("\n").length - 1;
const secondAtPart = (percent: number) => secondAt(Math.floor((hour.length * percent) / 100));

describeWith("tmux", "the viewer", () => {
  const screen = screenOfTest();

  it("goes to a line, a percentage, a byte and a time, by keys with a number and after `:`", async () => {
    await screen.open(screen.file("log", hour));
    const at = (second: number) => (text: string) => first(text).endsWith(` event ${second}`);
    const steps: [() => void, number][] = [
      [() => screen.type("100g"), 99],
      [() => screen.type("10j"), 109],
      [() => screen.type("50%"), secondAtPart(50)],
      [() => screen.type("25p"), secondAtPart(25)],
      [() => screen.answer(":", "1,234"), 1233],
      [() => screen.answer(":", "75%"), secondAtPart(75)],
      [() => screen.answer(":", "b40"), secondAt(40)],
      [() => screen.answer(":", "0x1000"), secondAt(0x1000)],
      [() => screen.answer(":", "10:30"), 1800],
      [() => screen.answer(":", "+10m"), 2400],
      [() => screen.answer(":", "-30m"), 600],
      [() => screen.answer(":", "2026-01-31T10:05:00Z"), 300],
    ];
    for (const [act, second] of steps) {
      act();
      await screen.waitFor(`event ${second} at the top`, at(second));
    }
    screen.answer(":", "$");
    await screen.waitFor("the end", says("END"));
    screen.answer(":", "99999");
    await screen.waitFor("the end, because there are fewer lines", tells("no such line"));
    screen.answer(":", "b0xffffffffffffffff");
    await screen.waitFor(
      "the end, because there are fewer bytes",
      tells(`there are ${hour.length.toLocaleString("en")} bytes`),
    );
    screen.answer(":", "2030-01-01");
    await screen.waitFor("the message that all lines are earlier", tells("all lines are earlier"));
  });

  it("shows only records of the selected levels, with the counts of all levels, then all records again", async () => {
    const path = screen.file("log", `${hour}2026-01-31T11:00:00Z WARN disk\n    at 93 %\n`);
    await screen.open(path);
    screen.keys("M-e");
    await screen.waitFor("the errors", (text) => /^\S+ ERROR event 3\n/.test(text.split("\n").slice(1).join("\n")));
    await screen.waitFor("the count of the lines", says("only error  360 lines"));
    await screen.waitFor("the count of each level", says("error 360 warn 1 info 3,240"));
    screen.keys("M-w", "G");
    await screen.waitFor(
      "warnings too, with their continuation lines",
      /ERROR event 3593\n\S+ WARN disk\n {4}at 93 %\n/,
    );
    await screen.waitFor("both in the status", says("only error, warn  362 lines"));
    screen.keys("M-e", "M-w");
    await screen.waitFor("all lines", (text) => text.includes(" INFO event 3") && !says("only")(text));
    screen.keys("M-d");
    await screen.waitFor("that there is none", /^ no line matches \(only debug\)\n Esc shows all lines$/m);
    screen.keys("Escape");
    await screen.waitFor("all lines again", (text) => text.includes("INFO event") && !says("only")(text));
  });

  it("jumps to errors and warnings that are not on the screen, one at a time or by the screen", async () => {
    await screen.open(screen.file("log", hour));
    const at = (event: number) => (text: string) => first(text).endsWith(` ERROR event ${event}`);
    screen.keys("]");
    await screen.waitFor("the first below the screen", at(23));
    await screen.waitFor("what is searched for", says("errors and warnings  3 of 360"));
    screen.keys("]");
    await screen.waitFor("the next below the screen", at(53));
    screen.keys("n");
    await screen.waitFor("the next error", at(63));
    screen.keys("[");
    await screen.waitFor("the error above", at(53));
    screen.keys("x", "]");
    await screen.waitFor("the reason why a hex dump has no levels", tells("a hex dump has no levels"));
  });

  it("keeps a stack trace with its message under a filter, and hides it on request", async () => {
    const trace = ["java.lang.IllegalStateException: full", "    at Pool.take(Pool.java:42)", "    ... 12 more"];
    const failed = "2026-01-31 10:00:01 ERROR request failed";
    const rows = ["2026-01-31 10:00:00 INFO ready", failed, ...trace, "2026-01-31 10:00:02 INFO ready"];
    await screen.open(screen.file("log", `${rows.join("\n")}\n`));
    const shows = (...lines: string[]) => {
      const body = lines.join("\n");
      return (text: string) => text.split("\n").slice(1).join("\n").startsWith(`${body}\n`);
    };
    screen.answer("&", "request");
    await screen.waitFor("the whole record", shows(failed, ...trace, ""), says("4 lines"));
    screen.keys("-");
    await screen.waitFor("the line that matches", shows(failed, ""), tells("+ shows"));
    screen.keys("+");
    await screen.waitFor("the whole record again", shows(failed, ...trace, ""));
    screen.keys("&", "C-u");
    screen.enter("!Pool.java");
    await screen.waitFor("every other record", shows(rows[0] ?? "", rows.at(-1) ?? "", ""));
  });

  it("searches, counts and filters a coloured log by its displayed text", async () => {
    const rows = Array.from({ length: 90 }, (_, n) =>
      n % 30 === 29 ? `\x1b[31mERR\x1b[1mOR\x1b[0m: disk ${n}\n` : `\x1b[32mINFO\x1b[0m: all is well ${n}\n`,
    );
    await screen.open(screen.file("log", rows.join("")));
    screen.answer("/", "ERROR: disk");
    await screen.waitFor("the first", (text) => first(text) === "ERROR: disk 29" && says("1 of 3")(text));
    screen.keys("n");
    await screen.waitFor("the second", (text) => first(text) === "ERROR: disk 59" && says("2 of 3")(text));
    screen.keys("g");
    screen.answer("&", "^ERROR: ");
    await screen.waitFor("only those", (text) =>
      /^ERROR: disk 29\nERROR: disk 59\nERROR: disk 89\n/.test(text.split("\n").slice(1).join("\n")),
    );
  });

  it("searches for a time in the background, and stops with Esc or a move", async () => {
    const path = screen.file("log", hour);
    // The hole takes longer to read than a test lasts, and has no timestamp.
    truncateSync(path, 8 * 2 ** 40);
    await screen.open(path);
    screen.answer(":", "2030-01-01");
    await screen.waitFor("the search", tells("searching for that time"));
    screen.keys("Escape");
    await screen.waitFor("its end", tells("search cancelled"));
    screen.answer(":", "2030-01-01");
    await screen.waitFor("the search", tells("searching for that time"));
    screen.keys("j");
    await screen.waitFor("the next line", (text) => first(text).endsWith(" event 1") && !tells("looking")(text));
  });

  it("counts matches, searches in both directions, with or without case, and hides matches with Esc", async () => {
    await screen.open(screen.file("log", hour));
    screen.answer("/", "error event 1.3$");
    await screen.waitFor("no match", tells("not found below"));
    screen.keys("i");
    await screen.waitFor("the message that case is ignored", tells("ignore case"));
    screen.keys("n");
    await screen.waitFor("the first", (text) => first(text).endsWith("ERROR event 103") && says("1 of 10")(text));
    screen.type("2n");
    await screen.waitFor("the third", (text) => first(text).endsWith("event 123") && says("3 of 10")(text));
    screen.keys("N");
    await screen.waitFor("the second", (text) => first(text).endsWith("event 113") && says("2 of 10")(text));
    screen.keys("G");
    screen.answer("\\", "event 50[0-9]$");
    await screen.waitFor(
      "the last before the end",
      // Wait until all matches are counted: before that, Esc ends the count.
      (text) => first(text).endsWith("event 509") && /10 of 10(?!\+)/.test(status(text)),
    );
    await expect.poll(() => screen.styled().split("\n")[1]).toMatch(/\x1b\[7mevent 509/);
    screen.keys("Escape");
    await screen.waitFor("no count", (text) => !says("of 10")(text));
    await expect.poll(() => screen.styled().split("\n")[1]).not.toMatch(/\x1b\[7m/);
  });

  it("filters in and out, with context lines, and searches in the remaining lines", async () => {
    await screen.open(screen.file("log", hour));
    screen.answer("&", "ERROR");
    await screen.waitFor(
      "errors only",
      (text) =>
        text
          .split("\n")
          .slice(1, 22)
          .every((row) => row.includes("ERROR")) && says("360 lines")(text),
    );
    screen.keys("+");
    await screen.waitFor("lines around", /event 3\n.*event 4\n.*event 12\n/, says("±1"));
    screen.keys("-");
    await screen.waitFor("no lines around", (text) => !says("±")(text) && /event 3\n.*event 13\n/.test(text));
    screen.answer("/", "event 40");
    await screen.waitFor("a match that is shown", (text) => first(text).endsWith("event 403"));
    screen.keys("&");
    await screen.waitFor("the filter to edit", (text) => status(text).startsWith("&ERROR"));
    screen.keys("Home");
    screen.enter("!");
    await screen.waitFor(
      "the others",
      (text) =>
        text
          .split("\n")
          .slice(1, 22)
          .every((row) => row.includes("INFO")) && says("&!ERROR  3,240")(text),
    );
    screen.answer("&", "");
    screen.keys("&", "C-u", "Enter");
    await screen.waitFor(
      "all lines",
      (text) => text.includes("ERROR") && text.includes("INFO") && !says("lines")(text),
    );
  });

  it("wraps, numbers lines, and switches levels and JSON", async () => {
    const long = `${"abcdefghij".repeat(20)}\n`;
    const json = '{"level":"error","time":"2026-01-31T00:00:00Z","msg":"it broke","code":7}\n';
    await screen.open(screen.file("log", `${long}${json}last\n`));
    screen.keys("w");
    await screen.waitFor(
      "three rows",
      (text) => text.split("\n")[3] === "abcdefghij".repeat(4) && says("wrapped")(text),
    );
    screen.keys("w", "#");
    await screen.waitFor("numbers", (text) => /^ +1 {2}abc.*>$/.test(first(text)) && /\n +3 {2}last\n/.test(text));
    screen.keys("#", "J");
    await screen.waitFor("a summary", "\n2026-01-31T00:00:00Z ERROR it broke code=7\n");
    await expect.poll(() => screen.styled()).toMatch(/\x1b\[38;5;\d+mERROR/);
    screen.keys("J");
    await screen.waitFor("an object", '\n{\n  "level": "error",\n', "\n}\nlast\n");
    screen.keys("J");
    await screen.waitFor("the line itself", `\n${json}`);
    screen.keys("c");
    await screen.waitFor("the message", tells("levels without colour"));
    await expect.poll(() => screen.styled()).not.toMatch(/\x1b\[38;5;\d+merror/);
    screen.keys("Right", "Right", "^");
    await screen.waitFor("the first column", (text) => first(text).startsWith("abc"));
  });

  it("shows bytes in hexadecimal at the same position, finds them, and goes to offsets", async () => {
    await screen.open(screen.file("log", numbered(2000)));
    screen.type("1000g");
    await screen.waitFor("line 1000", beginsWith("line 1000 of the log"));
    screen.keys("x");
    await screen.waitFor(
      "bytes",
      (text) => /^00000[0-9a-f]{5} {2}.*/.test(first(text)) && text.includes("line 1000") && says("HEX")(text),
    );
    screen.answer("/", "x 3139 3939");
    await screen.waitFor("the bytes", says("1 of 1"), "1999");
    screen.answer(":", "0x40");
    await screen.waitFor("the offset", (text) => first(text).startsWith("0000000040  "));
    screen.answer("/", "line 7 of");
    await screen.waitFor("the text", says("1 of 1"), "line 7 o");
    screen.answer("/", "x 1");
    await screen.waitFor("a refusal", says("is not hexadecimal"));
    screen.keys("Escape");
    await screen.waitFor("the bytes without the prompt", says("HEX"));
    screen.keys("x");
    await screen.waitFor(
      "text again",
      (text) => first(text).startsWith("line 6 of") || first(text).startsWith("line 7 of"),
    );
  });

  it("opens a program in hexadecimal", async () => {
    await screen.open(screen.file("program", readFileSync(process.execPath).subarray(0, 100_000)));
    await screen.waitFor("an ELF header", (text) => first(text).startsWith("0000000000  7f 45 4c 46 "));
  });

  it("opens text with NUL bytes as text", async () => {
    const text = Buffer.from(`a\0b\n${"text\n".repeat(100)}`);
    await screen.open(screen.file("log", Buffer.concat([text, Buffer.alloc(5000)])));
    await screen.waitFor("text", beginsWith("a^@b"));
  });

  it.each([
    ["a file of /proc", ["/proc/self/status"], /4e 61 6d 65 3a .* Name:/],
    ["a device", ["/dev/zero", "+0x100"], /^0000000100 {2}(00 +){16}\.{16}$/],
  ])("opens %s in hexadecimal with --hex", async (what, args, row) => {
    await screen.open("--hex", ...args);
    await screen.waitFor(what, (text) => row.test(first(text)));
  });

  it("marks positions and a range, which is saved", async () => {
    await screen.open(screen.file("log", numbered(500)));
    screen.type("100g");
    await screen.waitFor("line 100", beginsWith("line 100 of the log"));
    screen.type("ma");
    await screen.waitFor("the mark", tells("mark a is set"));
    screen.keys("G");
    await screen.waitFor("the end", says("END"));
    screen.type("'a");
    await screen.waitFor("line 100 again", beginsWith("line 100 of the log"));
    screen.type("''");
    await screen.waitFor("the end again", says("END"));
    screen.type("'z");
    await screen.waitFor("no such mark", tells("no such mark: z"));
    screen.type("100g");
    await screen.waitFor("line 100", beginsWith("line 100 of the log"));
    screen.keys("R");
    await screen.waitFor("the range", beginsWith("▌ line 100 of the log"));
    screen.type("20j");
    await screen.waitFor("a longer range", beginsWith("▌ line 120 of the log"));
    const out = `${screen.directory}/out`;
    screen.answer("|", `cat > ${quoted(out)}`);
    await screen.waitFor(
      "the range's lines",
      () => existsSync(out) && readFileSync(out, "utf8").split("\n").length === 42,
    );
    expect(readFileSync(out, "utf8")).toBe(numbered(140).split("\n").slice(99, 140).join("\n").concat("\n"));
  });

  it("takes text that is typed with the key of a prompt as its answer", async () => {
    await screen.open(screen.file("log", numbered(500)));
    const out = `${screen.directory}/out`;
    // Send it in one write: the code of the key is loaded on first use, and `>` alone would go to
    // the end.
    screen.enter(`|head -n 1 > ${quoted(out)}`);
    await screen.waitFor(
      "the first line",
      () => existsSync(out) && readFileSync(out, "utf8") === "line 1 of the log\n",
    );
    screen.type(".q");
    await screen.waitFor("the file again", beginsWith("line 1 of the log"));
  });

  it("reads other encodings by their byte order mark, and switches them with a key", async () => {
    const utf16 = Buffer.from(`\ufeff${"żółw ERROR\r\nzwei\r\n".repeat(40)}`, "utf16le");
    await screen.open(screen.file("log", utf16));
    await screen.waitFor("the text", (text) => first(text) === "żółw ERROR" && says("UTF-16 LE")(text));
    screen.answer("&", "zwei$");
    await screen.waitFor("a filter on it", (text) => first(text) === "zwei" && says("40 lines")(text));
    screen.keys("&", "C-u", "Enter", "E", "E");
    await screen.waitFor("other characters", tells("read as UTF-8"));
    screen.keys("q");
    await screen.waitForEnd();
    screen.run("clear");
    await screen.open(screen.file("latin", Buffer.from("caf\xe9\n", "latin1")));
    await screen.waitFor("Latin-1", (text) => first(text) === "café" && says("Latin-1")(text));
  });

  it("keeps its position across encodings in which the file has no lines", async () => {
    await screen.open(screen.file("log", numbered(500)), "+300");
    const isThere = (text: string) => first(text) === "line 300 of the log";
    await screen.waitFor("its place", isThere);
    for (const name of ["Latin-1", "UTF-16 LE", "UTF-16 BE", "UTF-8"]) {
      screen.keys("E");
      await screen.waitFor(name, tells(`read as ${name}`));
    }
    await screen.waitFor("its place again", isThere);
  });

  it("starts at the given position", async () => {
    const path = screen.file("log", hour);
    for (const [start, second] of [
      ["+1000", 999],
      ["+50%", secondAtPart(50)],
      ["+/event 77$", 77],
      ["+0x1000", secondAt(0x1000)],
    ] as const) {
      await screen.open(path, start);
      await screen.waitFor(`event ${second}`, (text) => first(text).endsWith(` event ${second}`));
      screen.keys("q");
      await screen.waitForEnd();
      screen.run("clear");
    }
  });

  it("follows a file in a namespace through rotation, truncation and deletion, and reports them in marked rows", async () => {
    const { pid, root } = await sandbox();
    const path = `${root}/tmp/log`;
    writeFileSync(path, numbered(50));
    await screen.open("--follow", `pid:${pid}:/tmp/log`);
    await screen.waitFor("the end", "\nline 50 of the log\n", says("FOLLOW"));
    appendFileSync(path, "line 51\n".repeat(3));
    await screen.waitFor("a rate", (text) => /FOLLOW .*[▁-█].* lines?\/s/.test(status(text)));
    screen.keys("Right", "k");
    await screen.waitFor("the pause", says("PAUSED"));
    appendFileSync(path, numbered(1234));
    await screen.waitFor("the number of new lines", says("1,234 new lines"));
    screen.keys("End");
    await screen.waitFor("the same column", says("FOLLOW"), says("column 9"));
    screen.keys("^");
    renameSync(path, `${path}.1`);
    writeFileSync(path, "second\n");
    await screen.waitFor("the rotation", /of the log\n── rotated: .*─\nsecond\n/);
    truncateSync(path);
    await screen.waitFor("the truncation", (text) => first(text).startsWith("── truncated"));
    appendFileSync(path, "third\n");
    await screen.waitFor("the lines after the truncation", /── truncated.*─\nthird\n/);
    renameSync(path, `${path}.2`);
    await screen.waitFor("the deletion", /\nthird\n── deleted: .*─/);
    appendFileSync(`${path}.2`, "fourth\n");
    await screen.waitFor("data appended to the deleted file", /── deleted.*─\nfourth\n/);
    writeFileSync(path, "fifth\n");
    await screen.waitFor("the new one", (text) =>
      // Two rows if the name is seen before the file can be opened.
      /\nfourth\n(?:── the file has its name again ─*\n)?── (?:recreated|rotated).*─\nfifth\n/.test(text),
    );
    // Line numbers count from the start of the current file.
    screen.keys("#");
    await screen.waitFor("its first line", /\n +1 {2}fifth\n/);
  });
});
