import { PortholeError } from "../errors.ts";
import type { FileFacts } from "../protocol/facts.ts";
import type { OpenFile } from "../sessions/open-file.ts";
import type { Session } from "../sessions/session.ts";
import { isPseudo, type Mount, parseMounts } from "./mounts.ts";
import { DT_DIR, DT_LNK, walk } from "./walk.ts";

/** What is at a path and below it, together. */
export interface Usage {
  /** Bytes of the contents: regular files and links. */
  size: bigint;
  /** Bytes that they take up with their directories. */
  allocated: bigint;
  files: number;
  directories: number;
}

/** Adds up sizes as du(1) does: what has several names or mount points is counted where it is met first, for all paths asked of one object. */
export class UsageCounter {
  readonly #session: Session;
  readonly #limit: number;
  #mounts: Promise<{ pseudo: Set<string>; roots: Set<string> }> | undefined;
  /** Files with several names, and directories that are mounted somewhere: device and inode. */
  readonly #seen = new Set<string>();
  #isFull = false;

  /** `limit`: files with several names that are remembered, some 100 bytes each. A tree that claims more is counted on, by names. */
  constructor(session: Session, limit = LIMIT) {
    this.#session = session;
    this.#limit = limit;
  }

  /**
   * Usage of a path. Mounts below it count, except file systems that the kernel makes up (/proc, /sys), unless `path` is in one.
   * @param failed hears of what could not be looked at; without it the first such error is thrown.
   * @param onProgress hears now and then what has been added up so far
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
    // Of each directory the walk asks at once whether to enter it.
    let isEntered = false;
    const options = { facts: true, enter: () => isEntered, ...(failed && { failed }) };
    for await (const { facts, depth, type } of walk(this.#session, path, options)) {
      isEntered = false;
      if (facts === undefined) continue;
      if (depth === 0) {
        startDevice = deviceOf(facts);
        // Not counted again where it is mounted below itself.
        roots.add(identityOf(facts));
      }
      if (pseudo.has(deviceOf(facts)) && deviceOf(facts) !== startDevice) continue;
      if (this.#isSeen(facts, type, roots, failed)) continue;
      isEntered = true;
      if (type === DT_DIR) usage.directories++;
      else usage.files++;
      if (type === DT_REG || type === DT_LNK) usage.size += facts.size;
      usage.allocated += facts.blocks * 512n;
      if ((usage.files + usage.directories) % PROGRESS_STEP === 0) onProgress?.(usage);
    }
    return usage;
  }

  #isSeen(facts: FileFacts, type: number, roots: Set<string>, failed?: (error: PortholeError) => void): boolean {
    const identity = identityOf(facts);
    const mayComeAgain = roots.has(identity) || (type !== DT_DIR && facts.links > 1);
    if (!mayComeAgain) return false;
    if (this.#seen.has(identity)) return true;
    if (this.#seen.size < this.#limit) this.#seen.add(identity);
    else if (!this.#isFull) this.#tell(failed);
    return false;
  }

  #tell(failed: (error: PortholeError) => void = thrown): void {
    this.#isFull = true;
    const what = `more than ${this.#limit} files with several names: from here on each name is counted`;
    failed(new PortholeError("FILE", what, { errno: "E2BIG" }));
  }

  async #readMounts(): Promise<{ pseudo: Set<string>; roots: Set<string> }> {
    const mounts = await mountsOf(this.#session);
    const pseudo = new Set(mounts.filter(isPseudo).map(deviceOf));
    const roots = new Set<string>();
    for (const mount of mounts) {
      // What hides under another mount, or is not the user's to see, will not be met in the walk either.
      const facts = isPseudo(mount) ? undefined : await this.#session.stat(mount.point).catch(() => undefined);
      if (facts !== undefined) roots.add(identityOf(facts));
    }
    return { pseudo, roots };
  }
}

/** The target's mount table. Throws FILE where it cannot be read; EFBIG where it has more than 16 MiB, for its target decides how long it is. */
export async function mountsOf(session: Session): Promise<Mount[]> {
  const file = await session.mounts();
  try {
    return parseMounts(await contentOf(file));
  } finally {
    file.close();
  }
}

async function contentOf(file: OpenFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of file.stream()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MOST_OF_TABLE)
      throw new PortholeError("FILE", `the mount table is longer than ${MOST_OF_TABLE >> 20} MiB`, { errno: "EFBIG" });
  }
  return Buffer.concat(chunks);
}

/** 100,000 mounts, the kernel's own limit for a mount namespace (fs.mount-max), with paths of some length. */
const MOST_OF_TABLE = 16 * 1024 * 1024;

const DT_REG = 8;
const LIMIT = 4_194_304;
/** Files between two calls of a progress listener. */
const PROGRESS_STEP = 64;

function thrown(error: PortholeError): never {
  throw error;
}

function deviceOf({ device }: { device: { major: number; minor: number } }): string {
  return `${device.major}:${device.minor}`;
}

function identityOf(facts: FileFacts): string {
  return `${deviceOf(facts)}:${facts.inode}`;
}
