import { statSync } from "node:fs";
import { type Flag, FlagSet } from "./arguments.ts";
import { FILTERS } from "./flags.ts";

/**
 * How a search on trees detects colour codes, which it cannot strip. `none`: the search reads raw
 * bytes. `along`: the search has ESC as an additional pattern, visible in its output. `before`: a
 * separate search for ESC runs first.
 */
export type ColourCheck = "none" | "along" | "before";

/** The pattern that finds every colour code, as a regular expression and as a fixed string. */
export const ESCAPE_PATTERN: Flag = { name: "regexp", value: "\x1b" };

/** Options that make ripgrep print each matching line, without an effect on which lines match. */
const PRINTS_MATCHES: ReadonlySet<string> = new Set([
  ...["regexp", "file", "fixed-strings", "ignore-case", "case-sensitive", "multiline", "max-count"],
  ...[
    "line-number",
    "no-line-number",
    "with-filename",
    "no-filename",
    "heading",
    "no-heading",
    "column",
    "byte-offset",
  ],
  ...["after-context", "before-context", "context", "only-matching", "text", "binary", "threads", "sort", "sortr"],
  ...["json", "no-json", "line-buffered", "no-mmap", "max-filesize", "one-file-system", "no-messages", "vimgrep"],
  ...FILTERS,
]);

/** Options that select the searched files and bytes. */
const SELECTS: ReadonlySet<string> = new Set([
  ...FILTERS,
  ...["max-filesize", "one-file-system", "no-one-file-system", "text", "no-text", "binary", "no-binary"],
]);

/** Options that need links, with the reason. */
const NEEDS_LINKS: Readonly<Record<string, string>> = {
  follow: "trees follow no links",
  files: "it lists names only",
  "search-zip": "it would run programs on the files",
  debug: "it prints more than results",
  trace: "it prints more than results",
};

/** Returns why a search with these options cannot run on trees; undefined if it can. */
export function linksReason(flags: readonly Flag[]): string | undefined {
  for (const { name, value } of flags) {
    if (NEEDS_LINKS[name] !== undefined) return `--${name}: ${NEEDS_LINKS[name]}`;
    // A second search cannot read the standard input again.
    if (name === "file" && value === "-") return "the patterns come from standard input";
    if (name === "file" && value !== undefined && isStream(value)) return `--file: ${value} can be read only once`;
  }
  return undefined;
}

/** True for a pipe, such as bash's `<(...)`: links are searched after a search on trees. */
function isStream(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isFile();
}

export function colourCheck(flags: readonly Flag[], isRaw: boolean): ColourCheck {
  if (isRaw) return "none";
  return flags.every(({ name }) => PRINTS_MATCHES.has(name)) ? "along" : "before";
}

/**
 * Returns options of the separate search for colour codes, which searches the same files without
 * output.
 */
export function colourSearch(flags: readonly Flag[]): Flag[] {
  const set = new FlagSet(flags);
  const selecting = flags.filter(({ name }) => SELECTS.has(name));
  const isBinary = set.isOn("null-data", "no-null-data") ? [{ name: "text", value: undefined }] : [];
  return [{ name: "quiet", value: undefined }, ...selecting, ...isBinary, ESCAPE_PATTERN];
}
