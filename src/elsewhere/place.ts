import type { Readable, Writable } from "node:stream";

/**
 * A place on another kernel where porthole is installed: a helper container of a remote engine, a
 * helper pod of a Kubernetes node. No descriptor comes from there; porthole runs there, and only
 * what it prints comes here. A place knows how to start a program and nothing else: standard
 * streams, signals, the size of the terminal and the exit status travel by the protocol of
 * `agent/remote.c`, which every place has in common.
 */
export interface Place {
  /** For messages, such as `context 'far'`. */
  name: string;
  /**
   * Starts a program without a terminal. It must see the end of its standard input when this
   * process is gone, however it ended: the program then ends too.
   * @throws PortholeError TARGET or ATTACH, with the remedy; CANCELLED
   */
  start(command: readonly string[], signal: AbortSignal): Promise<PlaceProcess>;
}

/** A program that runs in a {@link Place}; the caller reads both outputs and closes it. */
export interface PlaceProcess {
  stdin: Writable;
  /** Ends when the program has ended, or the connection. */
  stdout: Readable;
  /** As `stdout`. */
  stderr: Readable;
  /**
   * What is known when both outputs have ended without an exit status from the program: a remedy or
   * a reason in a few words, such as the last line of ssh's own stderr. Empty if nothing is known.
   */
  reason(): string;
  /** Ends the connection. The program there sees the end of its input and ends. */
  close(): void;
}
