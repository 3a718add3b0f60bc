import { writeSync } from "node:fs";
import { isatty, ReadStream } from "node:tty";
import { drained, type StreamKind, type Streams } from "../../../src/elsewhere/index.ts";
import { passedVariables, terminalSize } from "../../elsewhere/terminal.ts";

/** The standard streams of this process for commands in pods, and a function that restores them. */
export interface PluginStreams {
  streams: Streams;
  /** Restores the terminal. */
  restore(): void;
}

/**
 * Returns the standard streams of the plugin, which has no native part. An `Interrupt` passes the
 * signals.
 * @param hasKeys the command reads keys: the terminal is in raw mode while the command runs
 */
export function pluginStreams(hasKeys: boolean): PluginStreams {
  const input = hasKeys && isatty(0) ? new ReadStream(0) : undefined;
  const output = (fd: 1 | 2): StreamKind => (isatty(fd) ? "terminal" : "pipe");
  const streams: Streams = {
    kinds: [input === undefined ? "null" : "terminal", output(1), output(2)],
    input,
    write: (fd, bytes) => (fd === 1 ? write(bytes) : writeError(bytes)),
    size: terminalSize,
    listen: ({ resized }) => {
      input?.setRawMode(true);
      process.on("SIGWINCH", resized);
    },
    environment: passedVariables(),
    signal: new AbortController().signal,
  };
  const restore = () => {
    input?.setRawMode(false);
    input?.destroy();
  };
  return { streams, restore };
}

/**
 * Writes to standard output. Resolves when it accepts more. The stream reports a closed pipe by an
 * event.
 */
async function write(bytes: Buffer): Promise<void> {
  if (bytes.length === 0 || process.stdout.write(bytes)) return;
  await drained(process.stdout);
}

/** Ignores a closed stderr, as the commands do. */
function writeError(bytes: Buffer): void {
  try {
    writeSync(2, bytes);
  } catch {}
}
