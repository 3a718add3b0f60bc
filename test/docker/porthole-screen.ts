import { onTestFinished } from "vitest";
import { builtCommand } from "../helpers/paths.ts";
import type { User } from "../helpers/porthole.ts";
import { type ScreenSize, TmuxScreen } from "../tui/screen.ts";

/**
 * Starts porthole in its own terminal with the environment of `someone`. The terminal is closed
 * after the test.
 */
export function startScreen(
  someone: User,
  args: readonly string[],
  { size, env = {} }: { size?: ScreenSize; env?: Readonly<Record<string, string>> } = {},
): TmuxScreen {
  const screen = new TmuxScreen(size);
  onTestFinished(() => screen.close());
  const all = Object.entries({ ...someone.env, ...env }).map(([name, value]) => `${name}='${value}'`);
  screen.run(`env ${all.join(" ")} ${process.execPath} ${builtCommand} ${args.join(" ")}`);
  return screen;
}

/** Returns a check that a screen's text contains all of these. */
export function has(...words: string[]): (text: string) => boolean {
  return (text) => words.every((word) => text.includes(word));
}

/** Returns the status row, above the row of keys. */
export function lastRow(text: string): string {
  return text.split("\n").at(-2) ?? "";
}

/** Returns the list without the panel to its right. */
export function listOf(text: string): string[] {
  return text.split("\n").map((row) => row.split("│")[0] ?? "");
}

/** Returns the panel next to the list, without rows that have no panel. */
export function panelOf(text: string): string {
  return text
    .split("\n")
    .flatMap((row) => row.split("│ ")[1] ?? [])
    .join("\n");
}
