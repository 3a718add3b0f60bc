import { expect, it, onTestFinished } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { first, numbered, says, screenOfTest, status, tells } from "./screen.ts";

const screen = screenOfTest();

const json = (fields: object) => `${JSON.stringify(fields)}\n`;

describeWith("tmux", "a text of JSON", () => {
  const line = { level: "error", msg: "it broke", code: 7 };

  it("is folded by default, and one key shows the original lines", async () => {
    await screen.open(screen.file("log", json(line).repeat(30)));
    await screen.waitFor("the folded lines", (text) => first(text) === "ERROR it broke code=7");
    screen.keys("J");
    await screen.waitFor("the lines", (text) => `${first(text)}\n` === json(line));
    screen.keys("J");
    await screen.waitFor("unfolded lines", (text) => first(text) === "{" && status(text).includes("JSON unfolded"));
    screen.keys("J");
    await screen.waitFor("the folded lines again", (text) => first(text) === "ERROR it broke code=7");
  });

  it("answers keys while an expression is slow on each line, and Esc ends the search and a filter", async () => {
    const slow = (code: number) => json({ level: "info", msg: "ab".repeat(25), code });
    await screen.open(screen.file("log", Array.from({ length: 20_000 }, (_, code) => slow(code)).join("")));
    const at = (code: number) => (text: string) => first(text).endsWith(` code=${code}`);
    await screen.waitFor("the folded lines", at(0));
    screen.answer("/", "(a|b|ab)*c$");
    await screen.waitFor("the search", says("/(a|b|ab)*c$"));
    for (const code of [1, 2, 3]) {
      screen.keys("j");
      await screen.waitFor("the next line", at(code));
    }
    screen.keys("Escape");
    await screen.waitFor("the text without the search", (text) => !status(text).includes("/(a"));
    screen.answer("&", "(a|b|ab)*c$");
    await screen.waitFor("the filter", "Esc stops the search");
    screen.keys("Escape");
    await screen.waitFor("the cancelled filter", "Esc shows all lines");
    screen.keys("Escape");
    await screen.waitFor("all lines", (text) => !status(text).includes("&(a") && at(3)(text));
  });

  it.each([
    ["one line, which may be a document", json(line)],
    ["another line among the first", `${json(line)}plain text\n${json(line).repeat(10)}`],
    ["a document over several lines", `${JSON.stringify([line, line], null, 2)}\n`],
    ["a second line that is not whole", json(line) + json(line).slice(0, 20)],
  ])("is shown unchanged if there is %s", async (_, text) => {
    await screen.open(screen.file("log", text));
    expect(first(screen.text())).toBe(text.split("\n")[0]);
    expect(status(screen.text())).not.toContain("folded");
  });
});

describeWith("tmux", "search and filter in the viewer", () => {
  it("reports a filter without matches, and shows all lines again with the named key", async () => {
    await screen.open(screen.file("log", numbered(100)));
    screen.answer("&", "no such line");
    await screen.waitFor("the reason", /no line matches &no such line *\n Esc shows all lines/);
    screen.keys("Escape");
    await screen.waitFor("all lines", (shown) => first(shown) === "line 1 of the log" && !shown.includes("matches"));
  });

  it("names the bound key, even after it was rebound", async () => {
    screen.run(
      'mkdir -p config/porthole; echo \'{"keys":{"viewer":{"cancel":["f9"]}}}\' > config/porthole/config.json',
    );
    await screen.waitForEnd();
    await screen.open(screen.file("log", numbered(100)));
    screen.answer("&", "no such line");
    await screen.waitFor("the key", "F9 shows all lines");
    screen.keys("F9");
    await screen.waitFor("all lines", (shown) => first(shown) === "line 1 of the log");
  });

  it("stays at the requested end while the filter still searches for lines", async () => {
    const lines = Array.from({ length: 20_000 }, (_, line) => `${"x".repeat(900)} ${line} ERROR\n`).join("");
    await screen.open(screen.file("log", lines));
    screen.type("&ERROR");
    screen.keys("Enter", "G", "Right");
    await screen.waitFor("the end", says("END"), says("20,000 lines"));
    screen.answer("/", "19999 ERR");
    await screen.waitFor("the last line", says("1 of 1"));
    await expect.poll(() => status(screen.text())).toContain("END");
  });

  it("finds the fields of folded JSON in their displayed form", async () => {
    const line = (level: string, code: number) => `${JSON.stringify({ level, msg: "it went on", code })}\n`;
    await screen.open(screen.file("log", line("info", 1).repeat(30) + line("error", 7) + line("info", 2).repeat(30)));
    await screen.waitFor("the folded lines", (text) => first(text) === "INFO  it went on code=1");
    screen.answer("&", "level=error");
    await screen.waitFor(
      "the one",
      (text) => first(text) === "ERROR it went on code=7" && /1 line\b/.test(status(text)),
    );
    screen.keys("&", "C-u", "Enter");
    screen.answer("/", "code=7");
    await screen.waitFor("the match", (text) => first(text) === "ERROR it went on code=7");
    await expect.poll(() => screen.styled().split("\n")[1]).toMatch(/\x1b\[[0-9;]*7m(?:\x1b\[[0-9;]*m)*code=7/);
  });

  it.each([false, true])(
    "shows a match within a wrapped line that is higher than the screen (long: %s)",
    async (isLong) => {
      const filler = "0123456789".repeat(isLong ? 20_000 : 600);
      await screen.open(screen.file("log", `start\n${filler}needle${filler}\nend\n`));
      screen.keys("w");
      await screen.waitFor("the wrapped text", says("wrapped"));
      screen.answer("/", "needle");
      await screen.waitFor("the match", (text) => text.replaceAll("\n", "").includes("needle01234"));
    },
  );
});

describeWith(["tmux", "userNamespaces"], "a file whose target ends", () => {
  it("is reported in a separate row without follow, and its text stays readable", async () => {
    const { pid, stop } = await sandbox({ steps: ["tmpfs", "/tmp", "write", "/tmp/log", numbered(50).trimEnd()] });
    onTestFinished(stop);
    await screen.open(`pid:${pid}:/tmp/log`, "+G");
    await screen.waitFor("the end", "line 50 of the log");
    await stop();
    await screen.waitFor("the message", tells("has ended"));
    screen.keys("G");
    await screen.waitFor("the row", /\nline 50 of the log\n── the container or its agent has ended/);
    screen.keys("g");
    await screen.waitFor("the start", (text) => first(text) === "line 1 of the log");
  });
});
