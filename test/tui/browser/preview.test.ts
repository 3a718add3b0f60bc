import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { describeWith } from "../../helpers/availability.ts";
import { builtCommand } from "../../helpers/paths.ts";
import { numbered, TmuxScreen } from "../screen.ts";

describeWith("tmux", "the preview of the selected file", () => {
  let screen: TmuxScreen;
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(`${tmpdir()}/porthole-preview-`);
    for (const name of ["a-directory", "many"]) mkdirSync(`${directory}/${name}`, { recursive: true });
    for (const number of [10, 2, 1]) writeFileSync(`${directory}/a-directory/f${number}`, "");
    for (let number = 0; number < 2_100; number++) writeFileSync(`${directory}/many/${number}`, "");
    writeFileSync(`${directory}/text.txt`, `${"x".repeat(300)}\n${numbered(500)}`);
    writeFileSync(`${directory}/app.log`, numbered(500));
    symlinkSync("text.txt", `${directory}/link`);
    symlinkSync("a-directory", `${directory}/way`);
    symlinkSync("nowhere", `${directory}/broken`);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  afterEach(() => screen.close());

  /** Returns the rows of the text that is shown next to the list. */
  const preview = (text: string) => text.split("\n").flatMap((row) => row.split(" │ ")[1] ?? []);
  const select = async (name: string, isShown: (rows: readonly string[]) => boolean) => {
    screen.type("/");
    // The prompt contains the previous filter.
    screen.keys("C-u");
    screen.enter(name);
    await screen.waitFor(name, (text) => isShown(preview(text)));
  };

  it.each([
    { columns: 120, rows: 36 },
    { columns: 200, rows: 50 },
  ])("has a title, follows links, shows the end of a log, and scrolls at $columns columns", async (size) => {
    screen = new TmuxScreen(size);
    screen.run(`${process.execPath} ${builtCommand} browse ${directory}`);
    await screen.waitFor("the files", (text) => text.includes("a-directory/") && text.includes("text.txt"));
    await select(
      "a-directory",
      ([title, ...names]) => title === "a-directory" && names.join(" ").startsWith("f1 f2 f10"),
    );
    await select(
      "many",
      ([title, note]) => title === "many" && /^the first 2,000 names, in the directory's order:/.test(note ?? ""),
    );
    await select("app.log", (rows) => rows[0] === "app.log" && rows.at(-1) === "line 500 of the log");
    await select("link", (rows) => rows[0] === "link -> text.txt" && rows.some((row) => row === "line 1 of the log"));
    await select("way", ([title, first]) => title === "way -> a-directory" && first === "f1");
    await select(
      "broken",
      (rows) => rows[0] === "broken -> nowhere" && rows.some((row) => row.includes("No such file")),
    );
    await select("text.txt", (rows) => rows[0] === "text.txt" && /^x+/.test(rows[1] ?? ""));
    screen.keys("M-j");
    await screen.waitFor("half a page down", (text) => {
      const rows = preview(text);
      return rows[0] === "text.txt" && !/^x/.test(rows[1] ?? "x");
    });
    screen.keys("M-k");
    await screen.waitFor("the start", (text) => /^x+/.test(preview(text)[1] ?? ""));
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});
