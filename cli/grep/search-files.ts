import type { ChildProcess, SpawnOptions } from "node:child_process";
import { PortholeError } from "../../src/errors.ts";
import { compareNames, nameOf } from "../../src/files/index.ts";
import { MAX_BATCH } from "../../src/protocol/index.ts";
import { feedPipe, type OpenFile, type Session } from "../../src/sessions/index.ts";
import { withHint } from "../targets/open-target.ts";
import type { NamedTarget, SessionPool } from "../targets/session-pool.ts";
import { reopenError } from "../with/run-tool.ts";
import { type Flag, FlagSet } from "./arguments.ts";
import { colourFilter, hasColours, stopAtNul } from "./colour-filter.ts";
import { DirectoryFiles, type FoundFile, type NamedDirectory } from "./directory-files.ts";
import { Handover } from "./handover.ts";
import { LinkTree } from "./link-tree.ts";

/** Batches under way: the agent opens the next one while this process looks at the last. */
const AT_ONCE = 2;

/** The files of one search: opened by their agents, and given to ripgrep under the targets' names. */
export class SearchFiles {
  /** What ripgrep is to search, in the targets' order. */
  readonly paths: string[] = [];
  /** Bytes of the files on their disks: holes are none. */
  bytes = 0;
  hasDirectory = false;
  /** ripgrep uses several threads for more than one file. */
  get isParallel(): boolean {
    return this.paths.length > 1 || this.hasDirectory;
  }

  readonly #program: string;
  readonly #flags: readonly Flag[];
  /** Bytes are searched, not what a screen would show of them. */
  readonly #isRaw: boolean;
  readonly #failed: (error: unknown) => void;
  readonly #tree: LinkTree;
  readonly #handover: Handover;
  readonly #names = new Set<string>();
  readonly #feeds: { name: string; feed: (signal: AbortSignal) => Promise<void> }[] = [];
  readonly #feeding = new AbortController();

  /**
   * @param names of the targets
   * @param failed hears of files that cannot be opened or read
   */
  constructor(
    { program, flags, isRaw }: { program: string; flags: readonly Flag[]; isRaw: boolean },
    names: readonly string[],
    failed: (error: unknown) => void,
  ) {
    this.#program = program;
    this.#flags = flags;
    this.#isRaw = isRaw;
    this.#failed = failed;
    this.#tree = new LinkTree(names.filter((name) => !name.startsWith("/")));
    this.#handover = new Handover(program, (name, to) => this.#tree.link(name, to));
  }

