import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { BLOCK } from "../../src/text/sources/block-cache.ts";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand } from "../helpers/paths.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { CONTROL, HOSTILE } from "../text/hostile.ts";
import { first, numbered, quoted, says, screenOfTest, status, tells, toastOf } from "./screen.ts";

const last = (text: string) => text.split("\n")[21] ?? "";
const beginsWith = (line: number) => (text: string) => first(text) === `line ${line} of the log`;
const endsWith = (line: number) => (text: string) => last(text) === `line ${line} of the log`;

/** Targets of the links in a directory; omits links that were removed since. */
function links(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    try {
      return [readlinkSync(`${directory}/${name}`)];
    } catch {
      return [];
    }
  });
}

describeWith("tmux", "porthole open", () => {
  const screen = screenOfTest();

  it("shows a file, its name and the position, and restores the terminal with `q`", async () => {
    const path = screen.file("log", numbered(100));
    await screen.open(path);
    const text = await screen.waitFor("the first page", endsWith(21));
    expect(text.split("\n")[0]).toMatch(new RegExp(`^ ${path} +local, file$`));
    await expect.poll(() => status(screen.text())).toMatch(/^ +line 1 {2}20 % {2}byte 0 of 1,892$/);
    expect(screen.state("#{alternate_on} #{cursor_flag} #{wrap_flag}")).toBe("1 0 0");
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
    expect(screen.state("#{alternate_on} #{cursor_flag} #{wrap_flag}")).toBe("0 1 1");
    await expect.poll(() => screen.text()).not.toContain("line 1 of the log");
  });

  it("scrolls with every scroll key", async () => {
    await screen.open(screen.file("log", numbered(200)));
    const steps: [string, number][] = [
      ["j", 2],
      ["Down", 3],
      ["Enter", 4],
      ["k", 3],
      ["Up", 2],
      ["Space", 22],
      ["PageDown", 42],
      ["f", 62],
      ["b", 42],
      ["PageUp", 22],
      ["d", 32],
      ["u", 22],
      ["G", 180],
      ["g", 1],
      ["End", 180],
      ["Home", 1],
      [">", 180],
      ["<", 1],
    ];
    for (const [key, line] of steps) {
      screen.keys(key);
      await screen.waitFor(`line ${line} at the top after ${key}`, beginsWith(line));
    }
  });

  it("shows the directory of a file that was named by a relative path", async () => {
    screen.file("log", numbered(100));
    await screen.open("log");
    screen.keys(".");
    await screen.waitFor("the directory", (text) => text.startsWith(` ${screen.directory} `) && text.includes(" log "));
    screen.keys("h");
    await screen.waitFor("the error above", (text) => text.startsWith(` ${tmpdir()} `));
  });

  it("suggests the command that shows a directory, for any way to name it", async () => {
    mkdirSync(`${screen.directory}/sub`);
    screen.file("sub/inside", "");
    screen.run(`${process.execPath} ${builtCommand} open sub`);
    expect(await screen.waitForEnd()).toBe(1);
    await expect.poll(() => screen.text().replaceAll("\n", "")).toContain("sub: Is a directory (porthole ./sub)");
    screen.run(`clear; ${process.execPath} ${builtCommand} ./sub`);
    await screen.waitFor("what is in it", " inside");
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  it("is refused if TERM has no cursor movement", async () => {
    screen.run(`TERM=dumb ${process.execPath} ${builtCommand} open ${quoted(screen.file("log", "x"))}`);
    expect(await screen.waitForEnd()).toBe(2);
    await expect
      .poll(() => screen.text().replaceAll("\n", ""))
      .toContain("porthole: open needs a terminal whose cursor can be moved");
  });

  it("handles keys that arrive together", async () => {
    await screen.open(screen.file("log", numbered(200)));
    screen.type("j".repeat(100));
    await screen.waitFor("line 101", beginsWith(101));
    screen.type("kkkkk");
    await screen.waitFor("line 96", beginsWith(96));
  });

  it("scrolls sideways over long lines, also over lines of 1 MB", async () => {
    const long = Array.from({ length: 125_000 }, (_, i) => String(i).padStart(8, "0")).join("");
    await screen.open(screen.file("log", `${long}\nshort\n`));
    await screen.waitFor("the mark of a long line", (text) => first(text).endsWith(">"));
    screen.keys("Right");
    await screen.waitFor("the next columns", (text) => first(text).startsWith("00000001"));
    screen.keys("Left");
    await screen.waitFor("the first columns", (text) => first(text).startsWith("00000000") && text.includes("short"));
  });

  it("reports a missing tab", async () => {
    await screen.open(screen.file("log", numbered(30)));
    screen.enter(":tab 9");
    await screen.waitFor("why it is not shown", (text) => toastOf(text) === "no such tab: '9'");
  });

  it("accepts the start position before the file, as less does", async () => {
    const path = screen.file("log", numbered(300));
    await screen.open("+G", path);
    await screen.waitFor("the last line", endsWith(300));
    screen.keys("q");
    await screen.waitForEnd();
    screen.run("clear");
    await screen.open("+123", "--hex", path, "+/line");
    await screen.waitFor("bytes, and the search that came last", (text) => /^ HEX +\/line /.test(status(text)));
  });

  it("starts at the end with +G, also in empty files and files without a final newline", async () => {
    await screen.open(screen.file("log", `${numbered(100)}no newline`), "+G");
    await screen.waitFor("the last line", (text) => last(text) === "no newline" && status(text).includes("END"));
    screen.keys("q");
    await screen.waitForEnd();
    screen.run("clear");
    await screen.open(screen.file("empty", ""));
    await screen.waitFor("an empty file", says("empty  byte 0 of 0"));
    screen.keys("G", "j", "k", "n", "Space", "b", "/", "x", "Enter", "q");
    await screen.waitFor("the shell", () => screen.state("#{alternate_on}") === "0");
  });

  it("searches forward and back, marks the matches, and reports the last match", async () => {
    await screen.open(screen.file("log", numbered(300)));
    screen.keys("/");
    screen.type("line 1?50 ");
    await screen.waitFor("the prompt", (text) => status(text).startsWith("/line 1?50"));
    screen.keys("Enter");
    await screen.waitFor("the first match", beginsWith(50));
    await expect.poll(() => screen.styled().split("\n")[1]).toMatch(/line 50 \x1b\[0m/);
    screen.keys("n");
    await screen.waitFor("the second match", beginsWith(150));
    screen.keys("n");
    await screen.waitFor("the end of the search", tells("not found below: line 1?50"));
    await expect.poll(() => beginsWith(150)(screen.text())).toBe(true);
    screen.keys("N");
    await screen.waitFor("the first match again", beginsWith(50));
    screen.type("gnnn");
    await screen.waitFor("no third match", beginsWith(150), tells("not found"));
  });

  it("accepts pasted text as a pattern, edits it, and refuses an invalid pattern", async () => {
    await screen.open(screen.file("log", numbered(300)));
    screen.keys("/");
    screen.paste("line 77(\n");
    await screen.waitFor("the pasted text", (text) => status(text).startsWith("/line 77("));
    screen.keys("Enter");
    await screen.waitFor("the refusal", (text) => /is not a regular expression/.test(status(text)));
    // The prompt keeps the refused line for correction.
    screen.keys("C-u", "x", "BSpace", "l", "i", "n", "e", "Space", "7", "8", "Home", "^", "Enter");
    await screen.waitFor("the match", beginsWith(78));
    screen.keys("/", "Escape");
    await screen.waitFor("the status row", says("of 5,892"));
  });

  it("lists the keys with `?` and continues with any key", async () => {
    await screen.open(screen.file("log", numbered(300)));
    screen.keys("?");
    await screen.waitFor("the help", "search forward");
    screen.keys("Space", "Space", "Space", "Space", "Space");
    await screen.waitFor("the last page", (shown) => shown.includes("erase a word") && !shown.includes("a page up"));
    screen.keys("Escape");
    await screen.waitFor("the text", (shown) => !shown.includes("╭") && beginsWith(1)(shown));
  });

  it("follows growth, pauses after scrolling up, continues at the end, and can be stopped", async () => {
    const path = screen.file("log", numbered(100));
    await screen.open(path);
    screen.keys("F");
    await screen.waitFor("the end", endsWith(100), says("FOLLOW"));
    appendFileSync(path, "line 101 of the log\n");
    await screen.waitFor("the new line", endsWith(101));
    screen.keys("k");
    await screen.waitFor("the pause", endsWith(100), says("PAUSED"));
    appendFileSync(path, "line 102 of the log\n");
    await screen.waitFor("the new size", (text) =>
      status(text).endsWith(`of ${Buffer.byteLength(numbered(102)).toLocaleString("en")}`),
    );
    await expect.poll(() => endsWith(100)(screen.text())).toBe(true);
    screen.keys("End");
    await screen.waitFor("the end again", endsWith(102), says("FOLLOW"));
    screen.keys("F");
    await screen.waitFor("no more following", (text) => !status(text).includes("FOLLOW  ?"));
  });

  it("follows through rotation and truncation, and reports them", async () => {
    const path = screen.file("log", numbered(100));
    await screen.open("--follow", path);
    await screen.waitFor("the end", endsWith(100));
    renameSync(path, `${path}.1`);
    writeFileSync(path, "the new file\n");
    await screen.waitFor("the new file", /\nline 100 .*\n── rotated: .*─\nthe new file\n/);
    truncateSync(path);
    await screen.waitFor("the truncation", (text) => first(text).startsWith("── truncated: "));
    appendFileSync(path, "after it\n");
    await screen.waitFor("the lines after the truncation", /── truncated: .*─\nafter it\n/);
  });

  it("releases every deleted generation and keeps its end", async () => {
    const path = screen.file("log", numbered(100));
    await screen.open("--follow", path);
    await screen.waitFor("the end", endsWith(100));
    const pid = await screen.pid();
    const deleted = () => links(`/proc/${pid}/fd`).filter((link) => link.endsWith("(deleted)"));
    for (const name of ["second", "third", "fourth"]) {
      renameSync(path, `${path}.1`);
      writeFileSync(path, `the ${name} file\n`);
      await screen.waitFor(`the ${name} file`, `the ${name} file\n`);
      rmSync(`${path}.1`);
      await waitFor(`the file before the ${name} to be closed`, () => deleted().length === 0);
    }
    rmSync(path);
    await screen.waitFor("that it is deleted", "── deleted: ");
    await waitFor("the last file to be closed", () => !links(`/proc/${pid}/fd`).some((link) => link.includes("/log")));
    await expect
      .poll(() => screen.text())
      .toMatch(/the second file\n── rotated: .*\nthe third file\n── rotated: .*\nthe fourth file\n── deleted: /);
    writeFileSync(path, "the fifth file\n");
    await screen.waitFor("the fifth file", /recreated: the new file begins here.*\nthe fifth file\n/);
    expect(deleted()).toEqual([]);
    screen.keys("g");
    await screen.waitFor("the beginning of the second", (text) => first(text) === "the second file");
  });

  it("releases a large deleted log except its end after that end is shown", async () => {
    const path = screen.file("log", numbered(200_000));
    await screen.open(path, "+F");
    await screen.waitFor("the end", endsWith(200_000));
    screen.keys("g");
    await screen.waitFor("the beginning", beginsWith(1));
    const pid = await screen.pid();
    const isOpen = () => links(`/proc/${pid}/fd`).some((link) => link.includes(path));
    rmSync(path);
    await waitFor("the screen to read the event", () => links(`/proc/${pid}/fd`).includes(`${path} (deleted)`));
    screen.keys("G");
    await screen.waitFor("the note", "── deleted: ");
    await waitFor("the file to be closed", () => !isOpen());
    await expect.poll(() => screen.text()).toContain("line 200000 of the log\n── deleted: ");
    screen.keys("g");
    const text = await screen.waitFor("the dropped part", (shown) =>
      first(shown).startsWith("── deleted: earlier content was dropped"),
    );
    expect(text.split("\n")[2]).toMatch(/^line 1[4-9]\d{4} of the log$/);
    screen.answer("/", "line 199999 ");
    await screen.waitFor("a line that was kept", "line 199999 of the log");
  });

  it("notices a file that shrinks without follow", async () => {
    const path = screen.file("log", numbered(100));
    await screen.open(path, "+G");
    await screen.waitFor("the end", endsWith(100));
    writeFileSync(path, "small\n");
    await screen.waitFor("what is left", /── .*truncated.*─\nsmall\n/);
  });

  it("escapes a hostile file at any position of the screen", async () => {
    const corpus = Buffer.concat(HOSTILE.flatMap(({ bytes }) => [Buffer.from("<"), bytes, Buffer.from(">\n")]));
    // The viewer's block ends in the middle of a sequence.
    const filler = `${"x".repeat(BLOCK - corpus.length - 4)}\n`;
    const content = Buffer.concat([corpus, Buffer.from(`${filler}\x1b]0;split\x07\n`), corpus]);
    const path = screen.file("hostile\x1b]0;pwned\x07", content);
    const before = screen.raw().length;
    await screen.open(path);
    const text = await screen.waitFor("the first page", (shown) => last(shown) !== "");
    HOSTILE.slice(0, 21).forEach(({ shown }, index) => {
      const row = `<${shown}>`;
      expect(text.split("\n")[index + 1]).toBe(row.length > 80 ? `${row.slice(0, 79)}>` : row);
    });
    screen.keys("/");
    screen.paste("split\x1b]52;c;eA==\x07");
    await screen.waitFor("the pasted text", (shown) => status(shown).startsWith("/split]52;c;eA=="));
    screen.keys("C-u");
    screen.enter("split");
    await screen.waitFor("the sequence over the border", (shown) => first(shown) === "^[]0;split^G");
    for (const key of ["j", "Space", "G", "k", "Right", "g"]) screen.keys(key);
    screen.keys("q");
    await screen.waitForEnd();
    await waitFor("the last bytes", () => screen.raw().lastIndexOf("\x1b[?1049l") > before);
    const raw = screen.raw().slice(before);
    const shown = raw.slice(raw.indexOf("\x1b[?1049h"), raw.indexOf("\x1b[?1049l"));
    // Without our own sequences, all output is printable.
    const own = /\x1b\]11;\?\x1b\\|\x1b\[(?:\?(?:1049|25|2004|7|2026|1002|1006)[hl]|\d+;\d+[Hr]|[0-9;]*m|\d+[ST]|r|K)/g;
    expect(Buffer.from(shown.replace(own, ""), "latin1").toString()).not.toMatch(CONTROL);
    expect(screen.state("#{pane_title}")).not.toMatch(/pwned|split/);
  });

  it("keeps colours, and removes them with NO_COLOR", async () => {
    const path = screen.file("log", "\x1b[31mred\x1b[0m\n");
    await screen.open(path);
    await screen.waitFor("the text", (text) => first(text) === "red");
    await expect.poll(() => screen.styled().split("\n")[1]).toMatch(/\x1b\[31m(\x1b\[49m)?red/);
    screen.keys("q");
    await screen.waitForEnd();
    screen.run("clear; export NO_COLOR=1");
    await screen.open(path);
    await screen.waitFor("the text", (text) => first(text) === "red");
    await expect.poll(() => screen.styled().split("\n")[1]).not.toContain("[31m");
  });

  it("reads files without a size and endless files", async () => {
    await screen.open("/proc/self/status");
    await screen.waitFor("a file of /proc", (text) => /^Name:/m.test(text) && /[1-9]\d* %/.test(status(text)));
    screen.keys("q");
    await screen.waitForEnd();
    screen.run("clear");
    await screen.open("/dev/zero");
    await screen.waitFor("zeros", (text) => first(text).startsWith("^@^@"));
    screen.keys("j", "q");
    await screen.waitFor("the shell", () => screen.state("#{alternate_on}") === "0");
  });

  it("reports that a FIFO has no data yet, until its writer writes", async () => {
    screen.run("mkfifo quiet go; (cat go; echo given; exec sleep 100) > quiet & true");
    await screen.waitForEnd();
    screen.run("clear");
    await screen.open("--consume", "./quiet");
    await screen.waitFor("what it waits for", (text) => toastOf(text) === "no data yet; waiting for it");
    // The writer waits until the test opens this FIFO.
    writeFileSync(`${screen.directory}/go`, "");
    await screen.waitFor("the data, without the message", (text) => text.includes("\ngiven\n") && toastOf(text) === "");
    screen.keys("q");
    await screen.waitFor("the shell", () => screen.state("#{alternate_on}") === "0");
  });

  it("shows the bytes of a FIFO as they arrive", async () => {
    screen.run("mkfifo fifo go; (echo one; cat go; exec sleep 100) > fifo & true");
    await screen.waitForEnd();
    screen.run("clear");
    await screen.open("--consume", "./fifo");
    await screen.waitFor("the first line", "\none\n");
    writeFileSync(`${screen.directory}/go`, "two\n");
    await screen.waitFor("both lines", "\none\ntwo\n");
    screen.keys("q");
    await screen.waitFor("the shell", () => screen.state("#{alternate_on}") === "0");
  });
});
