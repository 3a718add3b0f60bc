import { PortholeError } from "../errors.ts";
import type { Session } from "../sessions/interface/session.ts";
import { follow } from "./follow.ts";
import { followRelayed } from "./follow-relayed.ts";
import { identityOf } from "./identity.ts";
import { Fingerprint } from "./offsets/fingerprint.ts";
import { followSource } from "./session-source.ts";

/** Options of {@link followPath}. */
export interface FollowPathOptions {
  /** Where to start: `end` (the default) as tail -f, `start`, or a byte offset. */
  from?: "start" | "end" | number | undefined;
  /** Ends the follow at once. */
  signal?: AbortSignal | undefined;
}

/** Events of {@link followPath}, in order. */
export type FollowPathEvent =
  /** Bytes in the file's order. The consumer owns the array. */
  | { kind: "data"; bytes: Uint8Array }
  /** The file was truncated or rewritten in place. The next data is from its start. */
  | { kind: "truncated" }
  /**
   * The path now leads to another file. The next data is from that file's start; the old file was
   * read to its end.
   */
  | { kind: "rotated" }
  /** The path does not exist. The open file is still being read. */
  | { kind: "deleted" }
  /** The path exists again. */
  | { kind: "returned" }
  /** The session or the file system does not respond. Reported once, until `reachable`. */
  | { kind: "unreachable"; error: unknown }
  | { kind: "reachable" };

/**
 * Follows a file of a session by its path, as `tail -F`: through growth, truncation, rotation,
 * deletion and return. Ends when `signal` aborts or when you leave the loop. Closes all descriptors
 * that it opened; the caller owns the session. Polls a file on a network or FUSE file system once
 * per second: from its start, or with `end` from its size at the first poll.
 * @throws PortholeError FILE if the path cannot be opened (ENOENT, EACCES) or followed (EINVAL: a
 * FIFO, a terminal); SESSION; USAGE for an invalid `from`
 */
export async function* followPath(
  session: Session,
  path: string,
  options: FollowPathOptions = {},
): AsyncGenerator<FollowPathEvent, void, void> {
  const { from = "end", signal } = options;
  if (from !== "start" && from !== "end" && !(Number.isSafeInteger(from) && from >= 0))
    throw new PortholeError("USAGE", `cannot follow ${path} from '${from}'`, { hint: "start, end or a byte offset" });
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

/** The events without open files, which stay internal. */
async function* simplified(
  events: AsyncGenerator<FollowPathEvent | { kind: "grown" }, void, void>,
): AsyncGenerator<FollowPathEvent, void, void> {
  for await (const event of events) {
    if (event.kind === "data") yield { kind: "data", bytes: event.bytes };
    else if (event.kind === "unreachable") yield { kind: "unreachable", error: event.error };
    else if (event.kind !== "grown") yield { kind: event.kind };
  }
}
