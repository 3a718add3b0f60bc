import { PortholeError } from "./errors.ts";
import type { OpenFile } from "./open-file.ts";
import type { FileSearchOptions } from "./text/grep/file-search.ts";
import type { Matcher } from "./text/grep/matcher.ts";
import type { Scanner } from "./text/grep/scanner.ts";
import { searchFile, searchStream } from "./text/grep/search-file.ts";
import type { Sink } from "./text/grep/sink.ts";

export interface SearchOptions extends FileSearchOptions {
  /** Helps with large files. */
  scanner?: Scanner | undefined;
  /** Ends a search of what comes in pieces (FIFO, device, relayed file); a regular file's ends with the process or not at all. */
  signal?: AbortSignal | undefined;
  /** Called whenever all that came so far was searched: a good time to pass on what was printed. */
  idle?: (() => void) | undefined;
}

/**
 * Searches an open file of any kind but a directory and tells the sink what it finds. The file stays open, and the caller's.
 * @throws PortholeError FILE with the errno: EISDIR, what reading failed with, EOVERFLOW for a line beyond 256 MiB; CANCELLED
 */
export async function searchOpenFile(
  file: OpenFile,
  matcher: Matcher,
  sink: Sink,
  options: SearchOptions,
): Promise<void> {
  if (file.kind === "directory") throw new PortholeError("FILE", `${file.path}: Is a directory`, { errno: "EISDIR" });
  const { scanner, signal, idle = () => {} } = options;
  if (file.isSeekable) {
    const seekable = {
      fd: file.fd,
      size: file.size(),
      read: (buffer: Uint8Array, position: number) => file.read(buffer, position),
    };
    await searchFile(seekable, matcher, sink, options, scanner);
  } else await searchStream(file.stream(signal && { signal }), matcher, sink, options, idle);
}
