import { DT_DIR, DT_LNK, DT_REG } from "../descriptors/constants.ts";
import { PortholeError } from "../errors.ts";
import type { FileStat } from "../protocol/file-stat.ts";
import type { OpenFile } from "../sessions/interface/open-file.ts";
import type { Session } from "../sessions/interface/session.ts";
import { isPseudo, type Mount, parseMounts } from "./mounts.ts";
import { walk } from "./walk.ts";

/** Totals of a path and everything below it. */
export interface Usage {
  /** Bytes of content: regular files and links. */
  size: bigint;
  /** Bytes of allocated storage, directories included. */
  allocated: bigint;
  files: number;
  directories: number;
}

/**
 * Adds up sizes like du(1): a file with several names or mount points counts once, for all paths of
 * one counter.
 */
export class UsageCounter {
  readonly #session: Session;
  readonly #limit: number;
  #mounts: Promise<{ pseudo: Set<string>; roots: Set<string> }> | undefined;
  /** Device and inode of files with several names, and of mounted directories. */
  readonly #seen = new Set<string>();
  #isFull = false;

  /**
   * `limit`: maximum number of stored files with several names, of about 100 bytes each. Above it,
   * each name counts.
   */
  constructor(session: Session, limit = LIMIT) {
    this.#session = session;
    this.#limit = limit;
  }

  /**
   * Usage of a path. Includes mounts below it, except kernel file systems (/proc, /sys) unless
   * `path` is in one.
   * @param failed receives errors of files; without it the first such error is thrown
   * @param onProgress receives intermediate totals
   * @throws PortholeError FILE for the path itself, and E2BIG beyond the limit; SESSION
   */
  async of(
    path: string,
    failed?: (error: PortholeError) => void,
    onProgress?: (usage: Readonly<Usage>) => void,
  ): Promise<Usage> {
    this.#mounts ??= this.#readMounts();
    const { pseudo, roots } = await this.#mounts;
    const usage: Usage = { size: 0n, allocated: 0n, files: 0, directories: 0 };
    let startDevice = "";
    // The walk calls `enter` right after yielding each directory.
    let isEntered = false;
    const options = { stat: true, enter: () => isEntered, ...(failed && { failed }) };
    for await (const { stat, depth, type } of walk(this.#session, path, options)) {
      isEntered = false;
      if (stat === undefined) continue;
      if (depth === 0) {
        startDevice = deviceOf(stat);
        // Counts the directory once, even if it is mounted below itself.
        roots.add(inodeKey(stat));
      }
      if (pseudo.has(deviceOf(stat)) && deviceOf(stat) !== startDevice) continue;
      if (this.#isSeen(stat, type, roots, failed)) continue;
      isEntered = true;
      if (type === DT_DIR) usage.directories++;
      else usage.files++;
      if (type === DT_REG || type === DT_LNK) usage.size += stat.size;
      usage.allocated += stat.blocks * 512n;
      if ((usage.files + usage.directories) % PROGRESS_STEP === 0) onProgress?.(usage);
    }
    return usage;
  }

  /** True for a file of a kernel file system, such as /proc: its size is not storage. */
  async isKernel(stat: Pick<FileStat, "device">): Promise<boolean> {
    this.#mounts ??= this.#readMounts();
    return (await this.#mounts).pseudo.has(deviceOf(stat));
  }

  #isSeen(stat: FileStat, type: number, roots: Set<string>, failed?: (error: PortholeError) => void): boolean {
    const identity = inodeKey(stat);
    const mayRepeat = roots.has(identity) || (type !== DT_DIR && stat.links > 1);
    if (!mayRepeat) return false;
    if (this.#seen.has(identity)) return true;
    if (this.#seen.size < this.#limit) this.#seen.add(identity);
    else if (!this.#isFull) this.#reportFull(failed);
    return false;
  }

  #reportFull(failed: (error: PortholeError) => void = thrown): void {
    this.#isFull = true;
    const what = `more than ${this.#limit} files with several names: counting each name from here on`;
    failed(new PortholeError("FILE", what, { errno: "E2BIG" }));
  }

  async #readMounts(): Promise<{ pseudo: Set<string>; roots: Set<string> }> {
    const mounts = await mountsOf(this.#session);
    const pseudo = pseudoOf(mounts);
    const roots = new Set<string>();
    for (const mount of mounts) {
      // The walk does not reach a mount that is hidden or inaccessible either.
      const stat = isPseudo(mount) ? undefined : await this.#session.stat(mount.point).catch(() => undefined);
      if (stat !== undefined) roots.add(inodeKey(stat));
    }
    return { pseudo, roots };
  }
}

/**
 * Returns the target's mount table. Throws FILE if unreadable; EFBIG above 16 MiB, because the
 * target controls its length.
 */
export async function mountsOf(session: Session): Promise<Mount[]> {
  await using file = await session.mounts();
  const mounts = parseMounts(await contentOf(file));
  return session.offline === "image" ? mounts.map((mount) => ({ ...mount, isOfImage: true })) : mounts;
}

/**
 * Devices (`major:minor`) of the target's file systems whose content the kernel generates, such as
 * /proc. Throws as {@link mountsOf}.
 */
export async function pseudoDevices(session: Session): Promise<Set<string>> {
  return pseudoOf(await mountsOf(session));
}

function pseudoOf(mounts: readonly Mount[]): Set<string> {
  return new Set(mounts.filter(isPseudo).map(deviceOf));
}

async function contentOf(file: OpenFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of file.stream()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_TABLE)
      throw new PortholeError("FILE", `mount table too long: more than ${MAX_TABLE >> 20} MiB`, { errno: "EFBIG" });
  }
  return Buffer.concat(chunks);
}

/**
 * Maximum bytes of a mount table: the kernel's default limit of 100,000 mounts (fs.mount-max), with
 * fairly long paths.
 */
const MAX_TABLE = 16 * 1024 * 1024;

const LIMIT = 4_194_304;
/** Number of files between two calls of the progress listener. */
const PROGRESS_STEP = 64;

function thrown(error: PortholeError): never {
  throw error;
}

/** `major:minor` of a mount's or a file's device. */
export function deviceOf({ device }: { device: { major: number; minor: number } }): string {
  return `${device.major}:${device.minor}`;
}

/** Device and inode: the same for all names of a file. */
export function inodeKey(stat: FileStat): string {
  return `${deviceOf(stat)}:${stat.inode}`;
}
