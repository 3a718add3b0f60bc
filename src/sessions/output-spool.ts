import { constants, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { O_TMPFILE_BIT } from "../descriptors/constants.ts";
import { OwnedFd } from "../descriptors/owned-fd.ts";
import { type OutputEvent, OutputFollower } from "../engines/follow-output.ts";
import { outputContainer } from "../engines/logs.ts";
import { PortholeError } from "../errors.ts";
import type { FileStat } from "../protocol/file-stat.ts";
import type { OutputPath } from "../target.ts";
import { OpenFile } from "./open-file.ts";

/** Maximum bytes of one container's output that are kept on disk. */
const MAX_BYTES = 4 * 1024 ** 3;
/** Milliseconds that {@link OutputSpool.open} waits for what there is already. */
const FIRST_MS = 500;
/** Bytes written at once. */
const BATCH = 256 * 1024;

/** What a spool reports besides the output itself. */
export type SpoolEvent = Exclude<OutputEvent, { kind: "record" }> | { kind: "full"; error: PortholeError };

/**
 * A container's own output as a file that grows: an unnamed temporary file (in TMPDIR, else
 * /var/tmp), which this process fills, across restarts and recreation of the container. It has
 * positions, so it scrolls in both directions without being held in memory.
 */
export class OutputSpool {
  /** The caller closes the spool, not this file. */
  readonly file: OpenFile;
  readonly #fd: OwnedFd;
  readonly #abort = new AbortController();
  readonly #follower: OutputFollower;
  readonly #tell: (event: SpoolEvent) => void;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #written = 0;

  private constructor(name: string, path: OutputPath, follower: OutputFollower, tell: (event: SpoolEvent) => void) {
    const fd = temporaryFile();
    this.#fd = fd;
    this.#follower = follower;
    this.#tell = tell;
    this.file = new OpenFile(`${name}:${path}`, fd, () => statOf(fd));
  }

  /**
   * Resolves when the output that there is was read, or after half a second.
   * @throws PortholeError TARGET as {@link outputContainer}; FILE if no temporary file can be made
   */
  static async open(
    name: string,
    path: OutputPath,
    options: { engine: string | undefined; tell(event: SpoolEvent): void },
  ): Promise<OutputSpool> {
    const { engine, tell } = options;
    const container = await outputContainer(name, engine);
    const spool = new OutputSpool(name, path, new OutputFollower(container, name, engine, path), tell);
    const existing = spool.#readExisting();
    void existing.then(() => spool.#follow());
    await Promise.race([existing, setTimeout(FIRST_MS)]);
    return spool;
  }

  close(): void {
    this.#abort.abort();
    this.file.close();
  }

  async #readExisting(): Promise<void> {
    const { signal } = this.#abort;
    try {
      for await (const { bytes } of this.#follower.existing({ signal })) this.#add(bytes);
      this.#flush();
    } catch (error) {
      // The follow starts where this ended.
      if (!(error instanceof PortholeError)) throw error;
      if (!signal.aborted) this.#tell({ kind: "unreachable", error });
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#abort;
    for await (const event of this.#follower.follow(true, signal)) {
      if (signal.aborted) return;
      if (event.kind === "record") this.#add(event.record.bytes, true);
      else {
        this.#flush();
        this.#tell(event);
      }
    }
  }

  #add(bytes: Buffer, isLive = false): void {
    if (this.#abort.signal.aborted) return;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= BATCH) this.#flush();
    // Records of one answer come together.
    else if (isLive && this.#pending.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    if (this.#pendingBytes === 0 || this.#abort.signal.aborted) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      if (this.#written + bytes.length > MAX_BYTES) throw new PortholeError("FILE", "4 GiB are kept at most");
      // pwrite(2): SEEK_DATA of a reader moves the shared offset.
      for (let at = 0; at < bytes.length; )
        at += writeSync(this.#fd.number, bytes, at, bytes.length - at, this.#written + at);
      this.#written += bytes.length;
    } catch (error) {
      this.#abort.abort();
      this.#tell({ kind: "full", error: asFileError(error) });
    }
  }
}

function temporaryFile(): OwnedFd {
  const directory = process.env.TMPDIR || "/var/tmp";
  const flags = constants.O_RDWR | constants.O_DIRECTORY | O_TMPFILE_BIT;
  try {
    return OwnedFd.adopt(openSync(directory, flags, 0o600));
  } catch (error) {
    if (!UNSUPPORTED.has((error as NodeJS.ErrnoException).code ?? "")) throw asFileError(error);
  }
  try {
    const own = mkdtempSync(`${directory}/porthole-`);
    try {
      return OwnedFd.adopt(openSync(`${own}/output`, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600));
    } finally {
      rmSync(own, { recursive: true });
    }
  } catch (error) {
    throw asFileError(error);
  }
}

/** File systems and kernels without O_TMPFILE (open(2)). */
const UNSUPPORTED = new Set(["EOPNOTSUPP", "ENOTSUP", "EISDIR", "EINVAL"]);

function asFileError(error: unknown): PortholeError {
  if (error instanceof PortholeError) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  return new PortholeError("FILE", `no room for a container's output on this machine: ${message}`, {
    errno: code,
    cause: error,
    hint: "set TMPDIR to a directory with free space",
  });
}

function statOf(fd: OwnedFd): FileStat {
  const stat = fstatSync(fd.number, { bigint: true });
  const device = { major: Number(stat.dev >> 8n), minor: Number(stat.dev & 0xffn) };
  return {
    ...{ mode: Number(stat.mode), links: 1, uid: Number(stat.uid), gid: Number(stat.gid), size: stat.size },
    ...{ blocks: stat.blocks, inode: stat.ino, device, rdev: { major: 0, minor: 0 }, mountId: 0n, relayed: false },
    ...{ atime: stat.atimeNs, mtime: stat.mtimeNs, ctime: stat.ctimeNs, btime: stat.birthtimeNs },
  };
}
