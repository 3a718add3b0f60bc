import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand, repository } from "../helpers/paths.ts";
import { copyInstallation, user } from "../helpers/porthole.ts";
import { screenOfTest } from "../tui/screen.ts";

// A command without a cache compiles its code and writes a cache for the user: see
// scripts/build/loader.cjs. An ordinary user may not enter the build's container, so that build
// fills fewer caches.
describeWith("root", "a command of this build has its code in a cache", () => {
  const file = `pid:${process.pid}:/proc/version`;
  test.each([
    ["cat", [file]],
    ["ls", ["-l", file]],
    ["tail", ["-n", "1", file]],
    ["grep", ["-i", "linux", file]],
    ["with", [file, "--", "cat"]],
    ["__complete", ["bash", "--", `porthole cat ${file}`, file]],
    // Without a cache of its own: it uses that of cat, and that of all other code.
    ["stat", [file]],
  ])("%s", async (command, args) => {
    const { directory, run } = user();
    expect(await run([command, ...args])).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(`${directory}/home/.cache`)).toBe(false);
  });
});

describeWith(["root", "tmux"], "the screen of this build", () => {
  const screen = screenOfTest();

  test("has its code and that of Ink in caches", async () => {
    const log = screen.file("log", "one line\n".repeat(100));
    screen.run(`XDG_CACHE_HOME=${screen.directory}/caches ${process.execPath} ${builtCommand} open ${log}`);
    await screen.waitFor("the keys of Ink", (text) => text.includes(": palette"));
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
    expect(existsSync(`${screen.directory}/caches`)).toBe(false);
  });

  test("loads its own code on demand after an upgrade has replaced the files", async () => {
    const copy = copyInstallation();
    const ripgrep = "node_modules/@vscode";
    cpSync(repository + ripgrep, `${copy}/${ripgrep}`, { recursive: true });
    const dist = `${copy}/dist`;
    const directory = `${screen.directory}/files`;
    mkdirSync(directory);
    writeFileSync(`${directory}/app.log`, "the text of a log\n");
    screen.run(`${process.execPath} ${dist}/porthole.js browse ${directory}/`);
    await screen.waitFor("the keys of Ink", (text) => text.includes(": palette"));
    for (const pack of ["pack", "pack-cat"]) {
      rmSync(`${dist}/${pack}.js`);
      writeFileSync(`${dist}/${pack}.js`, "({})");
    }
    screen.keys("*", "text", "Enter");
    await screen.waitFor("what a search finds", (text) => text.includes("the text of a log"));
    screen.keys("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});
