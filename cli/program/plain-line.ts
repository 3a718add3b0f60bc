import { OWN_OF_GREP } from "../grep/own-of-grep.ts";
import { mayBeElsewhere } from "./other-kernels.ts";

/** Runs a command with its operands; undefined if their number is wrong. */
type Run = (operands: string[]) => Promise<(() => Promise<number>) | undefined>;

/** The commands that are also run without Commander: see {@link plainLine}. */
const COMMANDS: ReadonlyMap<string, Run> = new Map<string, Run>([
  [
    "cat",
    async (operands) => async () => {
      (await import("../targets/ask-early.ts")).askEarly(operands[0] ?? "-");
      return (await import("../commands/cat.ts")).cat(operands, {});
    },
  ],
  [
    "grep",
    async (operands) => {
      if (operands.length === 0) return undefined;
      return async () => (await import("../commands/grep.ts")).grep(operands, {});
    },
  ],
  [
    "open",
    async (operands) => {
      const { openWords, startsLast } = await import("./open-words.ts");
      const [target, ...words] = startsLast(operands);
      return target === undefined ? undefined : () => openWords([target, ...words], {});
    },
  ],
  [
    "browse",
    async (operands) => {
      if (operands.length > 1) return undefined;
      return async () => (await import("../commands/browse.ts")).browse(operands[0], {});
    },
  ],
]);

/** True if Commander has to parse the words. */
function hasOptions(name: string, words: readonly string[]): boolean {
  if (name !== "grep") return words.some((word) => word.length > 1 && word.startsWith("-"));
  const own = new RegExp(`^--(${[...OWN_OF_GREP.switches, ...OWN_OF_GREP.withValue].join("|")})(=|$)`);
  return words.some((word) => own.test(word));
}

/**
 * Returns a function that runs a command line without options of porthole, and resolves with the
 * exit status. Undefined if Commander has to parse the line, or if its engine is on another kernel.
 * To load and run Commander takes as long as a tenth of a small `cat`.
 */
export async function plainLine(args: readonly string[]): Promise<(() => Promise<number>) | undefined> {
  const [name = "", ...operands] = args;
  const run = COMMANDS.get(name);
  const { PORTHOLE_IDLE, PORTHOLE_PART_PARENT } = process.env;
  if (run === undefined || hasOptions(name, operands)) return undefined;
  if (PORTHOLE_IDLE !== undefined || PORTHOLE_PART_PARENT !== undefined) return undefined;
  const plain = await run(operands);
  if (plain !== undefined && !areFilesHere(name, operands) && mayBeElsewhere(undefined, args)) {
    const { isElsewhere } = await import("../commands/redirect.ts");
    if (await isElsewhere(name, args)) return undefined;
  }
  return plain;
}

/** True if the operands are files of this machine by their spelling: then no engine matters. */
function areFilesHere(name: string, operands: readonly string[]): boolean {
  const isFile = name === "browse" ? /^\.{0,2}\// : /^\.{0,2}\/|^[^:!]*$/;
  return operands.length > 0 && operands.every((word) => isFile.test(word));
}
