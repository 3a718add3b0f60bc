import { writeAll } from "../descriptors/bytes/write-all.ts";
import { pipe } from "../descriptors/files/file.ts";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import type { OpenFile } from "./interface/open-file.ts";

/** A pipe that carries a file's content. */
export interface FedPipe {
  /** The read end. A program may reopen it by path; the caller closes it. */
  reader: OwnedFd;
  /** Copies the content and closes the write end. Rejects as {@link OpenFile.stream} does. */
  feed(signal: AbortSignal): Promise<void>;
}

/** Transforms a chunk; returns undefined to stop. Called with undefined at the end of the file. */
export type Filter = (bytes: Buffer | undefined) => Buffer | undefined;

/**
 * Creates a pipe for a file that a program of this machine cannot open by path. Either the user
 * lacks the right, or the agent relays the content. Closes the file when all is copied.
 */
export function feedPipe(file: OpenFile, filter: Filter = (bytes) => bytes): FedPipe {
  const [reader, writer] = pipe({ nonBlocking: true });
  const feed = async (signal: AbortSignal) => {
    try {
      for await (const chunk of file.stream({ signal })) {
        const bytes = filter(chunk);
        if (bytes === undefined) return;
        await writeAll(writer, bytes, { signal });
      }
      const rest = filter(undefined);
      if (rest !== undefined) await writeAll(writer, rest, { signal });
    } finally {
      writer.close();
      file.close();
    }
  };
  return { reader, feed };
}
