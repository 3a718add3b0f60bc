import { appendFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { first, numbered, says, screenOfTest, status, toastOf } from "./screen.ts";

const beginsWith = (line: number) => (text: string) => first(text) === `line ${line} of the log`;

describeWith("tmux", "a search while its pattern is typed", () => {
  const screen = screenOfTest();

  it("shows the first match after each key and marks all matches, and Esc returns to the previous position", async () => {
    await screen.open(screen.file("log", numbered(3000)));
    screen.answer("/", "line 2000");
    await screen.waitFor("the search before", beginsWith(2000), says("1 of 1"));
    screen.type("500g");
    await screen.waitFor("the place", beginsWith(500));
    screen.type("/line 6");
    await screen.waitFor("the match for `line 6`", beginsWith(600));
    await expect.poll(() => screen.styled().match(/\x1b\[[0-9;]*7m(?:\x1b\[[0-9;]*m)*line 6/g)?.length).toBe(21);
    screen.type("77");
    await screen.waitFor("the match for `line 677`", beginsWith(677));
    screen.keys("BSpace");
    await screen.waitFor("the match for `line 67`", beginsWith(670));
    screen.type("xyz");
    await screen.waitFor("the position before the search, because nothing matches", beginsWith(500));
    screen.keys("Escape");
    await screen.waitFor("the status", beginsWith(500), says("of 61,893"));
    screen.keys("n");
    await screen.waitFor("the search before", beginsWith(2000), says("1 of 1"));
  });

  it("searches backward, and keeps the position when Enter accepts the pattern", async () => {
    await screen.open(screen.file("log", numbered(3000)));
    screen.type("1500g");
    await screen.waitFor("the place", beginsWith(1500));
    screen.type("\\line 9");
    await screen.waitFor("the match above", beginsWith(999));
    screen.type("50");
    await screen.waitFor("the narrower match", beginsWith(950));
    screen.keys("Enter");
    await screen.waitFor("the accepted search", beginsWith(950), says("1 of 1"));
    screen.type("''");
    await screen.waitFor("the place before the search", beginsWith(1500));
    screen.keys("\\", "Up");
    await screen.waitFor("the pattern typed before", (text) => status(text).startsWith("\\line 950"));
    await screen.waitFor("its match", beginsWith(950));
  });

  it("scrolls sideways to a match beyond an edge, and back", async () => {
    await screen.open(
      screen.file("log", `near far\n\t${"日".repeat(600)} far ${"z".repeat(300)}\n${"x\n".repeat(50)}`),
    );
    screen.type("/日 far");
    await screen.waitFor("the match in the middle", / far z{20,}>/);
    screen.keys("Escape");
    await screen.waitFor("the first columns", "near far");
    screen.type("/日 far");
    screen.keys("Enter");
    await screen.waitFor("the match and its column", / far z{20,}>/, /column 1,\d{3} /);
    screen.keys("g");
    screen.type("/near");
    screen.keys("Enter");
    await screen.waitFor("the first columns", "near far", (text) => !text.includes("column"));
  });

  it("waits for the rest of an unfinished expression without a message", async () => {
    await screen.open(screen.file("log", numbered(300)));
    screen.type("/line 2");
    await screen.waitFor("the match for `line 2`", beginsWith(2));
    screen.type("[");
    await screen.waitFor("the same match", (text) => beginsWith(2)(text) && status(text).startsWith("/line 2["));
    expect(toastOf(screen.text())).toBe("");
    screen.type("4-5]");
    await screen.waitFor("the match for the whole expression", beginsWith(24));
  });

  it("drops an expression that takes forever with the next key", async () => {
    await screen.open(screen.file("log", `first\n${`${"a".repeat(60)}b\n`.repeat(50_000)}needle\n`));
    screen.type("/(a+)+c");
    await screen.waitFor("the expression", (text) => status(text).startsWith("/(a+)+c"));
    screen.keys("C-u");
    screen.type("needle");
    await screen.waitFor("the match", (text) => text.includes("\nneedle\n") && !text.includes("first"));
    screen.keys("Enter");
    await screen.waitFor("its count", says("1 of 1"));
  });

  it("resumes a follow when Esc ends it", async () => {
    const path = screen.file("log", numbered(300));
    await screen.open("+F", path);
    await screen.waitFor("the end", "line 300 of the log", says("FOLLOW"));
    screen.type("\\line 20 ");
    await screen.waitFor("the match", beginsWith(20));
    screen.keys("Escape");
    await screen.waitFor("the end", "line 300 of the log", says("FOLLOW"));
    appendFileSync(path, "the newest line\n");
    await screen.waitFor("the newest line", "the newest line");
  });
});
