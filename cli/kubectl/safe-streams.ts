import type { Streams } from "../../src/elsewhere/index.ts";
import { TerminalStream } from "../../src/text/index.ts";

/**
 * Filters the output of a command on terminals of this machine: only text and colours pass. Used
 * for a command in an ephemeral container, because processes of the pod may control it.
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
