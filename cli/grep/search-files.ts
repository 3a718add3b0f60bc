import { PortholeError } from "../../src/errors.ts";
import { compareNames, isGoneProcess, nameOf } from "../../src/files/index.ts";
import { MAX_BATCH } from "../../src/protocol/index.ts";
import { feedPipe, type OpenFile } from "../../src/sessions/index.ts";
import { unlessDirectory, withHint } from "../targets/open-target.ts";
import type { NamedTarget, SessionPool } from "../targets/session-pool.ts";
import { reopenError } from "../with/run-tool.ts";
import { type Flag, FlagSet } from "./arguments.ts";
import { colourFilter, hasColours, stopAtNul } from "./colour-filter.ts";
import { DirectoryFiles, type FoundFile } from "./directory-files.ts";
import { Handover } from "./handover.ts";
import { LinkTree } from "./link-tree.ts";
import type { Ripgrep, RipgrepOptions } from "./ripgrep.ts";
import type { OpenDirectory } from "./tree-search.ts";

/**
 * Number of concurrent batches: the agent opens a batch while this process handles the one before
 * it.
 */
const AT_ONCE = 2;

/** Options of a search on files. */
export interface SearchOptions {
  /** Path of ripgrep. */
  program: string;
  flags: readonly Flag[];
  /** Searches the raw bytes, with colour codes. */
  isRaw: boolean;
  /** Returns false for a directory that the search must skip. */
  mayEnter?: (path: string) => boolean;
  /** Aborts {@link SearchFiles.open}. */
  signal?: AbortSignal | undefined;
}

/**
 * The files of a search. Agents open them, and ripgrep gets them under the names of the targets.
 */
export class SearchFiles {
  /** The paths for ripgrep, in the order of the targets. */
  readonly paths: string[] = [];
  /** Total allocated bytes of the files, without holes. */
  bytes = 0;
  /** The targets that are directories. */
  readonly directories: OpenDirectory[] = [];

  get hasDirectory(): boolean {
    return this.directories.length > 0;
  }

  /** True for more than one file: ripgrep then uses several threads. */
  get isParallel(): boolean {
    return this.paths.length > 1 || this.hasDirectory;
  }

  readonly #options: SearchOptions;
  readonly #failed: (error: unknown) => void;
  readonly #tree: LinkTree;
  readonly #handover: Handover;
  readonly #names = new Set<string>();
  readonly #feeds: { name: string; feed: (signal: AbortSignal) => Promise<void> }[] = [];
  readonly #feeding = new AbortController();

  /**
   * @param names of the targets
   * @param failed receives errors of files that cannot be opened or read
   */
  constructor(options: SearchOptions, names: readonly string[], failed: (error: unknown) => void) {
    this.#options = options;
    this.#failed = failed;
    this.#tree = new LinkTree(names.filter((name) => !name.startsWith("/")));
    this.#handover = new Handover(options.program, (name, to) => this.#tree.link(name, to));
  }

