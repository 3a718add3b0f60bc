import { PortholeError } from "../../src/errors.ts";
import { refuseConsuming } from "../../src/sessions/index.ts";
import { configuredFlags, type Flag, FlagSet, habitsIn, parseArguments, refuseFlags } from "../grep/arguments.ts";
import { withCatHint } from "../grep/cat-hint.ts";
import { ripgrepPath } from "../grep/program-file.ts";
import { SearchStatus } from "../grep/status.ts";
import { report } from "../io/fail.ts";
import { isPartOfSeveral } from "../io/part-of-several.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { type NamedTarget, SessionPool } from "../targets/session-pool.ts";

/** porthole's own options. ripgrep gets all other options. */
export interface GrepOptions extends ConnectionOptions {
  raw?: boolean;
}

/** `porthole grep`: runs ripgrep on files of targets. Continues after a target that fails. */
export async function grep(args: readonly string[], options: GrepOptions): Promise<number> {
  using sessions = new SessionPool(options);
  try {
    return await search(args, sessions, options.raw === true);
  } catch (error) {
    report(error);
    return SearchStatus.failed;
  }
}

async function search(args: readonly string[], sessions: SessionPool, isRaw: boolean): Promise<number> {
  const { flags: given, operands } = parseArguments(args);
  refuseFlags(given);
  const flags = [...configuredFlags(given), ...given];
  const set = new FlagSet(flags);
  if (set.needsPattern) flags.push({ name: "regexp", value: patternOf(operands, given) });
  const program = ripgrepPath();
  if (!set.needsTarget) return new (await searching()).Search(program, flags).onNothing();
  if (operands.length === 0)
    throw new PortholeError("USAGE", "no target to search", {
      hint: `${USAGE}; - searches standard input${habitsIn(given)}`,
    });
  let hasFailed = false;
  const failed = (error: unknown) => {
    hasFailed = true;
    if (!set.isOn("no-messages", "messages")) report(error);
  };
  const targets = (await sessions.expand(operands, failed)).filter((named) => mayRead(named, failed));
  if (targets.length === 0) return new (await searching()).Search(program, flags).onFailed();
  // A failed target must not change the format of the other targets' matches.
  if (operands.length > 1 || isPartOfSeveral()) flags.unshift({ name: "with-filename", value: undefined });
  const isLocal = targets.every(({ target }) => target.kind === "local");
  // The engine answers while the code of the search is loaded.
  if (!isLocal) sessions.prepare(targets.map(({ target }) => target));
  const run = new (await searching()).Search(program, flags);
  const status = isLocal
    ? await run.onPaths(targets)
    : await run.onTargets(targets, sessions, { isRaw: isRaw || set.has("files"), failed });
  return hasFailed && !(set.has("quiet") && status === SearchStatus.matched) ? SearchStatus.failed : status;
}

function searching() {
  return import("../grep/search.ts");
}

/** False for a local file whose data reading removes. */
function mayRead({ text, target }: NamedTarget, failed: (error: unknown) => void): boolean {
  if (target.kind !== "local") return true;
  try {
    refuseConsuming(target.path);
    return true;
  } catch (error) {
    failed(withCatHint(text, error));
    return false;
  }
}

function patternOf(operands: string[], given: readonly Flag[]): string {
  const pattern = operands.shift();
  const habits = habitsIn(given);
  if (pattern !== undefined && habits !== "" && operands.length > 0 && LIKE_A_TARGET.test(pattern)) {
    const hint = `${USAGE}${habits}; -e ${pattern} searches for it`;
    throw new PortholeError("USAGE", `'${pattern}' is a target, but it is where the pattern belongs`, { hint });
  }
  if (pattern?.isWellFormed()) return pattern;
  if (pattern === undefined) throw new PortholeError("USAGE", "no pattern to search for", { hint: USAGE });
  throw new PortholeError("USAGE", "the pattern is not UTF-8", { hint: "write a byte as (?-u:\\xFF)" });
}

const LIKE_A_TARGET = /^(\.{0,2}\/|[\w.*?!/-]+:[/@])/;

const USAGE = "porthole grep PATTERN TARGET...";
