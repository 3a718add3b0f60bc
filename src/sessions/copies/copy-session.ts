import { constants } from "node:fs";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { readable } from "../../descriptors/poll.ts";
import { containerArchive } from "../../engines/layers/container-archive.ts";
import type { MissingPath } from "../../engines/layers/layers.ts";
import type { TarEntry, TarPart } from "../../engines/layers/tar-reader.ts";
import { PortholeError } from "../../errors.ts";
import type { FileStat } from "../../protocol/file-stat.ts";
import { NoOfflineRouteError, type OfflineTarget } from "../../routes/offline/offline-target.ts";
import { followLinks, MAX_LINKS } from "../interface/follow-links.ts";
import { missingHint, reasonMissing } from "../interface/missing-path.ts";
import { OpenFile } from "../interface/open-file.ts";
import type { DirectoryEntry, OpenOptions, Session } from "../interface/session.ts";
import { temporaryFile } from "../interface/temporary-file.ts";
import { copyFromArchive } from "./copied-file.ts";
import { CopiedFiles, directoryTypeOf, statOfEntry } from "./copied-files.ts";

/** A file or link of the container, and its path without `.`, `..` and a final link. */
interface Located {
  path: string;
  entry: TarEntry;
}

/**
 * Opens a copy if no route leads to the layers of a stopped container of Docker or Podman.
 * @param failure why no agent could be started
 * @throws `failure` if the engine provides no copy; PortholeError as {@link CopySession.open}
 */
export async function openCopy(
  name: string,
  failure: PortholeError,
  signal: AbortSignal | undefined,
): Promise<CopySession> {
  if (!(failure instanceof NoOfflineRouteError) || !hasArchive(failure.files)) throw failure;
  return CopySession.open(name, failure.files, failure.message, signal);
}

function hasArchive({ engine, generation }: OfflineTarget): boolean {
  return !engine.isCri && generation.startsWith("stopped");
}

/**
 * The files of a stopped container, copied by its engine. Used only if no agent can read the
 * layers. An open copies the file into an unnamed file (see {@link temporaryFile}); listing a
 * directory reads all files below it. Leaves no files behind.
 */
class CopySession implements Session {
  readonly name: string;
  readonly route = "copy";
  readonly fresh = true;
  readonly instance: string;
  readonly agent = undefined;
  readonly offline = "stopped";
  readonly whyCopied: string;
  readonly noEvents: string | undefined;
  readonly #files: OfflineTarget;
  readonly #absent: readonly MissingPath[];
  readonly #known = new CopiedFiles();
  readonly #closed = new AbortController();
  #ended: PortholeError | undefined;

  private constructor(name: string, files: OfflineTarget, absent: readonly MissingPath[], why: string) {
    this.name = name;
    this.#files = files;
    this.#absent = absent;
    this.whyCopied = why;
    this.noEvents = files.noEvents;
    // Uses the format of an agent's file name: the first part identifies the container.
    this.instance = `${files.identity.slice(0, 16)}.copy..${files.generation}`;
  }

  /**
   * @param why the reason why no agent reads the files
   * @throws PortholeError TARGET, CANCELLED; ATTACH if the container has changed
   */
  static async open(
    name: string,
    files: OfflineTarget,
    why: string,
    signal: AbortSignal | undefined,
  ): Promise<CopySession> {
    const witness = await files.witness(signal);
    try {
      const session = new CopySession(name, files, (await files.layers(signal)).absent, why);
      if (witness !== undefined) void session.#endAt(witness);
      return session;
    } catch (error) {
      witness?.close();
      throw error;
    }
  }

  async open(path: string, options: OpenOptions = {}): Promise<OpenFile> {
    const what = this.#cannot("open", path);
    if (options.write) throw fileError(what, "EROFS", "Read-only file system");
    let at = await this.#plain(path, true);
    for (let links = 0; ; links++) {
      const found = await this.#explained(what, path, () => copyFromArchive(this.#archive(at), at, path));
      if (found instanceof OpenFile) return found;
      if (options.noFollow || links === MAX_LINKS) throw fileError(what, "ELOOP", "Too many levels of symbolic links");
      at = await this.#behind({ path: at, entry: found });
    }
  }

  async stat(path: string, options: { noFollow?: boolean | undefined } = {}): Promise<FileStat> {
    const { path: at, entry } = await this.#locate("stat", path, options.noFollow === true);
    return statOfEntry(at, entry);
  }

