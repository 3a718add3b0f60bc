import { appendFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { says, screenOfTest, status, tells } from "./screen.ts";

const keys = (text: string) => text.split("\n")[23]?.trim() ?? "";
/** Returns the lines of the files, without a toast at their right end. */
const rows = (text: string) =>
  text
    .split("\n")
    .slice(1, 22)
    .flatMap((row) => /^(?:app|db)\.log +\| \S+ \S+ \S+/.exec(row)?.[0] ?? []);

describeWith("tmux", "several files followed together", () => {
  const screen = screenOfTest();

  it("have short names before their lines, and can be muted one at a time, or all except one", async () => {
    const at = (second: number, text: string) => `2026-01-31T10:00:0${second}Z ${text}\n`;
    screen.file("app.log", at(1, "INFO first") + at(3, "ERROR third"));
    const db = screen.file("db.log", at(2, "INFO second"));
    screen.run(`${process.execPath} ${builtCommand} ./`);
    await screen.waitFor("the files", "app.log", "db.log");
    screen.keys("Space");
    await screen.waitFor("the mark of app.log", "*app.log");
    screen.keys("Space");
    await screen.waitFor("the mark of db.log", "*db.log");
    screen.keys("F");
    const shows =
      (...expected: string[]) =>
      (text: string) =>
        rows(text).join("\n") === expected.join("\n");
    const [first, second, third] = [
      "app.log | 2026-01-31T10:00:01Z INFO first",
      "db.log  | 2026-01-31T10:00:02Z INFO second",
      "app.log | 2026-01-31T10:00:03Z ERROR third",
    ] as const;
    await screen.waitFor("the lines in order of time", shows(first, second, third));
    await screen.waitFor("its keys", (text) => keys(text).startsWith("X hide source  K only it  / search"));
    await expect.poll(() => screen.styled()).toMatch(/\x1b\[36m(\x1b\[49m)?app\.log \|/);
    await expect.poll(() => screen.styled()).toMatch(/\x1b\[1m\x1b\[38;5;\d+m(\x1b\[49m)?ERROR/);

    screen.keys("X");
    await screen.waitFor("the other file", shows(second), says("only db.log"));
    appendFileSync(db, at(4, "INFO fourth"));
    const fourth = "db.log  | 2026-01-31T10:00:04Z INFO fourth";
    await screen.waitFor("its new line", shows(second, fourth));
    screen.keys("X");
    await screen.waitFor("why it stays", tells("the only source shown: K"));
    screen.keys("K");
    await screen.waitFor("all files", shows(first, second, third, fourth));
    await expect.poll(() => status(screen.text())).not.toContain("only");
    screen.keys("K");
    await screen.waitFor("one file", shows(first, third), says("only app.log"));
    screen.enter("&third");
    await screen.waitFor("the filter beside it", shows(third), says("&third  only"));
    screen.type("&second");
    screen.keys("C-u");
    screen.enter("second");
    await screen.waitFor("the reason why nothing is left", "no line matches &second (only app.log)");
    screen.keys("Escape");
    await screen.waitFor("all lines", shows(first, second, third, fourth));
  });

  it("have additional keys in the last row, unlike a text of one file", async () => {
    await screen.open(screen.file("log", "one\n"));
    await screen.waitFor("its keys", (text) => keys(text).startsWith("/ search  n next"));
  });

  it("are opened by open --merge, which follows them", async () => {
    const app = screen.file("app.log", "2026-01-31T10:00:02Z INFO second\n");
    const db = screen.file("db.log", "2026-01-31T10:00:01Z INFO first\n");
    await screen.open("--merge", app, db);
    await screen.waitFor("what is shown", / 2 files merged by time *\n/);
    await screen.waitFor("both, in order of time", /db\.log {2}\| \S+ INFO first\napp\.log \| \S+ INFO second\n/);
    appendFileSync(db, "2026-01-31T10:00:03Z INFO third\n");
    await screen.waitFor("a new line", /INFO second\ndb\.log {2}\| \S+ INFO third\n/);
  });

  it("count only new lines in their rate", async () => {
    const lines = (name: string) => screen.file(name, `2026-01-31T10:00:01Z INFO old\n`.repeat(900));
    const [app, db] = [lines("app.log"), lines("db.log")];
    await screen.open("--merge", app, db);
    await screen.waitFor("the end", says("FOLLOW"), "INFO old");
    appendFileSync(db, "2026-01-31T10:00:03Z INFO new\n");
    await screen.waitFor("the rate", /INFO new\n/, (text) => /FOLLOW .*[▁-█].* lines?\/s/.test(status(text)));
    expect(screen.raw()).not.toMatch(/\d{3} lines\/s/);
  });

  it("fold their JSON like a single file, and a search finds the fields as they are shown", async () => {
    const line = (second: number, level: string, msg: string) =>
      `${JSON.stringify({ time: `2026-01-31T10:00:0${second}Z`, level, msg, path: "/api", n: second })}\n`;
    const app = screen.file("app.log", line(1, "info", "first") + line(3, "error", "third"));
    const db = screen.file(
      "db.log",
      ["zeroth", 'second {"path":"/api"}']
        .map((text, index) => `2026-01-31T10:00:0${2 * index}Z INFO ${text}\n`)
        .join(""),
    );
    await screen.open("--merge", app, db);
    const shown = (text: string) => text.split("\n").flatMap((row) => /^(?:app|db)\.log.*?(?= *█? *$)/.exec(row) ?? []);
    const [zeroth, first, second, third] = [
      "db.log  | 2026-01-31T10:00:00Z INFO zeroth",
      "app.log | 2026-01-31T10:00:01Z INFO  first path=/api n=1",
      'db.log  | 2026-01-31T10:00:02Z INFO second {"path":"/api"}',
      "app.log | 2026-01-31T10:00:03Z ERROR third path=/api n=3",
    ] as const;
    const shows = (...expected: string[]) => expect.poll(() => shown(screen.text())).toEqual(expected);
    await shows(zeroth, first, second, third);
    await expect.poll(() => status(screen.text())).toContain("JSON folded");
    for (const [pattern, ...lines] of [
      ["ERROR third path=/api", third],
      ["level=info", first],
      ['{"path"', second],
    ]) {
      screen.enter(`&${pattern}`);
      await shows(...lines);
      screen.keys("Escape");
      await shows(zeroth, first, second, third);
    }
    appendFileSync(app, line(4, "warn", "fourth"));
    await shows(zeroth, first, second, third, "app.log | 2026-01-31T10:00:04Z WARN  fourth path=/api n=4");
    screen.keys("J");
    await screen.waitFor("the lines as they are", 'app.log | {"time":"2026-01-31T10:00:04Z"');
  });

  it.each([
    [["open", "a", "b"], /^porthole: 'b' is not a position \(.*--merge opens several targets/],
    [["open", "--merge", "--rotated", "/a", "/b"], /--merge.* cannot be used with .*--rotated/],
  ])("are refused otherwise: %j", async (args, line) => {
    const result = await user().run(args);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(line);
  });
});
