import { PortholeError } from "../errors.ts";
import type { OpenFile } from "../sessions/interface/open-file.ts";
import type { Session } from "../sessions/interface/session.ts";
import type { FollowEvent } from "./follow.ts";
import { followByPolling, type PolledFile, type PollOptions } from "./follow-by-polling.ts";
import { identityOf } from "./identity.ts";
import { type SessionSource, undefinedIfMissing } from "./session-source.ts";

/**
 * Follows a relayed file ({@link OpenFile.relayed}), which has neither positions nor events:
 * reopens its path for each poll. Reports `unreachable` while its server does not respond. Ends as
 * {@link follow} does.
 */
export function followRelayed(
  session: Session | SessionSource,
  path: string,
  options: PollOptions,
): AsyncGenerator<FollowEvent<PolledFile>, void, void> {
  const current = typeof session === "function" ? session : async () => session;
  const silence = () => new PortholeError("FILE", `${path}: its file system does not respond`, { errno: "ETIMEDOUT" });
  const open = async (offset: number) => {
    const now = await current();
    const file = await undefinedIfMissing(() => now.open(path, { offset: BigInt(offset) }));
    return file && polled(file, offset);
  };
  return followByPolling(
    {
      open: (offset) =>
        open(offset).catch((error: unknown) => {
          // An open that hangs ends its session; the next poll uses a new one.
          throw error instanceof PortholeError && error.errno === "ETIMEDOUT" ? silence() : error;
        }),
      silence,
    },
    options,
  );
}

function polled(file: OpenFile, offset: number): PolledFile {
  // A file that turns out to be local has positions, and would otherwise start at 0.
  const start = file.isSeekable ? { start: offset } : {};
  return {
    identity: identityOf(file.stat),
    bytes: (signal) => file.stream({ ...start, signal }),
    close: () => file.close(),
  };
}