  async readlink(path: string): Promise<string> {
    const { entry } = await this.#locate("read the link", path, true);
    if (!isLink(entry)) throw fileError(this.#cannot("read the link", path), "EINVAL", "Invalid argument");
    return entry.link;
  }

  async *list(path: string, options: { stat?: boolean } = {}): AsyncGenerator<DirectoryEntry> {
    const what = this.#cannot("list", path);
    const { path: at, entry } = await this.#locate("list", path, false);
    if (!isDirectory(entry)) throw fileError(what, "ENOTDIR", "Not a directory");
    const below = this.#known.children(at) ?? (await this.#explained(what, path, () => this.#readTree(at)));
    for (const [name, child] of below) {
      yield {
        name,
        type: directoryTypeOf(child),
        stat: options.stat ? statOfEntry(at === "/" ? `/${name}` : `${at}/${name}`, child) : undefined,
        link: options.stat && isLink(child) ? child.link : undefined,
        errno: undefined,
      };
    }
  }

  whyMissing(path: string): string | undefined {
    return reasonMissing(this.#absent, path);
  }

  async layer(): Promise<undefined> {
    return undefined;
  }

  processes(): AsyncIterable<never> {
    const error = new PortholeError("TARGET", `'${this.name}' has no processes: the container is not running`, {
      errno: "ESRCH",
    });
    return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
  }

  openProcessFile(pid: number, fd: number): Promise<OpenFile> {
    return this.open(`/proc/${pid}/fd/${fd}`);
  }

  /** Returns an empty table, because an archive has no mounts. */
  async mounts(): Promise<OpenFile> {
    const fd = temporaryFile("a mount table");
    return new OpenFile("/proc/self/mountinfo", fd, EMPTY);
  }

  /** No file changes until the session ends. */
  async watch(path: string): Promise<() => void> {
    await this.#locate("watch", path, false);
    return () => undefined;
  }

  readEvents(): void {}

  get ended(): PortholeError | undefined {
    return this.#ended;
  }

  close(): void {
    this.#closed.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Takes ownership of the witness. */
  async #endAt(witness: OwnedFd): Promise<void> {
    try {
      await readable(witness, { signal: this.#closed.signal });
      const text = `the container of '${this.name}' was started, changed or removed`;
      this.#ended = new PortholeError("SESSION", text, { hint: "run the command again" });
    } catch {
      // The session was closed.
    } finally {
      witness.close();
    }
  }

  #archive(path: string): AsyncGenerator<TarPart> {
    if (this.#ended !== undefined) throw this.#ended;
    return containerArchive(this.#files.engine, this.#files.identity, path, this.#closed.signal);
  }

  /** Finds a file. With `noFollow`, finds a final link itself. */
  async #locate(verb: string, path: string, noFollow: boolean): Promise<Located> {
    const what = this.#cannot(verb, path);
    const follows = !noFollow || /\/\.?$/.test(path);
    return this.#explained(what, path, async () => {
      let at = await this.#plain(path, follows);
      for (let links = 0; ; links++) {
        const entry = this.#known.file(at) ?? (await this.#first(at));
        if (!isLink(entry) || !follows) return { path: at, entry };
        if (links === MAX_LINKS) throw fileError(what, "ELOOP", "Too many levels of symbolic links");
        at = await this.#behind({ path: at, entry });
      }
    });
  }

  /** Returns the path that a link points to. */
  #behind({ path, entry }: Located): Promise<string> {
    const target = entry.link.startsWith("/") ? entry.link : `${path.replace(/[^/]*$/, "")}${entry.link}`;
    return this.#plain(target, true);
  }

  /**
   * Returns the path without `.`, `..` and empty parts. The engine resolves links before the last
   * part, but interprets `..` as text.
   */
  async #plain(path: string, follows: boolean): Promise<string> {
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    if (!parts.includes("..")) return `/${parts.join("/")}`;
    const last = follows ? undefined : parts.pop();
    const readlink = async (at: string) => {
      const entry = this.#known.file(at) ?? (await this.#first(at));
      if (!isLink(entry)) throw fileError(at, "EINVAL", "Invalid argument");
      return entry.link;
    };
    const above = await followLinks(`/${parts.join("/")}`, readlink);
    if (last === undefined || last === "..") return last === undefined ? above : above.replace(/\/[^/]*$/, "") || "/";
    return `${above === "/" ? "" : above}/${last}`;
  }

  /** Returns the first member of the archive of a path, which is the path itself. */
  async #first(path: string): Promise<TarEntry> {
    for await (const part of this.#archive(path)) {
      if (!("entry" in part)) break;
      this.#known.add(path, part.entry);
      return part.entry;
    }
    throw new PortholeError("FILE", "No such file or directory", { errno: "ENOENT" });
  }

  async #readTree(path: string): Promise<ReadonlyMap<string, TarEntry>> {
    const tree = this.#known.tree(path);
    for await (const part of this.#archive(path === "/" ? "/" : `${path}/`)) if ("entry" in part) tree.add(part.entry);
    return tree.end();
  }

  /** Adds to an error about a file the failed operation, and the reason if the file is missing. */
  async #explained<T>(what: string, path: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof PortholeError) || error.code !== "FILE" || error.message.startsWith(what)) throw error;
      const why = error.errno === "ENOENT" ? this.whyMissing(path) : undefined;
      throw new PortholeError("FILE", `${what}: ${error.message}`, {
        errno: error.errno,
        hint: why === undefined ? error.hint : missingHint(why),
        cause: error,
      });
    }
  }

  #cannot(verb: string, path: string): string {
    const shown = path.length > 300 ? `${path.slice(0, 300)}...` : path;
    return `cannot ${verb} ${this.name}:${shown}`;
  }
}

function fileError(what: string, errno: string, text: string): PortholeError {
  return new PortholeError("FILE", `${what}: ${text}`, { errno });
}

function isLink({ mode }: TarEntry): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFLNK;
}

function isDirectory({ mode }: TarEntry): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFDIR;
}

const NO_DEVICE = { major: 0, minor: 0 };

const EMPTY: FileStat = {
  ...{ mode: constants.S_IFREG | 0o400, links: 0, uid: 0, gid: 0, size: 0n, blocks: 0n, inode: 0n },
  ...{ device: NO_DEVICE, rdev: NO_DEVICE, mountId: 0n, atime: 0n, mtime: 0n, ctime: 0n, btime: 0n, relayed: false },
};
