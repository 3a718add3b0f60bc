import type { Encoding, FoldedLines, Query, RecordLevel } from "../../../../src/text/index.ts";

/** The interpretation of a pattern: as text in lines, or as bytes. */
export type SearchMode = "text" | "hex" | "levels";

/** Options of a pattern that matches lines. */
export interface PatternOptions {
  ignoreCase: boolean;
  /**
   * Lines of JSON that are shown by their fields. They also match in the form that is shown, and
   * `name=value` matches members.
   */
  folded?: FoldedLines | undefined;
  /** Matches the other lines. */
  invert?: boolean;
}

const PROBLEM_LEVELS: readonly RecordLevel[] = ["fatal", "error", "warn"];

/** @throws Error for a pattern that is invalid in this mode */
export function searchQuery(pattern: string, mode: SearchMode, encoding: Encoding, options: PatternOptions): Query {
  if (mode === "hex") return byteQuery(pattern);
  if (mode === "levels") return { kind: "selection", encoding, areRecords: false, levels: PROBLEM_LEVELS };
  return lineQuery(pattern, encoding, options);
}

/** Returns the query for lines that match. `new Matcher` finds errors in the pattern. */
export function lineQuery(
  pattern: string,
  encoding: Encoding,
  { ignoreCase, folded, invert = false }: PatternOptions,
): Extract<Query, { kind: "lines" }> {
  const shown = folded ? orMember(pattern) : pattern;
  // A carriage return before the newline is not shown and does not belong to the line.
  const meant = /(?:^|[^\\])(?:\\\\)*\$$/.test(shown) ? `${shown.slice(0, -1)}\\r?$` : shown;
  const match = { patterns: [meant], ignoreCase };
  return { kind: "lines", encoding, match, invert, folded: SIMPLE_MEMBER.test(pattern) ? undefined : folded };
}

/** A member whose form in the file matches whenever its form on the screen matches. */
const SIMPLE_MEMBER = /^[\w@-]+=[A-Za-z][\w-]*$/;

/**
 * Extends a pattern such as `name=value`, the form of a member in folded JSON. The result also
 * matches the form in the file, `"name":"value"`, even if the pattern has only the end of the name.
 */
function orMember(pattern: string): string {
  const [, name, value] = /^([\w@.-]+)=(.+)$/s.exec(pattern) ?? [];
  if (name === undefined || value === undefined) return pattern;
  return `(?:${pattern}|"[^"]*${name.replaceAll(".", "\\.")}"\\s*:\\s*"?${value})`;
}

/**
 * Parses a pattern of bytes: `x 7f454c46` means bytes in hexadecimal; any other pattern means text.
 * @throws Error for invalid digits
 */
function byteQuery(pattern: string): Extract<Query, { kind: "bytes" }> {
  const numbers = /^x\s+(.*)$/s.exec(pattern)?.[1]?.replace(/\s+|0x/g, "");
  if (numbers === undefined) return { kind: "bytes", bytes: Buffer.from(pattern) };
  if (numbers === "" || numbers.length % 2 === 1 || !/^[\da-f]*$/i.test(numbers))
    throw new Error(`'${pattern.slice(1).trim()}' is not hexadecimal: write two digits per byte, x 7f454c46`);
  return { kind: "bytes", bytes: Buffer.from(numbers, "hex") };
}

/** Describes a pattern of bytes without matches, and how its digits become bytes. */
export function describeBytes(pattern: string): string {
  const isDigits = /^(?:(?:0x)?[\da-f]{2}\s*)+$/i.test(pattern);
  return isDigits ? `the text ${pattern} (x ${pattern} finds these bytes)` : pattern;
}
