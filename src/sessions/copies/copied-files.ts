import { constants } from "node:fs";
import type { TarEntry } from "../../engines/layers/tar-reader.ts";
import { PortholeError } from "../../errors.ts";
import type { FileStat } from "../../protocol/file-stat.ts";
import { pathBytes } from "../../target.ts";

/** Maximum number of cached files. A file takes about 500 bytes of memory. */
const MAX_FILES = 100_000;

/** Cache of the contents of a container's archives, so that each directory is read once. */
export class CopiedFiles {
  readonly #max: number;
  /** Single files. */
  #files = new Map<string, TarEntry>();
  /** Complete lists, by directory. */
  #directories = new Map<string, Map<string, TarEntry>>();
  #count = 0;

  /** @param max maximum number of files */
  constructor(max = MAX_FILES) {
    this.#max = max;
  }

  add(path: string, entry: TarEntry): void {
    if (this.#files.size >= this.#max) this.#files.clear();
    this.#files.set(path, entry);
  }

  /** The cached entry of a path; undefined if there is none. */
  file(path: string): TarEntry | undefined {
    const slash = path.lastIndexOf("/");
    return this.#files.get(path) ?? this.#directories.get(path.slice(0, slash) || "/")?.get(path.slice(slash + 1));
  }

  /** The complete list of a directory; undefined if it is not cached. */
  children(directory: string): ReadonlyMap<string, TarEntry> | undefined {
    return this.#directories.get(directory);
  }

  /**
   * Caches the members of a directory's archive. Evicts other directories if there are too many
   * files, then everything below the directory's own entries.
   */
  tree(directory: string): { add(entry: TarEntry): void; end(): ReadonlyMap<string, TarEntry> } {
    const own = new Map<string, TarEntry>();
    let below: Map<string, Map<string, TarEntry>> | undefined = new Map([[directory, own]]);
    const byPath = new Map<string, TarEntry>();
    let count = 0;
    const add = (member: TarEntry) => {
      // The first part is the directory's own name, which is empty for `/`.
      const [, ...parts] = member.path.replace(/\/+$/, "").split("/");
      const name = parts.pop();
      if (name === undefined || name === "" || name === "." || name === "..") return;
      if (below === undefined && parts.length > 0) return;
      if (++count > this.#max) {
        below = undefined;
        byPath.clear();
        count = own.size + 1;
        if (parts.length > 0) return;
        if (count > this.#max)
          throw new PortholeError("FILE", `more than ${this.#max} files`, {
            errno: "EFBIG",
            hint: "name single files",
          });
      }
      const entry = member.sameAs === "" ? member : { ...(byPath.get(member.sameAs) ?? member), path: member.path };
      if (below === undefined) {
        own.set(name, entry);
        return;
      }
      byPath.set(member.path, entry);
      const parent = [directory === "/" ? "" : directory, ...parts].join("/") || "/";
      listOf(below, parent).set(name, entry);
      if ((entry.mode & constants.S_IFMT) === constants.S_IFDIR)
        listOf(below, parent === "/" ? `/${name}` : `${parent}/${name}`);
    };
    const end = () => {
      this.#keep(below ?? new Map([[directory, own]]), count);
      return own;
    };
    return { add, end };
  }

  #keep(found: Map<string, Map<string, TarEntry>>, count: number): void {
    if (this.#count + count > this.#max) {
      this.#directories = new Map();
      this.#count = 0;
    }
    for (const [directory, files] of found) this.#directories.set(directory, files);
    this.#count += count;
  }
}

function listOf(all: Map<string, Map<string, TarEntry>>, directory: string): Map<string, TarEntry> {
  const list = all.get(directory) ?? new Map<string, TarEntry>();
  all.set(directory, list);
  return list;
}

/**
 * The stat of an archive's member. Archives have no inodes: a hash of path, time and size replaces
 * it.
 */
export function statOfEntry(path: string, entry: TarEntry): FileStat {
  const { mode, uid, gid, mtime, link } = entry;
  const size = link === "" ? BigInt(entry.size) : BigInt(pathBytes(link).length);
  return {
    ...{ mode, uid, gid, size, links: 1, blocks: (size + 511n) / 512n, inode: inodeOf(path, entry) },
    ...{ device: { major: 0, minor: 0 }, rdev: entry.device, mountId: 0n, relayed: false },
    ...{ atime: mtime, mtime, ctime: mtime, btime: undefined },
  };
}

/** Uses FNV-1a twice, for 53 bits. */
function inodeOf(path: string, { mtime, size }: TarEntry): bigint {
  const text = `${path}\0${mtime}\0${size}`;
  const [low, high] = [hash(text, 0x811c9dc5), hash(text, 0x01000193)];
  return (BigInt(high & 0x1f_ffff) << 32n) | BigInt(low);
}

function hash(text: string, seed: number): number {
  let value = seed;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

/** `d_type` of getdents64(2). */
export function directoryTypeOf({ mode }: TarEntry): number {
  return (mode & constants.S_IFMT) >> 12;
}
