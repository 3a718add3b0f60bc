import { it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { numbered, screenOfTest } from "./screen.ts";

const SIZES = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 36 },
  { columns: 200, rows: 50 },
];

for (const size of SIZES)
  describeWith("tmux", `the palette at ${size.columns}x${size.rows}`, () => {
    const screen = screenOfTest(size);

    const prompt = (text: string) => text.split("\n")[size.rows - 2] ?? "";
    const body = (text: string) => text.split("\n").slice(1, -2);

    it("lists the available actions, narrows the list during typing, and runs the chosen action", async () => {
      await screen.open(screen.file("log", numbered(300)));
      screen.keys("C-k");
      await screen.waitFor(
        "the palette",
        (text) => /╭─ Palette {2}1-12 of \d+ /.test(text) && /^╰─+╯/.test(body(text).at(-1) ?? ""),
      );
      screen.type("line-num");
      await screen.waitFor(
        "one action with its key, over the line that is typed",
        (text) => /^:line-num *$/.test(prompt(text)) && /^│ line-numbers {2}.* # │/.test(body(text).at(-2) ?? ""),
      );
      screen.keys("Enter");
      await screen.waitFor(
        "line numbers and no palette",
        (text) => /^ *1 .*line 1 of the log/.test(body(text)[0] ?? "") && !text.includes("Palette"),
      );
    });

    it("goes to a typed position, and keeps the position on Esc", async () => {
      await screen.open(screen.file("log", numbered(300)));
      screen.keys(":");
      screen.type("150");
      await screen.waitFor("the position in the list", /^│ 150 +go to this position/m);
      screen.keys("Enter");
      const at150 = (text: string) => body(text)[0]?.trim() === "line 150 of the log" && !text.includes("Palette");
      await screen.waitFor("line 150", at150);
      screen.keys(":");
      await screen.waitFor("the palette", "╭─ Palette");
      screen.keys("Escape");
      await screen.waitFor("the text again", at150);
    });

    it("opens a recent file", async () => {
      const one = screen.file("first.log", "of the first\n");
      const two = screen.file("second.log", "of the second\n");
      await screen.open(one);
      screen.enter(`:open ${two}`);
      await screen.waitFor("the second", (text) => body(text)[0]?.trim() === "of the second");
      screen.keys(":");
      await screen.waitFor("the first among the recent files", /first\.log {2}recent file/);
      screen.keys("Down", "Enter");
      await screen.waitFor("the first", (text) => body(text)[0]?.trim() === "of the first");
    });
  });
