import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import { describeWith } from "../../helpers/availability.ts";
import { sandbox } from "../../helpers/namespaces.ts";
import { builtCommand } from "../../helpers/paths.ts";
import { childrenOf } from "../../helpers/processes.ts";
import { waitFor } from "../../helpers/wait-for.ts";
import { numbered, quoted, says, screenOfTest, status, TmuxScreen } from "../screen.ts";

describeWith("tmux", "a search below a directory", () => {
  const screen = screenOfTest();

  async function browse(target: string): Promise<void> {
    screen.run(`${process.execPath} ${builtCommand} browse ${quoted(target)}`);
    await screen.waitFor("the files", (text) => / of [\d,]+ *$/.test(status(text)));
  }

  async function grep(pattern: string): Promise<void> {
    screen.type("*");
    await screen.waitFor("the question", (text) => status(text).startsWith("grep below "));
    screen.enter(pattern);
    await screen.waitFor("the list", `grep ${pattern}`);
  }

  it("lists matching lines by file, opens a file at its match, and does not open FIFOs", async () => {
    const directory = `${screen.directory}/logs`;
    mkdirSync(directory);
    writeFileSync(`${directory}/app.log`, `${numbered(2000)}needle here\n${numbered(100)}needle there\n`);
    writeFileSync(`${directory}/\x1b]0;title\x07name`, "a \x1b]52;c;AAAA\x07needle\n");
    execFileSync("mkfifo", [`${directory}/fifo`]);
    await browse(directory);
    await grep("need.e");
    const found = await screen.waitFor("the end", (text) => /3 in 2 files {2}\d of 3 *$/.test(status(text)));
    expect(found).toMatch(/▾ \S+\/app\.log {2}2 lines\n +2001 {2}needle here\n +2102 {2}needle there\n/);
    expect(found).toMatch(/1 {2}a \S*52;c;AAAA\S*needle/);
    expect(screen.raw()).not.toMatch(/\x1b\](?:0;title|52;c;AAAA)/);
    await expect.poll(() => screen.styled()).toMatch(/\x1b\[[0-9;]*m(?:\x1b\[[0-9;]*m)*needle\x1b\[39m here/);
    screen.enter("/here");
    await screen.waitFor("the filter", (text) => / 1 of 2 *$/.test(status(text)));
    screen.keys("Enter");
    await screen.waitFor(
      "the text at its match",
      (text) => text.split("\n")[1] === "needle here" && status(text).includes("1 of 2"),
    );
    screen.keys("n");
    await screen.waitFor("the next match", says("2 of 2"));
    screen.keys("q");
    await screen.waitFor("the list again", "grep need.e");
    screen.keys("q");
    await screen.waitFor("the files", "fifo|");
  });

  it("explains a wrong expression and an empty result", async () => {
    const directory = `${screen.directory}/logs`;
    mkdirSync(directory);
    writeFileSync(`${directory}/app.log`, numbered(10));
    await browse(directory);
    await grep("line (");
    await screen.waitFor("the reason", /regex parse error.*unclosed group/);
    screen.keys("q");
    await grep("nothing like it");
    await screen.waitFor("the empty result", /no line below \S+ matches 'nothing like it'/);
  });

  it("ends ripgrep with Esc and with `q`, and after the last line that is listed", async () => {
    const directory = `${screen.directory}/logs`;
    mkdirSync(directory);
    writeFileSync(`${directory}/0`, "Xa".repeat(5).concat("\n").repeat(2_000_000));
    // Hard links need much reading, and little space on the disk.
    for (let link = 1; link < 1500; link++) linkSync(`${directory}/0`, `${directory}/${link}`);
    await browse(directory);
    const pid = await screen.pid();
    // An expression without a literal is slow.
    const slow = "([a-w][^a-w]){6}";
    await grep(slow);
    await waitFor("ripgrep", () => childrenOf(pid).length > 0);
    screen.keys("Escape");
    await screen.waitFor("the end", says("stopped"));
    await waitFor("no ripgrep", () => childrenOf(pid).length === 0);
    screen.keys("q");
    await grep(slow);
    await waitFor("ripgrep", () => childrenOf(pid).length > 0);
    screen.keys("q");
    await waitFor("no ripgrep", () => childrenOf(pid).length === 0);
    await grep("X");
    await screen.waitFor("the limit", says("only the first 10,000 lines"));
    await waitFor("no ripgrep", () => childrenOf(pid).length === 0);
  });
});

describeWith(["tmux", "userNamespaces"], "a search below a directory of a target", () => {
  it("finds coloured lines by their text, and opens them at their line", async () => {
    const text = `${numbered(30)}\x1b[31mER\x1b[1mROR\x1b[0m of the target`;
    const { pid, stop } = await sandbox({ steps: ["tmpfs", "/tmp", "write", "/tmp/log", text] });
    onTestFinished(stop);
    const screen = new TmuxScreen();
    onTestFinished(() => screen.close());
    screen.run(`${process.execPath} ${builtCommand} browse pid:${pid}:/`);
    await screen.waitFor("the files", (shown) => / of \d+ *$/.test(status(shown)));
    screen.type("*");
    await screen.waitFor("the question", (shown) => status(shown).startsWith("grep below "));
    screen.enter("ERROR");
    await screen.waitFor("the line", new RegExp(`▾ pid:${pid}:/tmp/log  1 line\n +31  ERROR of the target`));
    screen.keys("Enter");
    await screen.waitFor("the text", /\nERROR of the target/, says("/ERROR"));
  });
});
