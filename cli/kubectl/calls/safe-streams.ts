import type { Streams } from "../../../src/elsewhere/index.ts";
import { TerminalStream } from "../../../src/text/index.ts";

/** Streams with a filter, which holds back the beginning of an escape sequence. */
export interface SafeStreams {
  streams: Streams;
  /** Writes what the filter holds back, and resets colours. Call at the end of the output. */
  end(): Promise<void>;
}

/**
 * Filters the output of a command on terminals of this machine: only text and colours pass. Used
 * for a command in an ephemeral container, because processes of the pod may control it.
 */
export function safeStreams(streams: Streams): SafeStreams {
  const [, output, errors] = streams.kinds;
  const filters = {
    1: output === "terminal" ? new TerminalStream({ colours: true }) : undefined,
    2: errors === "terminal" ? new TerminalStream({ colours: true }) : undefined,
  };
  return {
    streams: { ...streams, write: (fd, bytes) => streams.write(fd, filtered(bytes, filters[fd])) },
    end: async () => {
      for (const fd of [1, 2] as const) await streams.write(fd, Buffer.from(filters[fd]?.end() ?? ""));
    },
  };
}

function filtered(bytes: Buffer, filter: TerminalStream | undefined): Buffer {
  return filter === undefined ? bytes : Buffer.from(filter.push(bytes));
}
