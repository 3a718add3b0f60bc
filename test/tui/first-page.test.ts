import { mkdirSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand } from "../helpers/paths.ts";
import { first, numbered, quoted, screenOfTest } from "./screen.ts";

// The first page is drawn before the viewer is loaded, whose own first frame must not change it.
describeWith("tmux", "the first page of a text", () => {
  const screen = screenOfTest();
  const json = numbered(100).replaceAll(/^(.*)$/gm, '{"level":"info","msg":"$1"}');
  const open = (path: string, preload = "", ...args: string[]) => {
    const options = preload === "" ? "" : `NODE_OPTIONS='--require "${screen.file("hook.cjs", preload)}"' `;
    screen.run(`${options}${process.execPath} ${builtCommand} open ${[path, ...args].map(quoted).join(" ")}`);
  };

  const contents = {
    "plain lines": numbered(100),
    "levels and colours": numbered(100).replaceAll("line", "\x1b[1m[error]\x1b[m line"),
    JSON: json,
    "a byte order mark": `\ufeff${numbered(100)}`,
    "Latin-1": Buffer.from(numbered(100).replaceAll("line", "l\xefne"), "latin1"),
    "long lines": numbered(100).replaceAll("log", `log ${"x".repeat(100)}`),
  };
  const cases = Object.entries(contents).flatMap(([name, content]) => [
    { name, content, at: "the start", position: [], number: 10 },
    { name, content, at: "the end", position: ["+G"], number: 95 },
  ]);

  it.each(cases)("is written once: $name at $at", async ({ content, position, number }) => {
    open(screen.file("log", content), "", ...position);
    await screen.waitFor("the keys of Ink", ": palette");
    const row = new RegExp(`l.{1,2}ne ${number} of the log`, "g");
    expect(screen.text()).toMatch(row);
    expect(screen.raw().match(row)).toHaveLength(1);
  });

  it("is what the user's config says", async () => {
    mkdirSync(`${screen.directory}/porthole`);
    screen.file("porthole/config.json", '{ "scroll-bar": false, "mouse": false }');
    screen.run(`export XDG_CONFIG_HOME=${quoted(screen.directory)}; clear`);
    await screen.open(screen.file("log", `${"x".repeat(80)}\n`.repeat(100)));
    expect(first(screen.text())).toBe("x".repeat(80));
    expect(screen.raw()).not.toContain("\x1b[?1006h");
  });

  it("gives the terminal back if a signal arrives while the viewer is loaded", async () => {
    open(screen.file("log", numbered(100)), 'process.once("firstPage", () => process.kill(process.pid, "SIGTERM"));');
    expect(await screen.waitForEnd()).toBe(143);
    expect(screen.state("#{alternate_on} #{cursor_flag} #{wrap_flag}")).toBe("0 1 1");
  });

  it("gives the terminal back if the viewer cannot be loaded, and says why", async () => {
    const hook = `process.once("firstPage", () => {
      require("node:fs").readFileSync = () => { throw new Error("the rest is missing"); };
    });`;
    open(screen.file("log", numbered(100)), hook);
    expect(await screen.waitForEnd()).toBe(1);
    expect(screen.text()).toContain("porthole: the rest is missing");
    expect(screen.state("#{alternate_on} #{cursor_flag} #{wrap_flag}")).toBe("0 1 1");
  });
});
