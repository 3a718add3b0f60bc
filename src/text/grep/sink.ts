/** A line as it is shown. */
export interface Line {
  /** With its newline, if it has one. Valid only until the call that brought it returns. */
  bytes: Buffer;
  /** Of its first byte in the file. */
  offset: number;
  /** From 1; undefined when lines are not counted. */
  number: number | undefined;
}

/** How a search ended. */
export interface SearchEnd {
  /** Bytes that were searched in whole blocks, as ripgrep counts. */
  bytes: number;
  /** Offset of the first NUL that was seen, in a file in which they mean something. */
  binaryAt: number | undefined;
}

/** Hears what the search of one file finds, in the file's order. False from one of them ends the search. */
export interface Sink {
  matched(line: Line): boolean;
  /** A line near a matched one. */
  context(line: Line, kind: "before" | "after"): boolean;
  /** Lines were left out between what was shown and what comes now. */
  contextBreak(): void;
  /** The file is binary: a NUL at `offset`, in what was read but not searched yet. */
  binary(offset: number): void;
  finish(end: SearchEnd): void;
}
