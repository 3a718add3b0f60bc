import { messageOf } from "../../../../src/errors.ts";
import { compressionOf, DecompressedFile, type OpenFile, type Session } from "../../../../src/sessions/index.ts";
import type { EarlierFile } from "./content.ts";
import { rotatedNames } from "./rotated-names.ts";

/**
 * Maximum bytes of decompressed text. Older files are omitted once the newer files have this many
 * bytes.
 */
const MAX_DECOMPRESSED = 1024 ** 3;

/** The earlier files of a rotated log, oldest first, in the form for the screen. */
export interface EarlierFiles {
  readonly files: readonly EarlierFile[];
  /** Describes the omitted files, with the reason; empty if no file is omitted. */
  readonly omitted: string;
  /** Closes the files. The screen must not read them afterwards. */
  close(): Promise<void>;
}

/**
 * Opens the earlier files of the log at `path`, and decompresses those that are compressed, newest
 * first. Adds a file that cannot be read to `omitted`.
 * @throws PortholeError FILE if the directory cannot be read
 */
export async function earlierFiles(session: Session, path: string): Promise<EarlierFiles> {
  const slash = path.lastIndexOf("/");
  const directory = slash < 0 ? "." : path.slice(0, slash) || "/";
  const names: string[] = [];
  for await (const { name } of session.list(directory)) names.push(name);
  const files: EarlierFile[] = [];
  const closers: (() => Promise<void>)[] = [];
  const omitted: string[] = [];
  let decompressed = 0;
  for (const name of rotatedNames(path.slice(slash + 1), names).reverse()) {
    try {
      if (decompressed >= MAX_DECOMPRESSED) throw new Error("the limit of 1 GiB of decompressed text is reached");
      const shown = await opened(await session.open(`${path.slice(0, slash + 1)}${name}`));
      closers.push(shown.close);
      files.unshift({ name, fd: shown.file.fd, ...(shown.nextData && { nextData: shown.nextData }) });
      if (shown.isDecompressed) decompressed += shown.file.size();
      if (shown.failure) omitted.push(`the rest of ${name}: ${shown.failure}`);
    } catch (error) {
      omitted.push(`${name}: ${messageOf(error)}`);
    }
  }
  return {
    files,
    omitted: omitted.length === 0 ? "" : `not shown: ${omitted.join("; ")}`,
    close: async () => {
      for (const close of closers) await close();
    },
  };
}

/** Describes the number of earlier files; empty without earlier files. */
export function earlierText(earlier: Pick<EarlierFiles, "files"> | undefined): string {
  const count = earlier?.files.length ?? 0;
  return count === 0 ? "" : `${count} earlier ${count === 1 ? "file" : "files"}`;
}

interface Shown {
  file: OpenFile;
  isDecompressed: boolean;
  /** The reason why decompression failed before the end. */
  failure: string | undefined;
  nextData: NonNullable<EarlierFile["nextData"]> | undefined;
  close(this: void): Promise<void>;
}

/** Opens a file for the screen. Takes ownership of it. */
async function opened(file: OpenFile): Promise<Shown> {
  const compression = compressionOf(file);
  if (compression === undefined) {
    if (!file.isSeekable || file.kind !== "file") {
      file.close();
      throw new Error("not a regular file");
    }
    const nextData = (position: number) => file.nextData(position);
    return { file, isDecompressed: false, failure: undefined, nextData, close: async () => file.close() };
  }
  try {
    const whole = await DecompressedFile.open(file, compression);
    await whole.filled();
    let failure: string | undefined;
    whole.watch({
      grown: () => undefined,
      ended: (error) => {
        failure = error?.message;
      },
    });
    const close = async () => {
      await whole.close();
      file.close();
    };
    return { file: whole.file, isDecompressed: true, failure, nextData: undefined, close };
  } catch (error) {
    file.close();
    throw error;
  }
}
