import type { Readable, Writable } from "node:stream";
import type { PortholeError } from "../errors.ts";

/**
 * A place on another kernel where porthole is installed: a helper container of a remote engine, or
 * a helper pod of a Kubernetes node. Descriptors cannot leave that kernel. So porthole runs on it,
 * and this machine receives only the output. A place only starts programs. The protocol of
 * `agent/remote.c` carries standard streams, signals, terminal size and exit status for every kind
 * of place.
 */
export interface Place {
  /** Name for messages, such as `context 'far'`. */
  name: string;
  /**
   * Starts a program without a terminal. Its standard input must reach end of file when this
   * process ends for any reason; the program then ends too.
   * @throws PortholeError TARGET or ATTACH, with the remedy; CANCELLED
   */
  start(command: readonly string[], signal: AbortSignal): Promise<PlaceProcess>;
}

/** A program that runs in a {@link Place}. The caller reads both outputs and closes it. */
export interface PlaceProcess {
  stdin: Writable;
  /** Ends with the program or the connection. */
  stdout: Readable;
  /** Ends with the program or the connection. */
  stderr: Readable;
  /** The error when both outputs have ended without an exit status. */
  lost(): PortholeError;
  /** Ends the connection. The program reads end of file on its input and ends. */
  close(): void;
}
