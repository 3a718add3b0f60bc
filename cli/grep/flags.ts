/** Tables of ripgrep's options; the tests compare them with the real program. */

/** The long name of each short option. */
export const SHORT: Readonly<Record<string, string>> = {
  ".": "hidden",
  "0": "null",
  A: "after-context",
  B: "before-context",
  C: "context",
  E: "encoding",
  F: "fixed-strings",
  H: "with-filename",
  I: "no-filename",
  L: "follow",
  M: "max-columns",
  N: "no-line-number",
  P: "pcre2",
  S: "smart-case",
  T: "type-not",
  U: "multiline",
  V: "version",
  a: "text",
  b: "byte-offset",
  c: "count",
  d: "max-depth",
  e: "regexp",
  f: "file",
  g: "glob",
  i: "ignore-case",
  j: "threads",
  l: "files-with-matches",
  m: "max-count",
  n: "line-number",
  o: "only-matching",
  p: "pretty",
  q: "quiet",
  r: "replace",
  s: "case-sensitive",
  t: "type",
  u: "unrestricted",
  v: "invert-match",
  w: "word-regexp",
  x: "line-regexp",
  z: "search-zip",
};

/** Options with a value, by their long names. */
export const WITH_VALUE: ReadonlySet<string> = new Set([
  ...["after-context", "before-context", "color", "colors", "context", "context-separator", "dfa-size-limit"],
  ...["encoding", "engine", "field-context-separator", "field-match-separator", "file", "generate", "glob"],
  ...["hostname-bin", "hyperlink-format", "iglob", "ignore-file", "max-columns", "max-count", "max-depth"],
  ...["max-filesize", "maxdepth", "path-separator", "pre", "pre-glob", "regex-size-limit", "regexp", "replace"],
  ...["sort", "sortr", "threads", "type", "type-add", "type-clear", "type-not"],
]);

/** Options that select the files of a directory by name and ignore file. */
export const FILTERS: ReadonlySet<string> = new Set([
  ...["glob", "iglob", "glob-case-insensitive", "no-glob-case-insensitive", "type", "type-not", "type-add"],
  ...["type-clear", "ignore-file", "ignore-file-case-insensitive", "no-ignore-file-case-insensitive", "hidden"],
  ...["no-hidden", "max-depth", "maxdepth", "unrestricted", "no-ignore", "ignore", "no-ignore-dot", "ignore-dot"],
  ...["no-ignore-exclude", "ignore-exclude", "no-ignore-files", "ignore-files", "no-ignore-global", "ignore-global"],
  ...["no-ignore-vcs", "ignore-vcs", "no-require-git", "require-git"],
]);

/** Options that need no pattern. */
export const WITHOUT_PATTERN: ReadonlySet<string> = new Set(["files", "type-list", "version", "V", "pcre2-version"]);

/** Options that need no target. */
export const WITHOUT_TARGET: ReadonlySet<string> = new Set(["type-list", "version", "V", "pcre2-version"]);

/** Unavailable options, with the reasons. */
export const REFUSED: Readonly<Record<string, string>> = {
  pre: "it would run a program on the path of a descriptor (use porthole with TARGET -- PROGRAM)",
  "pre-glob": "it needs --pre, which is not available",
  "hostname-bin": "it needs --hyperlink-format, which is not available",
  "hyperlink-format": "the links would point into a directory that is removed at the end",
  generate: "it prints ripgrep's own manual and completions (use rg --generate)",
};
