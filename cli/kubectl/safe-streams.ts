import type { Streams } from "../../src/elsewhere/index.ts";
import { TerminalStream } from "../../src/text/index.ts";

/**
 * Filters what a command prints on terminals of this machine: only text and colours pass. For a
 * command in an ephemeral container, which processes of the pod may control.
 */
export function safeStreams(streams: Streams): Streams {
  const [, output, errors] = streams.kinds;
  const filters = {
    1: output === "terminal" ? new TerminalStream({ colours: true }) : undefined,
    2: errors === "terminal" ? new TerminalStream({ colours: true }) : undefined,
  };
  return {
    ...streams,
    write: (fd, bytes) => streams.write(fd, filtered(bytes, filters[fd])),
  };
}

function filtered(bytes: Buffer, filter: TerminalStream | undefined): Buffer {
  return filter === undefined ? bytes : Buffer.from(filter.push(bytes));
}
