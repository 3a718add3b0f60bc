import { writeSync } from "node:fs";
import type { Command } from "commander";
import { type Candidate, expectedAt, expectedOperand } from "../completion/expected.ts";
import { quoteFor, type ShellWord, shellWords } from "../completion/shell-words.ts";
import { printable } from "../io/fail.ts";

/** Exit statuses for the shells' completion scripts. */
const CompletionStatus = { found: 0, files: 10, programs: 11 } as const;

/**
 * `porthole __complete SHELL -- ...`: writes the candidates for the word at the cursor, one per
 * line. For shells that show descriptions, a tab and the description follow. zsh and fish pass the
 * words after the program's name; the last word ends at the cursor. bash breaks words at colons. So
 * it passes the line up to the cursor, and the part of the line to replace.
 * @param rootFor returns the definitions that a command line needs
 */
export async function complete(
  rootFor: (words: readonly string[]) => Promise<Command>,
  shell: string,
  args: string[],
): Promise<number> {
  const line = shell === "bash" ? shellWords(args[0] ?? "") : args.map(plainWord);
  if (shell === "fish") line.splice(-1, 1, ...shellWords(args.at(-1) ?? "").slice(-1));
  const texts = (shell === "bash" ? line.slice(1) : line).map(({ text }) => text);
  const last = line.at(-1) ?? plainWord("");
  if (/^\d*[<>]+&?$/.test(line.at(-2)?.raw ?? "")) return CompletionStatus.files;
  const found = await candidates(rootFor, texts);
  if (found === "file") return CompletionStatus.files;
  if (found === "program") return CompletionStatus.programs;
  const fitting = found.filter(({ value }) => value.startsWith(last.text) && isPlain(value));
  if (shell === "bash") write(forBash(fitting, last, args[1] ?? last.raw));
  else write(fitting.map(({ value, description }) => `${value}\t${printable(description ?? "")}\n`).join(""));
  return CompletionStatus.found;
}

async function candidates(
  rootFor: (words: readonly string[]) => Promise<Command>,
  line: string[],
): Promise<Candidate[] | "file" | "program"> {
  // The last word may be the beginning of a command.
  const wanted = expectedOperand(line) ?? expectedAt(await rootFor(line.slice(0, -1)), line);
  if (wanted.kind === "values")
    return wanted.values.map(({ value, description }) => ({ value: wanted.prefix + value, description }));
  if (wanted.kind !== "target" && wanted.kind !== "label") return wanted.kind;
  const typed = line.at(-1) ?? "";
  if (wanted.kind === "target" && wanted.engine === undefined && typed.includes(":/"))
    (await import("../targets/ask-early.ts")).askEarly(typed);
  const { labelCandidates, targetCandidates } = await import("../completion/targets.ts");
  try {
    if (wanted.kind === "label") return await labelCandidates(wanted);
    return (await targetCandidates(typed, wanted)) ?? "file";
  } catch (error) {
    // A completion must not print errors into the command line.
    if (process.env.PORTHOLE_DEBUG) throw error;
    return [];
  }
}

/**
 * Returns the part of each candidate that replaces `replaced`, quoted like the word at the cursor.
 */
function forBash(found: Candidate[], last: ShellWord, replaced: string): string {
  const kept = last.raw.endsWith(replaced) ? last.raw.slice(0, last.raw.length - replaced.length) : "";
  const skip = shellWords(kept).at(-1)?.text.length ?? 0;
  return found
    .flatMap(({ value }) => quoteFor(last.quote, value.slice(skip)) ?? [])
    .map((text) => `${text}\n`)
    .join("");
}

/** Does not use output.ts, which loads the library: most completions do not need it. */
function write(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

function plainWord(text: string): ShellWord {
  return { raw: text, text, quote: "" };
}

/** False for names with control characters, and for names that a shell cannot pass as text. */
function isPlain(value: string): boolean {
  return value.isWellFormed() && printable(value) === value;
}
