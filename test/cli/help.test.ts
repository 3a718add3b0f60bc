import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { program } from "../../cli/program/index.ts";
import { describeWith } from "../helpers/availability.ts";
import { repository } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";

const someone = user();
const root = program("0");
const commands = root
  .createHelp()
  .visibleCommands(root)
  .filter((command) => command.name() !== "help");
const page = `${repository}dist/porthole.1`;

describe("--help", () => {
  test.each(commands.map((command) => command.name()))("of %s shows examples of the command", async (name) => {
    const { text, code, stderr } = await someone.run([name, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(text).toMatch(new RegExp(`^Usage: porthole ${name} `));
    expect(text.slice(text.indexOf("\nExamples:\n"))).toMatch(new RegExp(`\\n  .*porthole ${name}\\b`));
  });
});

test("the help of a command shows its own options before those of the connection", async () => {
  const { text } = await someone.run(["tail", "--help"]);
  const titles = [
    "\nOptions:\n",
    "--lines",
    "--help",
    "\nConnection options:\n",
    "--route",
    "--label",
    "\nExamples:\n",
  ];
  const places = titles.map((title) => text.indexOf(title));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});

describe("the manual page", () => {
  test("contains every command with every option", () => {
    const text = readFileSync(page, "utf8");
    expect(text).toMatch(/^\.TH PORTHOLE 1 /);
    for (const command of commands) {
      expect(text).toContain(`.SS "porthole ${command.name()}`);
      for (const { flags } of command
        .createHelp()
        .visibleOptions(command)
        .filter(({ long }) => long !== "--help"))
        expect(text.includes(`\\fB${flags.replaceAll("-", "\\-")}\\fR`), `${command.name()} ${flags}`).toBe(true);
    }
  });
});

test("the manual page has a line for each form of a command", () => {
  const text = readFileSync(page, "utf8").replaceAll("\\", "");
  expect(text).toContain(
    '.SS "porthole mount [options] <target> <directory>"\n.B "porthole mount [options] <target> -- ',
  );
});

test("the manual page explains each form of a target", () => {
  const text = readFileSync(page, "utf8").replaceAll("\\", "");
  const section = text.slice(text.indexOf(".SH TARGETS"), text.indexOf(".SH", text.indexOf(".SH TARGETS") + 1));
  for (const form of ["@stdout", "@stderr", "@logs", "image:", "volume:", "pod:", "pid:", "*"])
    expect(section.includes(form), form).toBe(true);
});

describeWith(["man", "mandoc"], "the manual page in man and mandoc", () => {
  test("causes no warning", () => {
    const { stdout, stderr } = spawnSync("man", ["--warnings", "-l", page], {
      encoding: "utf8",
      env: { ...process.env, MANWIDTH: "90", LC_ALL: "C.UTF-8" },
    });
    expect(stderr).toBe("");
    for (const title of [
      "NAME",
      "SYNOPSIS",
      "DESCRIPTION",
      "COMMANDS",
      "TARGETS",
      "EXIT STATUS",
      "ENVIRONMENT",
      "FILES",
    ])
      expect(stdout).toMatch(new RegExp(`^${title}$`, "m"));
    expect(stdout).toMatch(/^ +porthole \[TARGET\]$/m);
    expect(stdout).not.toContain(".:");
    expect(stdout).toContain("porthole with 'web:/var/log/*.log' -- tar -chf logs.tar -C {dir} .");
    const lint = spawnSync("mandoc", ["-T", "lint", "-W", "warning", page], { encoding: "utf8" });
    // The page has no date, so that the same definitions give the same bytes.
    expect(lint.stdout.split("\n").filter((line) => line !== "" && !line.includes("missing date"))).toEqual([]);
  });
});
