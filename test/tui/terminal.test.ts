import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand } from "../helpers/paths.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { numbered, quoted, type ScreenSize, TmuxScreen } from "./screen.ts";

let screen: TmuxScreen;
async function open(size: ScreenSize = { columns: 80, rows: 24 }): Promise<void> {
  screen = new TmuxScreen(size);
  await screen.open(screen.file("log", numbered(300)));
}

/** Checks the modes of the terminal and of its line discipline that a shell needs. */
async function expectRestored(): Promise<void> {
  expect(screen.state("#{alternate_on} #{cursor_flag} #{wrap_flag}")).toBe("0 1 1");
  // Another process writes the record of output.
  await waitFor("the end of bracketed paste", () => {
    const raw = screen.raw();
    return raw.lastIndexOf("\x1b[?2004l") > raw.lastIndexOf("\x1b[?2004h");
  });
  screen.run("clear; stty -a");
  await screen.waitFor("the line discipline", (text) =>
    ["icanon", "isig", "echo"].every((mode) => text.split(/\s+/).includes(mode)),
  );
}

describeWith("tmux", "the terminal", () => {
  afterEach(() => screen.close());

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
    ["SIGQUIT", 131],
  ] as const)("is restored after %s, with status %d", async (signal, status) => {
    await open();
    process.kill(await screen.pid(), signal);
    expect(await screen.waitForEnd()).toBe(status);
    await expectRestored();
  });

  it("ends the screen with status 129 when it is closed", async () => {
    screen = new TmuxScreen();
    const log = screen.file("log", numbered(300));
    const ended = `${temporaryDirectory()}/ended`;
    screen.run(`sh -c 'trap "" HUP; ${builtCommand} open ${log}; echo $? >${ended}'`);
    await screen.waitFor("the text", "line 1");
    screen.close();
    await waitFor("the end", () => existsSync(ended) && readFileSync(ended, "utf8") !== "");
    expect(readFileSync(ended, "utf8")).toBe("129\n");
  });

  it("is restored after Ctrl-C with status 130, also during a prompt", async () => {
    await open();
    screen.keys("/", "a", "C-c");
    expect(await screen.waitForEnd()).toBe(130);
    await expectRestored();
  });

  it("is restored after an uncaught error, which is one line", async () => {
    screen = new TmuxScreen();
    const path = screen.file("log", numbered(300));
    // The other code has closed a descriptor: this fault does not occur on demand.
    const fault = screen.file(
      "fault.cjs",
      `const fs = require("fs"); const real = fs.fstatSync; process.on("SIGUSR2", () => { fs.fstatSync = () => { throw new Error("EIO: fault on demand"); }; require("module").syncBuiltinESMExports(); process.stdout.emit("resize"); });`,
    );
    screen.run(`export NODE_OPTIONS='--require "${fault}"'; clear`);
    await screen.open(path);
    process.kill(await screen.pid(), "SIGUSR2");
    expect(await screen.waitForEnd()).toBe(1);
    await expect.poll(() => screen.text()).toMatch(/^porthole: EIO: fault on demand$/m);
    await expect.poll(() => screen.text()).not.toMatch(/^ +at /m);
    await expectRestored();
  });

  it("is released on suspend and taken again on resume", async () => {
    await open();
    screen.keys("C-z");
    await screen.waitFor(
      "the shell",
      (text) => /Stopped|suspended/i.test(text) && screen.state("#{alternate_on}") === "0",
    );
    screen.run("clear; fg");
    await screen.waitFor(
      "the screen",
      (text) => text.includes("line 1 of the log") && screen.state("#{alternate_on}") === "1",
    );
    screen.keys("j");
    await screen.waitFor("a key", (text) => text.split("\n")[1] === "line 2 of the log");
    process.kill(await screen.pid(), "SIGTSTP");
    // Wait for the shell's message, not for the end of the screen: the line discipline is restored
    // later.
    await screen.waitFor("the shell again", /Stopped|suspended/i);
    screen.run("clear; fg");
    await screen.waitFor("the screen again", (text) => text.split("\n")[1] === "line 2 of the log");
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
    await expectRestored();
  });

  it("keeps the modes that the user sets while it is suspended", async () => {
    await open();
    for (const command of ["stty -ixon erase ^H", "stty -a"]) {
      screen.keys("C-z");
      await screen.waitFor("the shell", /Stopped|suspended/i);
      screen.run(`clear; ${command}`);
      await screen.waitForEnd();
      if (command === "stty -a") break;
      screen.run("clear; fg");
      await screen.waitFor("the screen", "line 1 of the log");
    }
    expect(screen.text()).toContain(" -ixon ");
    expect(screen.text()).toContain("erase = ^H;");
  });

  it("has the new size if it is resized while the program loads", async () => {
    screen = new TmuxScreen();
    const path = screen.file("log", numbered(300));
    // The first text has been drawn when Node's streams are loaded.
    const hook = screen.file(
      "hook.cjs",
      `const { execFileSync } = require("node:child_process");
       const found = Object.getOwnPropertyDescriptor(process, "stdout");
       const get = () => {
         Object.defineProperty(process, "stdout", found);
         execFileSync("stty", ["cols", "60", "rows", "10"], { stdio: [0, 1, 2] });
         return process.stdout;
       };
       Object.defineProperty(process, "stdout", { configurable: true, get });`,
    );
    screen.run(`export NODE_OPTIONS='--require "${hook}"'; clear`);
    await screen.open(path);
    await screen.waitFor("the last row of the text", (text) => text.split("\n")[8]?.includes("byte") ?? false);
  });

  it.each([
    { columns: 200, rows: 50 },
    { columns: 300, rows: 100 },
    { columns: 20, rows: 5 },
    { columns: 3, rows: 2 },
  ])("is filled at $columns x $rows", async (size) => {
    screen = new TmuxScreen(size);
    screen.run(`${process.execPath} ${builtCommand} open ${quoted(screen.file("log", numbered(300)))}`);
    const text = (line: number) => `line ${line} of the log`;
    const line = Math.max(1, size.rows - (size.rows < 8 ? 2 : 3));
    const expected = text(line).length > size.columns ? `${text(line).slice(0, size.columns - 1)}>` : text(line);
    await screen.waitFor(
      "the last row of the text",
      () =>
        (screen.state("#{alternate_on}") === "1" && screen.rows()[Math.min(line, size.rows - 1)] === expected) ||
        (size.rows < 3 && screen.state("#{alternate_on}") === "1"),
    );
    screen.keys("q");
    await screen.waitFor("the shell", () => screen.state("#{alternate_on}") === "0");
  });

  it("is redrawn without artefacts after a resize", async () => {
    await open({ columns: 200, rows: 50 });
    await screen.waitFor("the first page", (text) => text.split("\n")[47] === "line 47 of the log");
    for (const [columns, rows] of [
      [80, 24],
      [120, 40],
      [60, 10],
      [200, 50],
    ] as const) {
      screen.resize({ columns, rows });
      await screen.waitFor(`${columns} x ${rows}`, (text) => {
        const lines = text.split("\n");
        const shown = lines.slice(1, rows - 2);
        return (
          lines.length === rows &&
          / local, file$/.test(lines[0] ?? "") &&
          / of 5,892$/.test(lines[rows - 2] ?? "") &&
          shown.every((line, index) => line === `line ${index + 1} of the log`)
        );
      });
    }
  });

  it("is never erased as a whole, and a line's scroll costs at most 350 bytes with its bar at 200 columns", async () => {
    screen = new TmuxScreen({ columns: 200, rows: 50 });
    await screen.open(screen.file("log", numbered(300).replaceAll("\n", `${"x".repeat(300)}\n`)));
    screen.keys("j");
    await screen.waitFor("the second line", (text) => (text.split("\n")[1] ?? "").startsWith("line 2 "));
    for (let line = 3; line < 20; line++) {
      screen.keys("j");
      await screen.waitFor("the next line", (text) => (text.split("\n")[1] ?? "").startsWith(`line ${line} `));
    }
    screen.keys("q");
    await waitFor("the last bytes", () => screen.raw().includes("\x1b[?1049l"));
    const frames = screen.raw().match(/\x1b\[\?2026h[\s\S]*?\x1b\[\?2026l/g) ?? [];
    // Background work, such as counting lines, may end during a scroll. Then the frame also
    // contains the hints.
    const scrolls = frames.filter((frame) => frame.includes("\x1b[1S") && !/help|Esc/.test(frame));
    expect(scrolls.length).toBeGreaterThanOrEqual(15);
    // A frame may end with a status that the terminal had not accepted earlier.
    for (const frame of scrolls) expect(frame.split("\x1b[49;")[0]?.length).toBeLessThanOrEqual(350);
    expect(scrolls.join("")).toContain("line 65 ");
    expect(screen.raw()).not.toMatch(/\x1b\[[23]J/);
  });

  it.each(["a key", "a signal"])("does not block %s when it accepts no bytes", async (means) => {
    await open({ columns: 300, rows: 100 });
    const pid = await screen.pid();
    const pane = screen.state("#{pane_tty}");
    // External flow control: Ctrl-S stops the output, as on a stalled connection, and every other
    // key still arrives.
    execFileSync("stty", ["-F", pane, "ixon"]);
    screen.keys("C-s");
    screen.type("Gg".repeat(500));
    let before = -1;
    const standsStill = () => {
      const earlier = before;
      before = screen.raw().length;
      return before === earlier;
    };
    await waitFor("the record to be complete", standsStill, { interval: 200 });
    for (let i = 0; i < 40; i++) screen.keys("G", "g", "Right", "Left");
    if (means === "a key") screen.keys("q");
    else process.kill(pid, "SIGTERM");
    await waitFor("the program's end", () => !existsSync(`/proc/${pid}`));
    // Output from before the stop may be recorded late, but the output of the program's end must
    // not be in it.
    expect(screen.raw()).not.toContain("\x1b[?1049l");
    screen.keys("C-q");
    // The shell writes over the rest of the screen.
    await screen.waitFor("the status", `ended 1: ${means === "a key" ? 0 : 143}`);
  });
});

describe("a terminal", () => {
  it("is required: without a terminal the command is refused", () => {
    const { status, stderr } = spawnSync(process.execPath, [builtCommand, "open", "/etc/hostname"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^porthole: .*terminal.*\n$/);
  });
});
