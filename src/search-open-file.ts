import { PortholeError } from "./errors.ts";
import type { OpenFile } from "./sessions/open-file.ts";
import type { FileSearchOptions } from "./text/search/file-search.ts";
import type { Matcher } from "./text/search/matcher.ts";
import type { Scanner } from "./text/search/scanner.ts";
import { type SeekableFile, searchFile, searchStream } from "./text/search/search-file.ts";
import type { Sink } from "./text/search/sink.ts";

/** Options of {@link searchOpenFile}. */
export interface SearchOptions extends FileSearchOptions {
  /** Helps with large files. */
  scanner?: Scanner | undefined;
  /** Ends a search of what comes in pieces (FIFO, device, relayed file); a regular file's ends with the process or not at all. */
  signal?: AbortSignal | undefined;
  /** Called whenever all that came so far was searched: a good time to pass on what was printed. */
  idle?: (() => void) | undefined;
  /** Called now and then with the bytes up to which the file was read. With a scanner that is ahead of what the sink was told. */
  onProgress?: ((read: number) => void) | undefined;
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
  const { scanner, signal, idle = () => {}, onProgress } = options;
  if (file.isSeekable) {
    const seekable = {
      fd: file.fd,
      size: file.size(),
      read: reader(file, onProgress),
    };
    await searchFile(seekable, matcher, sink, options, scanner);
  } else await searchStream(counted(file.stream(signal && { signal }), onProgress), matcher, sink, options, idle);
}

/** Reads at positions; a search that goes back to one does not take back its progress. */
function reader(file: OpenFile, onProgress: SearchOptions["onProgress"]): SeekableFile["read"] {
  if (onProgress === undefined) return (buffer, position) => file.read(buffer, position);
  let furthest = 0;
  return (buffer, position) => {
    const count = file.read(buffer, position);
    if (position + count > furthest) {
      furthest = position + count;
      onProgress(furthest);
    }
    return count;
  };
}

async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  onProgress: SearchOptions["onProgress"],
): AsyncGenerator<Uint8Array> {
  let count = 0;
  for await (const piece of pieces) {
    yield piece;
    count += piece.length;
    onProgress?.(count);
  }
}
