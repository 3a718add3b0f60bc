import { pipe } from "../descriptors/file.ts";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { writeAll } from "../descriptors/write-all.ts";
import type { OpenFile } from "./open-file.ts";

/** A pipe that carries a file's content. */
export interface FedPipe {
  /** For the reader, who may open it anew by its path; the caller closes it. */
  reader: OwnedFd;
  /** Copies the content and closes the writing end. Rejects as {@link OpenFile.stream}. */
  feed(signal: AbortSignal): Promise<void>;
}

/** What bytes become on their way, undefined where no more are wanted. Called without bytes at the end. */
export type Filter = (bytes: Buffer | undefined) => Buffer | undefined;

/**
 * Makes a pipe for a file that a program of this machine cannot open by a path: its owner may not read
 * it, or its content comes from the agent. The file is closed when it is fed.
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
