import { PortholeError } from "../../src/errors.ts";
import type { ShowOptions } from "../commands/open-options.ts";
import { parseStart, type ViewerStart } from "../tui/viewer/positions/start-position.ts";

/** The options of `porthole open`. */
export interface OpenOptions extends ShowOptions {
  merge?: boolean;
}

/**
 * Runs `porthole open` for the operands, of which the first is a target.
 * @throws PortholeError USAGE for several targets without `--merge`
 */
export async function openWords(words: readonly [string, ...string[]], options: OpenOptions): Promise<number> {
  const { targets, starts } = divided(words);
  if (options.merge) return (await import("../commands/open-merged.ts")).openMerged(targets, starts, options);
  if (targets[1] !== undefined) throw unexpected(targets[1]);
  return (await import("../commands/open.ts")).open(words[0], starts, options);
}

/** Moves start positions after the target: less(1) and vi(1) accept them before the file. */
export function startsLast(args: string[]): string[] {
  if (args.includes("--")) return args;
  const isStart = (arg: string) => parseStart(arg) !== undefined;
  return [...args.filter((arg) => !isStart(arg)), ...args.filter(isStart)];
}

/** Divides words into targets and positions; the first is a target. */
function divided(words: readonly string[]): { targets: string[]; starts: Partial<ViewerStart>[] } {
  const [targets, starts]: [string[], Partial<ViewerStart>[]] = [[], []];
  for (const [index, word] of words.entries()) {
    const start = index === 0 ? undefined : parseStart(word);
    if (start) starts.push(start);
    else targets.push(word);
  }
  return { targets, starts };
}

function unexpected(word: string): PortholeError {
  return new PortholeError("USAGE", `'${word}' is not a position`, {
    hint: "use +G, +123, +50%, +0x1f, +/regex or +F; --merge opens several targets as one text",
  });
}
