import type { Session } from "../sessions/session.ts";
import { Fingerprint } from "./fingerprint.ts";
import { follow } from "./follow.ts";
import { followRelayed } from "./follow-relayed.ts";
import { followSource, identityOf } from "./session-source.ts";

/** Options of {@link followPath}. */
export interface FollowPathOptions {
  /** Where to begin: `end` (the default) as tail -f, `start`, or a byte offset. */
  from?: "start" | "end" | number;
  /** Aborting it ends the follow at once. */
  signal?: AbortSignal;
}

/** What {@link followPath} reports, in order. */
export type FollowPathEvent =
  /** Bytes in the file's order. The array is the consumer's. */
  | { kind: "data"; bytes: Uint8Array }
  /** The file was cut or rewritten in place. Next data is from its beginning. */
  | { kind: "truncated" }
  /** The path names another file. Next data is from that file's beginning; the old one was read to its end. */
  | { kind: "rotated" }
  /** The path names nothing. The open file is still read. */
  | { kind: "deleted" }
  /** The path names a file again. */
  | { kind: "returned" }
  /** The path cannot be asked about: the session or its file system does not answer. Reported once, until `reachable`. */
  | { kind: "unreachable"; error: unknown }
  | { kind: "reachable" };

/**
 * Follows a file of a session by its path, as `tail -F`: through growth, truncation, rotation, deletion and return. Ends when
 * `signal` aborts, or when the loop is left. All descriptors that it opens are closed by then; the session stays the caller's.
 * A file on a network or FUSE file system is followed by looking at it once a second, from its beginning or (with `end`) from
 * what is there at the first look.
 * @throws PortholeError FILE when the path cannot be opened (ENOENT, EACCES), or is nothing to follow (EINVAL: a FIFO, a
 * terminal); SESSION
 */
export async function* followPath(
  session: Session,
  path: string,
  options: FollowPathOptions = {},
): AsyncGenerator<FollowPathEvent, void, void> {
  const { from = "end", signal } = options;
  await using file = await session.open(path);
  if (file.relayed) {
    const read = new Fingerprint();
    const start = typeof from === "number" ? from : 0;
    for await (const bytes of file.stream({ ...(signal && { signal }) })) {
      const wanted = from === "end" ? 0 : Math.min(bytes.length, Math.max(0, read.position + bytes.length - start));
      read.advance(bytes);
      if (wanted > 0) yield { kind: "data", bytes: bytes.subarray(bytes.length - wanted) };
    }
    yield* simplified(followRelayed(session, path, { identity: identityOf(file.stat), read, signal }));
    return;
  }
  const position = from === "start" ? 0 : from === "end" ? file.size() : from;
  yield* simplified(follow(followSource(session, path, file), { position, takesFile: true, signal }));
}

/** The engine's events without its files, which it owns. */
async function* simplified(
  events: AsyncGenerator<FollowPathEvent | { kind: "grown" }, void, void>,
): AsyncGenerator<FollowPathEvent, void, void> {
  for await (const event of events) {
    if (event.kind === "data") yield { kind: "data", bytes: event.bytes };
    else if (event.kind === "unreachable") yield { kind: "unreachable", error: event.error };
    else if (event.kind !== "grown") yield { kind: event.kind };
  }
}
