/** A line as it is shown. */
export interface Line {
  /** With its newline, if it has one. Valid only until the call that brought it returns. Made when it is asked for: a view costs more than the search. */
  readonly bytes: Buffer;
  /** Its content where that is ASCII, if the search has it anyway: without a newline. */
  readonly ascii?: string | undefined;
  /** The block that the line is a part of, from `start` to before `end`; valid as `bytes`. */
  block: Buffer;
  start: number;
  end: number;
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
  /**
   * Where it is there and neither numbers nor context are wanted: told in place of {@link matched}, of lines that follow each other. They are `count`,
   * from `start` to before `end` in `block`, which is valid until the call returns.
   */
  matchedRun?: ((block: Buffer, start: number, end: number, count: number) => boolean) | undefined;
  /** A line near a matched one. */
  context(line: Line, kind: "before" | "after"): boolean;
  /** Lines were left out between what was shown and what comes now. */
  contextBreak(): void;
  /** The file is binary: a NUL at `offset`, in what was read but not searched yet. */
  binary(offset: number): void;
  finish(end: SearchEnd): void;
}