  /** Opens what the targets name, and below directories what ripgrep would search. */
  async open(targets: readonly NamedTarget[], sessions: SessionPool): Promise<void> {
    const directories: NamedDirectory[] = [];
    for (const { text, target } of targets) {
      // ripgrep opens these by itself: an absolute name cannot be made anew elsewhere.
      if (target.kind === "local" && target.path.startsWith("/")) {
        this.paths.push(text);
        continue;
      }
      await this.#attempt(async () => {
        const session = await sessions.session(target);
        const file = await session.open(target.path).catch((error: unknown) => {
          throw withCatHint(text, error);
        });
        this.paths.push(text);
        if (file.kind !== "directory") return this.#add(text, file, "named");
        file.close();
        directories.push({ session, name: text, path: target.path });
      });
    }
    if (directories.length > 0) await this.#openBelow(directories);
  }

  /** Starts ripgrep where its names lead to the files. */
  start(args: readonly string[], options: SpawnOptions, stdio: readonly (number | "pipe" | "inherit")[]): ChildProcess {
    return this.#handover.start(args, { ...options, cwd: this.#tree.directory }, stdio);
  }

  /** Carries the content of files that ripgrep cannot open, until all is read or {@link close} is called. */
  async feed(): Promise<void> {
    await Promise.all(
      this.#feeds.map(async ({ name, feed }) => {
        try {
          await feed(this.#feeding.signal);
        } catch (error) {
          const { errno, code } = error as PortholeError;
          // ripgrep has read enough of it, or has ended.
          if (errno !== "EPIPE" && (code as string) !== "EPIPE" && code !== "CANCELLED")
            this.#failed(named(name, error));
        }
      }),
    );
  }

  /** Idempotent. */
  close(): void {
    this.#feeding.abort();
    this.#handover.close();
    this.#tree.remove();
  }

  async #openBelow(directories: readonly NamedDirectory[]): Promise<void> {
    this.hasDirectory = true;
    const files = await new DirectoryFiles(this.#tree, this.#flags, this.#failed).find(directories, this.#program);
    // Those of each batch are open beside the ones that wait for ripgrep.
    const left = batches(files, Math.min(MAX_BATCH, Math.ceil(this.#handover.capacity / 4)));
    const work = async () => {
      for (const batch of left) await this.#openBatch(batch);
    };
    const count = this.paths.length;
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    // They were opened as they came.
    this.paths.push(...this.paths.splice(count).sort(compareNames));
  }

  async #openBatch(batch: readonly FoundFile[]): Promise<void> {
    const opened = await openTogether(batch);
    const rest: Promise<void>[] = [];
    for (const [index, file] of batch.entries()) {
      const one = opened[index];
      if (one === undefined) rest.push(this.#attempt(() => this.#openFound(file), file.session));
      else if (this.#add(file.name, one, "found")) this.paths.push(file.name);
    }
    await Promise.all(rest);
  }

  async #openFound({ session, path, name, isLinked }: FoundFile): Promise<void> {
    const file = await session.open(path, { noFollow: !isLinked });
    // Something else by now.
    if (file.kind !== "file") return file.close();
    // Below a directory ripgrep takes regular files only.
    if (this.#add(name, file, "found")) this.paths.push(name);
  }

  /** True for a file whose content comes through a pipe. */
  #add(name: string, file: OpenFile, how: "named" | "found"): boolean {
    // Named twice, searched twice, by the same descriptor.
    if (this.#names.has(name)) {
      file.close();
      return false;
    }
    this.#names.add(name);
    this.bytes += Number(file.stat.blocks) * 512;
    const isShown = !this.#isRaw && (!file.isSeekable || hasColours(file));
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
    const set = new FlagSet(this.#flags);
    return set.isOn("text", "no-text") || set.isOn("binary", "no-binary") || set.count("unrestricted") > 2;
  }

  async #attempt(action: () => unknown, session?: Session): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (session?.ended !== undefined) throw error;
      this.#failed(error);
    }
  }
}

/** Files of one directory in turn, `most` at a time; each that was found through a link is alone. */
function* batches(files: readonly FoundFile[], most: number): Generator<FoundFile[]> {
  let batch: FoundFile[] = [];
  for (const file of files) {
    const [first] = batch;
    if (first && (batch.length >= most || !isBeside(first, file))) {
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

/** What could be opened with one request. */
async function openTogether(batch: readonly FoundFile[]): Promise<(OpenFile | undefined)[]> {
  const [{ session, path, isLinked }] = batch as [FoundFile];
  if (batch.length === 1 || isLinked || session.openMany === undefined) return [];
  try {
    const names = batch.map((file) => nameOf(file.path));
    return await session.openMany(path.slice(0, -(names[0] as string).length), names);
  } catch {
    // Each by itself says why.
    return [];
  }
}

/** The error of a file that is not searched, for reading it takes data away, with another way to do it; any other as it is. */
export function withCatHint(name: string, error: unknown): unknown {
  return withHint(error, `grep does not: porthole cat --consume ${name} | grep PATTERN`);
}

/** Whether ripgrep, with this user's rights, can open the file by the descriptor's path. */
function mayReopen(file: OpenFile): boolean {
  if (file.relayed || file.kind !== "file") return false;
  const { mode, size } = file.stat;
  // Files of /proc have modes that promise too much; they have no size.
  return (size > 0n && (mode & 0o444) === 0o444) || reopenError(file, false) === undefined;
}

function named(name: string, error: unknown): unknown {
  if (!(error instanceof PortholeError) || error.message.includes(name)) return error;
  return new PortholeError(error.code, `${name}: ${error.message.replace(/^[^:]*: /, "")}`, { errno: error.errno });
}
