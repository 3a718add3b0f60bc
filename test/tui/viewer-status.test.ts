import { appendFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { numbered, says, screenOfTest, tells } from "./screen.ts";

const row = (number: number) => (text: string) => text.split("\n")[number] ?? "";
const first = row(1);
const status = row(22);

describeWith("tmux", "the status row of the viewer", () => {
  const screen = screenOfTest();

  it("keeps an invalid expression for correction, with the reason", async () => {
    await screen.open(screen.file("log", numbered(100)));
    for (const [key, label] of [
      ["/", "/"],
      ["\\", "\\"],
      ["&", "&"],
    ] as const) {
      screen.answer(key, "line (5");
      await screen.waitFor("the line with the reason", (text) => {
        const last = status(text);
        return last.startsWith(`${label}line (5`) && last.trim().length > `${label}line (5`.length;
      });
      screen.keys("Escape");
      await screen.waitFor("the status", (text) => !status(text).startsWith(label));
    }
    screen.answer("/", "line (5");
    await screen.waitFor("the refused line", (text) => /^\/line \(5 {2,}\S/.test(status(text)));
    screen.enter("0)");
    await screen.waitFor("the match", (text) => first(text) === "line 50 of the log");
  });

  it("reports a percentage beyond the end", async () => {
    await screen.open(screen.file("log", numbered(100)));
    screen.answer(":", "200%");
    await screen.waitFor("the end and the reason", "line 100 of the log ", tells("200 % is beyond the end"));
    screen.keys("g");
    await screen.waitFor("the start", (text) => first(text) === "line 1 of the log");
    screen.type("101%");
    await screen.waitFor("the same for a number before %", tells("101 % is beyond the end"));
  });

  it("shows END with a filter whose last line is on the screen, with and without follow", async () => {
    const path = screen.file("log", `${numbered(50)}${"other\n".repeat(50)}`);
    await screen.open(path);
    screen.answer("&", "^line");
    await screen.waitFor("the filtered lines", says("50 lines"));
    screen.keys("G");
    await screen.waitFor("END", says("50 lines"), says("END"));
    screen.keys("F");
    await screen.waitFor("the follow", says("FOLLOW"), says("END"));
    appendFileSync(path, "line 51\nother\n");
    await screen.waitFor("the new lines", "line 51", says("51 lines"), says("END"));
    await expect.poll(() => status(screen.text())).not.toContain("99 %");
  });

  it("shows END only with the last row of a long wrapped line", async () => {
    await screen.open(screen.file("log", `${"x".repeat(80 * 21 * 4)}\n`));
    screen.keys("w");
    await screen.waitFor("a quarter", (text) => / 2[45] %/.test(status(text)));
    screen.keys("G");
    await screen.waitFor("the end", says("END"));
    screen.keys("b");
    await screen.waitFor("a page above", (text) => !says("END")(text) && / 7\d %/.test(status(text)));
  });

  it("shows bytes from their first column, and shows no column for wrapped lines", async () => {
    await screen.open(screen.file("log", numbered(100)));
    screen.keys("Right", "Right");
    await screen.waitFor("the column", says("column 17"));
    screen.keys("x");
    await screen.waitFor("bytes", (text) => /^0{8,} /.test(first(text)) && !says("column")(text));
    screen.keys("x");
    await screen.waitFor("the column again", says("column 17"));
    screen.keys("w");
    await screen.waitFor("no column", (text) => says("wrapped")(text) && !says("column")(text));
  });

  it("explains how to search bytes if hex digits are not found as text", async () => {
    await screen.open("--hex", screen.file("data", Buffer.from([1, 2, 0x7f, 0x45, 3]).toString("latin1")));
    screen.answer("/", "7f45");
    await screen.waitFor("the hint", tells("x 7f45 finds these bytes"));
    screen.answer("/", "x 7f45");
    await screen.waitFor("the matches", says("1 of 1"));
    screen.answer("/", "x 7f4");
    await screen.waitFor("the reason for the refusal", (text) => /^\/x 7f4 .*two digits/.test(status(text)));
  });
});
