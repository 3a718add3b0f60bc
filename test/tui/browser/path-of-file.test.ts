import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { it, onTestFinished } from "vitest";
import { describeWith } from "../../helpers/availability.ts";
import { builtCommand } from "../../helpers/paths.ts";
import { quoted, screenOfTest } from "../screen.ts";

const screen = screenOfTest();

describeWith("tmux", "porthole with the path of a file", () => {
  it("opens its text, and below the text its directory with the file selected", async () => {
    const path = screen.file("app.log", "the text\n");
    for (const name of ["app.log.1", "app.log.2", "other"]) writeFileSync(path.replace("app.log", name), "x\n");
    screen.run(`${process.execPath} ${builtCommand} ${path}`);
    await screen.waitFor("the text", (text) => text.split("\n")[1] === "the text" && / q back *$/.test(text));
    screen.keys("q");
    await screen.waitFor("the file in its directory", / 2 earlier files \(Alt-r opens all\).* 1 of 5/);
    await screen.waitFor("what q does in the first view", / q quit *$/);
    screen.keys("G");
    await screen.waitFor("a file alone", (text) => text.includes("5 of 5") && !text.includes("earlier files"));
  });
});

describeWith("tmux", "goto-path with the path of a file", () => {
  it("opens its text, and below the text its directory with the file selected", async () => {
    screen.run(`mkdir -p many/below; for i in 1 2 3 4; do echo text $i > many/below/f$i; done`);
    await screen.waitForEnd();
    screen.run(`${process.execPath} ${builtCommand} ./many`);
    await screen.waitFor("the directory", (text) => text.includes("1 of 1"));
    screen.answer("p", "below/f3");
    await screen.waitFor("the text", (text) => text.split("\n")[1] === "text 3");
    screen.keys("q");
    await screen.waitFor(
      "the file in its directory",
      (text) => text.includes("many/below") && / 3 of 4 *$/m.test(text),
    );
    screen.answer("p", "f1");
    await screen.waitFor("the text of a file of this directory", (text) => text.split("\n")[1] === "text 1");
  });

  it("works while the directory is read, and selects the file once it is read", async () => {
    const directory = mkdtempSync("/dev/shm/porthole-many-");
    onTestFinished(() => rmSync(directory, { recursive: true }));
    execFileSync("sh", ["-c", "seq -f n%.0f 60000 | xargs touch; echo text > n30000"], { cwd: directory });
    screen.run(`${process.execPath} ${builtCommand} ${quoted(directory)}`);
    await screen.waitFor("the first files", (text) => text.includes(" n1 "));
    screen.answer("p", "n30000");
    await screen.waitFor("the text", (text) => text.split("\n")[1] === "text");
    screen.keys("q");
    await screen.waitFor("the file in its directory", (text) => text.includes("30,000 of 60,000"));
  });
});
