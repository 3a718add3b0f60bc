import { appendFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand } from "../helpers/paths.ts";
import { numbered, quoted, screenOfTest, TmuxScreen } from "./screen.ts";

describeWith("tmux", "overlays on a screen of 20 columns", () => {
  let screen: TmuxScreen;
  beforeEach(() => {
    screen = new TmuxScreen({ columns: 20, rows: 6 });
  });
  afterEach(() => screen.close());

  it("are clipped to it, and it grows under them", async () => {
    screen.run(`${process.execPath} ${builtCommand} open ${quoted(screen.file("日本語.log", numbered(300)))}`);
    await screen.waitFor("the text", "line 1 of the log");
    screen.keys("?");
    await screen.waitFor("the help", /^╭─ Keys .*\n│ Text +│$/m);
    screen.keys("q", ":");
    await screen.waitFor("the palette", /^╭─ Palette .*\n│ search .*│$/m);
    screen.keys("C-g", "|");
    screen.type("grep 日本語 foo");
    await screen.waitFor("the end of the line beside its label", /^the screen \|.*foo$/m);
    screen.resize({ columns: 3, rows: 2 });
    await screen.waitFor("the small screen", (text) => text.split("\n").every((row) => row.length <= 3));
    screen.resize({ columns: 80, rows: 24 });
    await screen.waitFor("the whole prompt and its keys", /^the screen \| grep 日本語 foo\n Enter run {2}Esc cancel/m);
    screen.keys("C-g", "q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});

describeWith("tmux", "an empty screen", () => {
  const screen = screenOfTest();

  it("says that a file is empty and how to follow it, and shows what is appended", async () => {
    const log = screen.file("log", "");
    await screen.open(log);
    await screen.waitFor("the reason", /^ empty\n F follows what is appended$/m);
    screen.keys("F");
    await screen.waitFor("the follow", /^ nothing yet\n new lines appear here$/m);
    appendFileSync(log, "first line\n");
    await screen.waitFor("the line", (text) => text.split("\n")[1] === "first line");
  });

  it("says in a list what is missing, and offers only keys that work", async () => {
    const { directory } = screen;
    screen.run(
      `mkdir -p ${directory}/some/none && cd ${directory} && ${process.execPath} ${builtCommand} browse some/none`,
    );
    await screen.waitFor("the empty directory", /^ empty directory\n h goes to the parent directory$/m);
    await screen.waitFor("its keys", (text) => /^ h up {2}f find/.test(text.split("\n").at(-1) ?? ""));
    screen.keys("f");
    await screen.waitFor("the keys of the prompt", /^ Enter find {2}Esc cancel {2}\^U/m);
    screen.enter("nothing");
    await screen.waitFor("no result", /^ no name below .* matches 'nothing'\n q goes back$/m);
    await screen.waitFor("no key of a result", (text) =>
      /^ +\? help {2}: palette {2}q back$/.test(text.split("\n").at(-1) ?? ""),
    );
    screen.keys("q", "h", "/");
    await screen.waitFor("the keys of the filter", /^ Enter filter {2}Esc show all/m);
    screen.enter("xyz");
    await screen.waitFor("the empty filter", /^ no item contains 'xyz'\n Esc shows all$/m);
    await screen.waitFor("its keys", (text) => /^ \/ filter {2}h up/.test(text.split("\n").at(-1) ?? ""));
  });

  it("shows no filter in a hex dump, which has all bytes, and shows it again after that", async () => {
    await screen.open(screen.file("log", numbered(300)));
    screen.keys("&");
    screen.enter("line 7 ");
    await screen.waitFor("the filter", "&line 7   1 line ");
    screen.keys("x");
    await screen.waitFor("the dump without the filter", "HEX", (text) => !text.includes("&line"));
    screen.keys("x");
    await screen.waitFor("the filter again", "&line 7   1 line ");
  });
});
