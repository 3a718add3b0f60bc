import { compareNames, isGoneProcess, nameOf } from "../../src/files/index.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import type { FoundFile } from "./directory-files.ts";

/**
 * Number of concurrent batches: the agent opens a batch while this process handles the one before
 * it.
 */
const AT_ONCE = 2;

/** How {@link openBatches} opens files. */
export interface BatchOptions {
  /** Maximum number of files in a batch. */
  maxFiles: number;
  /** Receives an open file. Returns true if its content goes through a pipe. */
  add(name: string, file: OpenFile): boolean;
  /** Receives the errors of files that cannot be opened. */
  failed(error: unknown): void;
  signal?: AbortSignal | undefined;
}

/**
 * Opens files, the consecutive ones of a directory with one request. Returns the sorted names of
 * those whose content goes through a pipe.
 * @throws PortholeError SESSION; the reason of an aborted signal
 */
export async function openBatches(files: readonly FoundFile[], options: BatchOptions): Promise<string[]> {
  const piped: string[] = [];
  const left = batches(files, options.maxFiles);
  const work = async () => {
    for (const batch of left) {
      options.signal?.throwIfAborted();
      piped.push(...(await openBatch(batch, options)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return piped.sort(compareNames);
}

async function openBatch(batch: readonly FoundFile[], { add, failed }: BatchOptions): Promise<string[]> {
  const piped: string[] = [];
  const opened = await openTogether(batch);
  const rest: Promise<void>[] = [];
  for (const [index, file] of batch.entries()) {
    const one = opened[index];
    if (one !== undefined) {
      if (add(file.name, one)) piped.push(file.name);
      continue;
    }
    const alone = openFound(file).then((found) => {
      if (found !== undefined && add(file.name, found)) piped.push(file.name);
    });
    rest.push(alone.catch((error: unknown) => reportUnlessGone(file, error, failed)));
  }
  await Promise.all(rest);
  return piped;
}

/** Returns undefined if the file was replaced after the walk by something else. */
async function openFound({ session, path, isLinked }: FoundFile): Promise<OpenFile | undefined> {
  const file = await session.open(path, { noFollow: !isLinked });
  if (file.kind === "file") return file;
  file.close();
  return undefined;
}

/** @throws the error, if the session has ended */
function reportUnlessGone({ session, path }: FoundFile, error: unknown, failed: (error: unknown) => void): void {
  if (session.ended !== undefined) throw error;
  if (!isGoneProcess(path, error)) failed(error);
}

/**
 * Groups consecutive files of a directory, at most `maxFiles` per batch. A file that was found
 * through a link has its own batch.
 */
function* batches(files: readonly FoundFile[], maxFiles: number): Generator<FoundFile[]> {
  let batch: FoundFile[] = [];
  for (const file of files) {
    const [first] = batch;
    if (first && (batch.length >= maxFiles || !isBeside(first, file))) {
      yield batch;
      batch = [];
    }
    batch.push(file);
  }
  if (batch.length > 0) yield batch;
}

function isBeside(one: FoundFile, other: FoundFile): boolean {
  if (one.isLinked || other.isLinked || one.session !== other.session) return false;
  const slash = one.path.lastIndexOf("/");
  return other.path.lastIndexOf("/") === slash && other.path.startsWith(one.path.slice(0, slash + 1));
}

/** Opens a batch with one request. Returns the files that could be opened. */
async function openTogether(batch: readonly FoundFile[]): Promise<(OpenFile | undefined)[]> {
  const [{ session, path, isLinked }] = batch as [FoundFile];
  if (batch.length === 1 || isLinked || session.openMany === undefined) return [];
  try {
    const names = batch.map((file) => nameOf(file.path));
    return await session.openMany(path.slice(0, -(names[0] as string).length), names);
  } catch {
    // Ignores the error: opening the files one by one reports the reason.
    return [];
  }
}
