/**
 * Identity of a file during one run of a container: device and inode of stat(2). The device is 0
 * for an engine's copy of a file, whose inode is a number for its path and version.
 */
export interface Identity {
  device: number | bigint;
  inode: number | bigint;
  /** Birth time if known: distinguishes an inode number from its earlier use. */
  born?: bigint | undefined;
}

/** fstat(2) of the file being read, and whether its known bytes are unchanged. */
export interface FileObservation {
  size: number;
  /** False if the first bytes, or those before the position, have changed. */
  intact: boolean;
  /**
   * Size of the next generation. Observe it before `size`: then `size` includes all that a single
   * writer wrote before it switched.
   */
  nextSize?: number | undefined;
  /** Milliseconds of any monotonic clock. */
  now: number;
}

/** The reader's next step. */
export type Step =
  | { kind: "read"; position: number; available: number }
  /** The position is 0 again. `unread`: bytes known to be lost. */
  | { kind: "truncated"; unread: number }
  /**
   * Continues with the next generation from its start. The old one drains (see
   * {@link DrainingGeneration}).
   */
  | { kind: "switch"; afterDeletion: boolean }
  | { kind: "deleted" }
  | { kind: "returned" }
  | { kind: "wait" };

/**
 * The decisions of following a file as a pure function, without clock, descriptor or path. Two
 * observers feed it. The path observer reports what the name refers to and opens new generations at
 * once, even if no consumer reads. The reader works through the generations in order.
 */
export class FollowMachine {
  position = 0;
  readonly #drainMs: number;
  readonly #goneMs: number;
  /** Generations from the one being read to the newest. */
  readonly #generations: Identity[] = [];
  /** False until a first generation is read. */
  #began = false;
  /** The time since when the name has been missing. */
  #missingSince: number | undefined;
  #toldDeleted = false;
  #lastGrowth = Number.NEGATIVE_INFINITY;
  /** The last size before the file was truncated. */
  #largest = 0;
  #shrank = false;

  /**
   * @param identity the first generation; undefined if there is no file yet
   * @param drainMs milliseconds that a renamed file must be quiet before the reader switches,
   * unless its successor has content
   * @param goneMs milliseconds before a missing name counts as deleted: during a rotation the file
   * is often missing briefly
   */
  constructor(identity: Identity | undefined, position: number, drainMs: number, goneMs = 1000) {
    this.#drainMs = drainMs;
    this.#goneMs = goneMs;
    this.position = position;
    if (identity === undefined) this.#toldDeleted = true;
    else this.#generations.push(identity);
    this.#began = identity !== undefined;
  }

  /**
   * True if time alone may cause a step: then call {@link look} at every tick, otherwise after
   * changes only.
   */
  get restless(): boolean {
    return this.#generations.length > (this.#began ? 1 : 0) || (this.#missingSince !== undefined) !== this.#toldDeleted;
  }

  /** True after {@link look} has returned `deleted`. */
  get reportedDeleted(): boolean {
    return this.#toldDeleted;
  }

  /**
   * Forgets the current generation, which was closed without a newer one. The next file counts as a
   * first one.
   */
  forget(): void {
    this.#generations.length = 0;
    this.#began = false;
    this.#toldDeleted = true;
    this.#largest = 0;
    this.#shrank = false;
  }

  /** True if a newer generation is queued. */
  get hasNext(): boolean {
    return this.#generations.length > 1;
  }

  get newest(): Identity | undefined {
    return this.#generations.at(-1);
  }

  /**
   * Reports what the name refers to; undefined if it is missing.
   * @returns true if the file must be opened now
   */
  pathSeen(identity: Identity | undefined, now: number): boolean {
    const isNew = identity !== undefined && !isSameFile(identity, this.newest);
    if (identity === undefined) this.#missingSince ??= now;
    // Another file counts as missing until it is open: before that, the reader must not report it.
    else if (!isNew) this.#missingSince = undefined;
    return isNew;
  }