  /** Opens the targets. */
  async open(targets: readonly NamedTarget[], sessions: Pick<SessionPool, "session">): Promise<void> {
    for (const { text, target } of targets) {
      // The link tree cannot contain absolute paths, so ripgrep opens them itself.
      if (target.kind === "local" && target.path.startsWith("/")) {
        this.paths.push(text);
        continue;
      }
      await this.#attempt(async () => {
        const session = await sessions.session(target);
        const opened = session.open(target.path).catch((error: unknown) => {
          throw withCatHint(text, error);
        });
        const file = await unlessDirectory(opened);
        this.paths.push(text);
        if (file !== undefined && file.kind !== "directory") return this.#add(text, file, "named");
        this.directories.push({ session, text, target, file });
      });
    }
  }

  /**
   * Opens the files below directories that ripgrep would search.
   * @throws the reason of an aborted signal
   */
  async openBelow(): Promise<void> {
    if (!this.hasDirectory) return;
    this.#closeDirectories();
    const named = this.directories.map(({ session, text, target: { path } }) => ({ session, name: text, path }));
    const { program, signal } = this.#options;
    const files = await new DirectoryFiles(this.#tree, this.#options, this.#failed).find(named, program);
    // Reserves descriptors: the files of the current batches are open in addition to those that
    // wait for ripgrep.
    const left = batches(files, Math.min(MAX_BATCH, Math.ceil(this.#handover.capacity / 4)));
    const work = async () => {
      for (const batch of left) {
        signal?.throwIfAborted();
        await this.#openBatch(batch);
      }
    };
    const count = this.paths.length;
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    // Sorts the files, which are opened in any order.
    this.paths.push(...this.paths.splice(count).sort(compareNames));
  }

  /** Starts ripgrep in the directory of the links. */
  start(args: readonly string[], options: Omit<RipgrepOptions, "directory">): Ripgrep {
    return this.#handover.start(args, { ...options, directory: this.#tree.directory });
  }

  /**
   * Writes the content of files that ripgrep cannot open into their pipes, until their end or
   * {@link close}.
   */
  async feed(): Promise<void> {
    await Promise.all(
      this.#feeds.map(async ({ name, feed }) => {
        try {
          await feed(this.#feeding.signal);
        } catch (error) {
          const { errno, code } = error as PortholeError;
          // EPIPE means that ripgrep stopped reading, or has ended.
          if (errno !== "EPIPE" && (code as string) !== "EPIPE" && code !== "CANCELLED")
            this.#failed(named(name, error));
        }
      }),
    );
  }

  /** Closes the files. Idempotent. */
  close(): void {
    this.#closeDirectories();
    this.#feeding.abort();
    this.#handover.close();
    this.#tree.remove();
  }

  #closeDirectories(): void {
    for (const { file } of this.directories) file?.close();
  }

  async #openBatch(batch: readonly FoundFile[]): Promise<void> {
    const opened = await openTogether(batch);
    const rest: Promise<void>[] = [];
    for (const [index, file] of batch.entries()) {
      const one = opened[index];
      if (one === undefined) rest.push(this.#attempt(() => this.#openFound(file), file));
      else if (this.#add(file.name, one, "found")) this.paths.push(file.name);
    }
    await Promise.all(rest);
  }

  async #openFound({ session, path, name, isLinked }: FoundFile): Promise<void> {
    const file = await session.open(path, { noFollow: !isLinked });
    // The file was replaced after the walk.
    if (file.kind !== "file") return file.close();
    // Names pipes explicitly, because ripgrep skips pipes below a directory.
    if (this.#add(name, file, "found")) this.paths.push(name);
  }

  /** Adds a file. Returns true if its content goes through a pipe. */
  #add(name: string, file: OpenFile, how: "named" | "found"): boolean {
    // If a file is named twice, searches it twice, through one descriptor.
    if (this.#names.has(name)) {
      file.close();
      return false;
    }
    this.#names.add(name);
    this.bytes += Number(file.stat.blocks) * 512;
    const isShown = !this.#options.isRaw && (!file.isSeekable || hasColours(file));
    if (!isShown && mayReopen(file)) {
      this.#handover.add({ name, fd: file.fd, close: () => file.close() });
      return false;
    }
    const filter = isShown ? colourFilter() : (bytes: Buffer | undefined) => bytes;
    const { reader, feed } = feedPipe(file, how === "found" && !this.#searchesBinary() ? stopAtNul(filter) : filter);
    this.#feeds.push({ name, feed });
    this.#handover.add({ name, fd: reader.number, close: () => reader.close() });
    return true;
  }

  #searchesBinary(): boolean {
    const set = new FlagSet(this.#options.flags);
    return set.isOn("text", "no-text") || set.isOn("binary", "no-binary") || set.count("unrestricted") > 2;
  }

  async #attempt(action: () => unknown, found?: FoundFile): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (found?.session.ended !== undefined) throw error;
      if (found !== undefined && isGoneProcess(found.path, error)) return;
      this.#failed(error);
    }
  }
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

/**
 * Replaces the hint of the error for a file that reading would consume. Returns other errors
 * unchanged.
 */
export function withCatHint(name: string, error: unknown): unknown {
  return withHint(error, `use porthole cat --consume ${name} | grep PATTERN`);
}

/**
 * True if ripgrep, with this user's permissions, can open the file by the path of the descriptor.
 */
function mayReopen(file: OpenFile): boolean {
  if (file.relayed || file.kind !== "file") return false;
  const { mode, size } = file.stat;
  // The modes of files in /proc are not reliable; these files have the size 0.
  return (size > 0n && (mode & 0o444) === 0o444) || reopenError(file, false) === undefined;
}

function named(name: string, error: unknown): unknown {
  if (!(error instanceof PortholeError) || error.message.includes(name)) return error;
  return new PortholeError(error.code, `${name}: ${error.message.replace(/^[^:]*: /, "")}`, { errno: error.errno });
}
