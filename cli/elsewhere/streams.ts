import { writeSync } from "node:fs";
import { constants } from "node:os";
import { isatty, ReadStream } from "node:tty";
import { dieBySignal, isWritable, Output } from "../../src/descriptors/index.ts";
import type { PlaceEnd, StreamKind, Streams } from "../../src/elsewhere/index.ts";
import { failOutput } from "../io/output.ts";
import { passedVariables, terminalSize } from "./terminal.ts";

/** How a command uses standard input. */
export type InputUse = "none" | "data" | "keys";

/** The standard streams of this process for a remote command, and a function that restores them. */
export interface OwnStreams {
  streams: Streams;
  /** Signals that were passed to the command. */
  received: ReadonlySet<NodeJS.Signals>;
  /** Restores the terminal and removes the listeners. */
  restore(): void;
}

/**
 * The standard streams of this process. With `keys`, the local terminal is in raw mode until the
 * end, and a terminal of the remote command interprets the keys. Otherwise the local terminal
 * interprets them, and the remote command receives signals.
 * @param variables environment of the remote command, such as the address of its engine
 */
export function ownStreams(use: InputUse, variables: Readonly<Record<string, string>>): OwnStreams {
  const hasKeys = use === "keys" && isatty(0);
  const output = (fd: 1 | 2): StreamKind => (isatty(fd) ? "terminal" : "pipe");
  const input = use === "none" ? undefined : hasKeys ? new ReadStream(0) : process.stdin;
  const aborted = new AbortController();
  let signalled: (number: number) => void = () => aborted.abort();
  const received = new Set<NodeJS.Signals>();
  const onSignal = (signal: NodeJS.Signals) => {
    // After a second signal, does not wait for the remote command.
    if (received.has(signal)) dieBySignal(signal);
    received.add(signal);
    signalled(constants.signals[signal]);
    // The connection may not respond. A command that reads keys may handle the signal and go on.
    if (use !== "keys") setTimeout(() => dieBySignal(signal), GRACE_MS).unref();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // The remote command cannot detect that the reader of this output has closed it.
  const stdout = new Output(1);
  const watch = stdout.onReaderGone(() => dieBySignal("SIGPIPE"));
  const streams: Streams = {
    kinds: [use === "none" ? "null" : hasKeys ? "terminal" : "pipe", output(1), output(2)],
    input,
    // A reader that does not read must not delay a signal.
    write: (fd, bytes) => (fd === 1 ? stdout.write(bytes).catch(failOutput) : writeError(bytes)),
    size: () => terminalSize(),
    listen: (events) => {
      if (hasKeys) (input as ReadStream).setRawMode(true);
      signalled = events.signalled;
      process.on("SIGWINCH", events.resized);
    },
    environment: { ...passedVariables(), ...variables },
    signal: aborted.signal,
  };
  const restore = () => {
    watch?.close();
    for (const signal of SIGNALS) process.off(signal, onSignal);
    if (hasKeys) (input as ReadStream).setRawMode(false);
    input?.destroy();
    const [first] = received;
    if (aborted.signal.aborted && first !== undefined) dieBySignal(first);
  };
  return { streams, received, restore };
}

/** Milliseconds between a signal to a remote command and the end of this process. */
const GRACE_MS = 3000;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** Ignores a closed stderr, as local commands do. */
function writeError(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(2, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      isWritable(2, -1);
    }
  }
}

/**
 * Returns the exit status for this process. Ends the process if a signal ended the remote command.
 */
export function endAs(end: PlaceEnd): number {
  if ("status" in end) return end.status;
  const name = Object.entries(constants.signals).find(([, number]) => number === end.signal)?.[0];
  return name === undefined ? 128 + end.signal : dieBySignal(name as NodeJS.Signals);
}