  /**
   * Reports an opened generation.
   * @returns false if it is the newest generation again: close it
   */
  opened(identity: Identity): boolean {
    this.#missingSince = undefined;
    if (isSameFile(identity, this.newest)) return false;
    this.#generations.push(identity);
    return true;
  }

  /**
   * Reports an opened generation that was renamed away before it could be opened by the path.
   * @returns `queued`: put it before the newest in the queue; `late`: the newest is already being
   * read
   */
  missed(identity: Identity): "queued" | "late" {
    const index = this.#generations.length - 1;
    if (index < (this.#began ? 1 : 0)) return "late";
    this.#generations.splice(index, 0, identity);
    return "queued";
  }

  /** Returns the next step without a file. Only a first generation changes that. */
  lookForFirst(): Step {
    if (this.#generations.length === 0) return { kind: "wait" };
    this.#began = true;
    this.#toldDeleted = false;
    this.position = 0;
    return { kind: "switch", afterDeletion: true };
  }

  /**
   * Reports the size outside of reads, so that the loss of a slow reader by a truncation is known.
   */
  sizeSeen(size: number): void {
    if (size < this.#largest) this.#shrank = true;
    if (!this.#shrank) this.#largest = size;
  }

  /** The next step for the current file. Call again after each step except `wait`. */
  look({ size, intact, nextSize, now }: FileObservation): Step {
    if (size < this.position || !intact) {
      this.sizeSeen(size);
      // If a truncated file has grown again unnoticed, its old size is unknown.
      const unread = this.#shrank ? Math.max(0, this.#largest - this.position) : 0;
      this.position = 0;
      this.#largest = size;
      this.#shrank = false;
      this.#lastGrowth = now;
      return { kind: "truncated", unread };
    }
    this.sizeSeen(size);
    if (size > this.position) {
      this.#lastGrowth = now;
      return { kind: "read", position: this.position, available: size - this.position };
    }
    if (this.#generations.length > 1) {
      // A successor with content means that its writer has switched. {@link DrainingGeneration}
      // handles other writers.
      if (!nextSize && now - this.#lastGrowth < this.#drainMs) return { kind: "wait" };
      const afterDeletion = this.#toldDeleted;
      this.#generations.shift();
      this.#toldDeleted = false;
      this.position = 0;
      this.#largest = 0;
      this.#shrank = false;
      return { kind: "switch", afterDeletion };
    }
    const missing = this.#missingSince !== undefined && now - this.#missingSince >= this.#goneMs;
    if (missing === this.#toldDeleted) return { kind: "wait" };
    this.#toldDeleted = missing;
    return { kind: missing ? "deleted" : "returned" };
  }

  advance(bytes: number): void {
    this.position += bytes;
  }
}

/**
 * A previous generation. Writers may still have it open: one that has not noticed the rotation, or
 * a second process. It drains until its successor has content and it has been quiet for `quietMs`
 * since.
 */
export class DrainingGeneration {
  position: number;
  readonly #quietMs: number;
  #quietSince: number | undefined;

  constructor(position: number, quietMs: number) {
    this.position = position;
    this.#quietMs = quietMs;
  }

  /** Returns the next step. `replaced`: its successor has content, or is no longer read itself. */
  look(size: number, replaced: boolean, now: number): "read" | "done" | "wait" {
    if (size > this.position) {
      this.#quietSince = undefined;
      return "read";
    }
    if (!replaced) return "wait";
    this.#quietSince ??= now;
    return now - this.#quietSince >= this.#quietMs ? "done" : "wait";
  }
}

/** True for the same device, inode and, if both are known, birth time: inode numbers are reused. */
export function isSameFile(a: Identity, b: Identity | undefined): boolean {
  if (b === undefined || BigInt(a.device) !== BigInt(b.device) || BigInt(a.inode) !== BigInt(b.inode)) return false;
  return a.born === undefined || b.born === undefined || a.born === b.born;
}
