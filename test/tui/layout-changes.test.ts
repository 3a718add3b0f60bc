import { it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { first, says, screenOfTest } from "./screen.ts";

/** A log of 200 lines of 300 columns; line 101 has the only match. */
const wide = Array.from({ length: 200 }, (_, index) => {
  const name = `line ${index + 1} ${index === 100 ? "needle" : ""} `;
  return `${name}${"wide ".repeat(60).slice(name.length)}\n`;
}).join("");

/** A log of JSON in which unfolded objects take 7 rows; every tenth one is an error. */
const json = Array.from({ length: 200 }, (_, index) => {
  const fields = { level: index % 10 === 0 ? "error" : "info", msg: `event ${index + 1}`, a: 1, b: 2, c: 3 };
  return `${JSON.stringify({ time: "2026-01-31T10:00:00Z", ...fields })}\n`;
}).join("");

/** Returns a check that rows of the text, not the status, have all of these words. */
const shows =
  (...words: string[]) =>
  (text: string) =>
    words.every((word) => text.split("\n").slice(1, -2).join("\n").includes(word));

describeWith("tmux", "a change of the layout", () => {
  const screen = screenOfTest();

  /** Shows the only match of a pattern in the row below this number of lines. */
  async function showMatch(file: string, pattern: string, above: number): Promise<void> {
    await screen.open(file);
    screen.answer("/", pattern);
    await screen.waitFor("the match", says("1 of 1"));
    if (above === 0) return;
    const top = first(screen.text());
    screen.type(`${above}k`);
    await screen.waitFor("the lines above the match", (text) => text.split("\n")[1 + above] === top);
  }

  it("keeps the match on the screen when long lines are wrapped or cut, and the top line if both fit", async () => {
    await showMatch(screen.file("log", wide), "needle", 15);
    screen.keys("w");
    await screen.waitFor("the match among wrapped lines", says("wrapped"), "line 101 needle", (text) =>
      text.includes("line 100"),
    );
    screen.keys("w");
    await screen.waitFor("the match among cut lines", (text) => !says("wrapped")(text), "line 101 needle");
    const before = first(screen.text());
    screen.keys("#");
    await screen.waitFor("line numbers", /^ +\d+ .*line 101 needle/m, (text) =>
      first(text).includes(before.slice(0, 60)),
    );
  });

  it("keeps the match on the screen when the screen becomes smaller, and scrolls sideways meanwhile", async () => {
    await showMatch(screen.file("log", wide.replace("needle", `${" ".repeat(50)}needle`)), "needle", 15);
    screen.resize({ columns: 40, rows: 8 });
    await screen.waitFor("the match on the small screen", shows("needle"), (text) => text.split("\n").length === 8);
    screen.resize({ columns: 80, rows: 24 });
    await screen.waitFor("the first columns again", /^line 101 +needle/m, (text) => text.split("\n").length === 24);
    screen.keys("w");
    await screen.waitFor("wrapped lines", says("wrapped"), shows("needle"));
    screen.resize({ columns: 40, rows: 10 });
    await screen.waitFor("the match on the narrow screen", shows("needle"), (text) => text.split("\n").length === 10);
  });

  it("keeps the match on the screen in a hex dump and back", async () => {
    await showMatch(screen.file("log", wide), "needle", 5);
    screen.keys("x");
    await screen.waitFor("the match as bytes", says("HEX"), /line 101/);
    screen.keys("x");
    await screen.waitFor("the match as text", (text) => !says("HEX")(text), "line 101 needle");
  });

  it("keeps the match on the screen when JSON is unfolded, and when a filter or a level begins and ends", async () => {
    await showMatch(screen.file("log", json), "event 101(?!\\d)", 15);
    screen.keys("J", "J");
    await screen.waitFor("unfolded JSON", says("unfolded"), says("1 of 1"), shows("event 101"));
    screen.keys("J");
    await screen.waitFor("folded JSON", says("JSON folded"), shows("event 101"));
    screen.keys("M-e");
    await screen.waitFor("the errors", says("only error"), shows("event 101", "event 111"));
    screen.type("10k");
    await screen.waitFor("all errors from the first one", shows("event 1 ", "event 101"));
    screen.keys("M-e");
    await screen.waitFor("all levels", (text) => !says("only error")(text), shows("event 101", "event 102"));
    screen.answer("&", "level=error");
    await screen.waitFor("the filtered lines", says("20 lines"), shows("event 101", "event 111"));
    screen.type("10k");
    await screen.waitFor("all filtered lines", shows("event 1 ", "event 101"));
    screen.keys("&", "C-u", "Enter");
    await screen.waitFor("all lines", shows("event 101", "event 102"));
  });

  it("keeps the rows of a long wrapped line in place when the screen is resized, and in a hex dump", async () => {
    const words = Array.from({ length: 20_000 }, (_, index) => `word-${index}`).join(" ");
    await screen.open(screen.file("log", `${words}\nlast\n`));
    screen.keys("w");
    await screen.waitFor("wrapped lines", says("wrapped"));
    screen.type("1000j");
    await screen.waitFor("the middle of the line", (text) => /word-\d{4} /.test(first(text)));
    const [shown = ""] = /word-\d{4} /.exec(first(screen.text())) ?? [];
    const near = new RegExp(`${shown.slice(0, -3)}\\d\\d`);
    screen.resize({ columns: 40, rows: 24 });
    await screen.waitFor("the same words on a narrow screen", near, (text) => first(text).length <= 40);
    screen.resize({ columns: 80, rows: 24 });
    await screen.waitFor("the same row", (text) => first(text).includes(shown), says("wrapped"));
    screen.keys("x");
    await screen.waitFor("the same bytes", says("HEX"), near);
    screen.keys("x");
    await screen.waitFor("the same row as text", says("wrapped"), (text) => first(text).includes(shown));
    screen.type("50%");
    await screen.waitFor("the middle of the line", (text) => /word-10\d{3} /.test(first(text)));
    screen.type("ma''");
    await screen.waitFor("the row before the jump", (text) => first(text).includes(shown));
    screen.type("'a");
    await screen.waitFor("the marked row", (text) => /word-10\d{3} /.test(first(text)));
  });
});
