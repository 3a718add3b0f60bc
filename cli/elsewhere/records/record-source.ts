import type { Readable } from "node:stream";

/** A place that sends records: the output of a remote `tail --json` or `head --json`. */
export interface RecordSource {
  /** Name for messages, such as `the node one`. */
  name: string;
  /** The byte at the end of a line; default: a newline. */
  delimiter?: number;
  /**
   * Starts the command on the remote machine.
   * @param beginning where it continues; undefined until a line has arrived
   */
  start(beginning: Beginning | undefined): Promise<RecordRun>;
}

/** Where a run continues after a lost connection. */
export interface Beginning {
  /** Options that replace those for the start of the output. */
  options: readonly string[];
  /** Environment of the command. */
  variables: Readonly<Record<string, string>>;
}

/** A command that sends records. It receives this process's signals. */
export interface RecordRun {
  stdout: Readable;
  /** Asks a follow with `--merge` for a mark: the time before which it has sent all lines. */
  askMark(): void;
  /** The exit status. @throws PortholeError SESSION if the connection was lost */
  ended: Promise<number>;
}
