import { writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import type { OutputContainer } from "../../engines/containers/output-record.ts";
import { type OutputEvent, OutputFollower } from "../../engines/output/follow-output.ts";
import { outputContainer } from "../../engines/output/logs.ts";
import { PortholeError } from "../../errors.ts";
import type { OutputPath } from "../../target.ts";
import { OpenFile } from "../interface/open-file.ts";
import { temporaryFile, temporaryFileError, temporaryStat } from "../interface/temporary-file.ts";

/** Maximum bytes of one container's output that are kept on disk. */
const MAX_BYTES = 4 * 1024 ** 3;
/** Milliseconds that {@link OutputSpool.open} waits for existing output. */
const FIRST_MS = 500;
const PURPOSE = "a container's output";
/** Bytes that are written at once. */
const BATCH = 256 * 1024;

/** Events of a spool besides the output itself. */
export type SpoolEvent = Exclude<OutputEvent, { kind: "record" }> | { kind: "full"; error: PortholeError };

/**
 * A container's own output as a file that grows: an unnamed temporary file (in TMPDIR, else
 * /var/tmp). This process fills it, across restarts and recreation of the container. It has
 * positions, so the viewer scrolls in both directions without holding it in memory.
 */
export class OutputSpool {
  /** The growing file. The caller closes the spool, not this file. */
  readonly file: OpenFile;
  readonly #fd: OwnedFd;
  readonly #abort = new AbortController();
  readonly #follower: OutputFollower;
  readonly #tell: (event: SpoolEvent) => void;
  /**
   * Records that are not written yet. Copied, so that the engine's responses are garbage at once.
   */
  readonly #batch = Buffer.allocUnsafeSlow(BATCH);
  #pending = 0;
  #written = 0;
  #newFrom = Number.POSITIVE_INFINITY;

  private constructor(name: string, path: OutputPath, follower: OutputFollower, tell: (event: SpoolEvent) => void) {
    const fd = temporaryFile(PURPOSE);
    this.#fd = fd;
    this.#follower = follower;
    this.#tell = tell;
    this.file = new OpenFile(`${name}:${path}`, fd, () => temporaryStat(fd));
  }

  /**
   * Resolves when the existing output has been read, or after half a second.
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
    void existing.then(() => {
      spool.#newFrom = spool.#written;
      // The follow reports only later ends.
      if (hasEnded(container) && !spool.#abort.signal.aborted) tell({ kind: "ended", container });
      return spool.#follow();
    });
    await Promise.race([existing, setTimeout(FIRST_MS)]);
    return spool;
  }

  /** Offset after the output that existed before; infinity until it has been read. */
  get newFrom(): number {
    return this.#newFrom;
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
      // Ignores the error: the follow continues at the end of the records so far.
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
    if (this.#pending + bytes.length > BATCH) this.#flush();
    if (bytes.length > BATCH) {
      this.#write(bytes);
      return;
    }
    // Records of one response arrive together and are written together.
    if (isLive && this.#pending === 0) setImmediate(() => this.#flush());
    this.#pending += bytes.copy(this.#batch, this.#pending);
  }

  #flush(): void {
    const bytes = this.#batch.subarray(0, this.#pending);
    this.#pending = 0;
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    if (bytes.length === 0 || this.#abort.signal.aborted) return;
    try {
      if (this.#written + bytes.length > MAX_BYTES) throw new PortholeError("FILE", "the limit of 4 GiB is reached");
      // Uses pwrite(2), because SEEK_DATA of a reader moves the shared offset.
      for (let at = 0; at < bytes.length; )
        at += writeSync(this.#fd.number, bytes, at, bytes.length - at, this.#written + at);
      this.#written += bytes.length;
    } catch (error) {
      this.#abort.abort();
      this.#tell({ kind: "full", error: temporaryFileError(error, PURPOSE) });
    }
  }
}

/** False for a container that runs or was never started. */
function hasEnded({ isRunning, startedAt, exitCode }: OutputContainer): boolean {
  return !isRunning && exitCode !== undefined && startedAt !== "" && !startedAt.startsWith("0001-");
}
