import { PortholeError } from "../../src/errors.ts";
import { MAX_BATCH } from "../../src/protocol/index.ts";
import { feedPipe, type OpenFile } from "../../src/sessions/index.ts";
import { unlessDirectory } from "../targets/open-target.ts";
import type { NamedTarget, SessionPool } from "../targets/session-pool.ts";
import { reopenError } from "../with/reopen-error.ts";
import { type Flag, FlagSet } from "./arguments.ts";
import { withCatHint } from "./cat-hint.ts";
import { colourFilter, hasColours, stopAtNul } from "./colour-filter.ts";
import { Handover } from "./handover.ts";
import { LinkTree } from "./link-tree.ts";
import { onPath } from "./program-file.ts";
import type { Ripgrep, RipgrepOptions } from "./ripgrep.ts";
import type { OpenDirectory } from "./tree-search.ts";

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
  /** --search-zip: ripgrep runs programs on files of certain names. */
  readonly #decompresses: boolean;

  /**
   * @param names of the targets
   * @param failed receives errors of files that cannot be opened or read
   */
  constructor(options: SearchOptions, names: readonly string[], failed: (error: unknown) => void) {
    this.#options = options;
    this.#decompresses = new FlagSet(options.flags).isOn("search-zip", "no-search-zip");
    this.#failed = failed;
    this.#tree = new LinkTree(names.filter((name) => !name.startsWith("/")));
    this.#handover = new Handover(options.program, (name, to) => this.#tree.link(name, to));
  }

  /** Opens the targets. */
  async open(targets: readonly NamedTarget[], sessions: Pick<SessionPool, "session">): Promise<void> {
    for (const { text, target } of targets) {
      // The link tree cannot contain absolute paths, so ripgrep opens them itself, as it reads "-",
      // its standard input.
      if (target.kind === "local" && (target.path.startsWith("/") || text === "-")) {
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
    // Loaded here, because few searches need them.
    const [{ DirectoryFiles }, { openBatches }] = await Promise.all([
      import("./directory-files.ts"),
      import("./batches.ts"),
    ]);
    const files = await new DirectoryFiles(this.#tree, this.#options, this.#failed).find(named, program);
    const piped = await openBatches(files, {
      // Reserves descriptors: the files of the current batches are open in addition to those that
      // wait for ripgrep.
      maxFiles: Math.min(MAX_BATCH, Math.ceil(this.#handover.capacity / 4)),
      add: (name, file) => this.#add(name, file, "found"),
      failed: this.#failed,
      signal,
    });
    // Names pipes explicitly, because ripgrep skips pipes below a directory.
    this.paths.push(...piped);
  }

  /** Starts ripgrep in the directory of the links. */
  start(args: readonly string[], options: Omit<RipgrepOptions, "directory">): Ripgrep {
    return this.#handover.start(args, { ...options, directory: this.#tree.directory, path: this.#searchPath() });
  }

  /**
   * Returns a PATH with a zstd that reads links, for --search-zip: zstd(1) skips links without -f.
   * Undefined if the search does not run zstd.
   */
  #searchPath(): string | undefined {
    const zstd =
      this.#decompresses && [...this.#names].some((name) => /\.zstd?$/.test(name)) ? onPath("zstd") : undefined;
    if (zstd === undefined) return undefined;
    const quoted = `'${zstd.replaceAll("'", "'\\''")}'`;
    return `${this.#tree.program("zstd", `exec ${quoted} -f "$@"`)}:${process.env.PATH}`;
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
    // Without a pipe, an abort would only take time.
    if (this.#feeds.length > 0) this.#feeding.abort();
    this.#handover.close();
    this.#tree.remove();
  }

  #closeDirectories(): void {
    for (const { file } of this.directories) file?.close();
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
    // A filter would damage what a program decompresses.
    const isCompressed = this.#decompresses && COMPRESSED.test(name);
    const isShown = !this.#options.isRaw && !isCompressed && (!file.isSeekable || hasColours(file));
    if (!isShown && mayReopen(file)) {
      this.#handover.add({ name, fd: file.fd, close: () => file.close() });
      return false;
    }
    const isTextOnly = how === "found" && !isCompressed && !this.#searchesBinary();
    const filter = isShown ? colourFilter() : (bytes: Buffer | undefined) => bytes;
    const { reader, feed } = feedPipe(file, isTextOnly ? stopAtNul(filter) : filter);
    this.#feeds.push({ name, feed });
    this.#handover.add({ name, fd: reader.number, close: () => reader.close() });
    return true;
  }

  #searchesBinary(): boolean {
    const set = new FlagSet(this.#options.flags);
    return set.isOn("text", "no-text") || set.isOn("binary", "no-binary") || set.count("unrestricted") > 2;
  }

  async #attempt(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#failed(error);
    }
  }
}

/** Names of compressed files, as ripgrep knows them. */
const COMPRESSED = /\.(gz|tgz|bz2|tbz2|xz|txz|lz4|lzma|br|zstd?|Z)$/;

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
