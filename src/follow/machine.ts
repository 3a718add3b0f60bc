/** Which file it is, within the life of one container: device and inode from stat(2). */
export interface Identity {
  device: number | bigint;
  inode: number | bigint;
  /** Birth time, where it is known: tells an inode from an earlier one of its number. */
  born?: bigint | undefined;
}

/** What fstat(2) says of the file being read, and whether the bytes already read are still in it. */
export interface FileObservation {
  size: number;
  /** False when the head, or the bytes before the position, are not what was read. */
  intact: boolean;
  /** Size of the next generation in the queue. Look at it before `size`: then what an only writer wrote before it moved on is in `size`. */
  nextSize?: number | undefined;
  /** Milliseconds of any monotonic clock. */
  now: number;
}

/** What the reader does next. */
export type Step =
  | { kind: "read"; position: number; available: number }
  /** The position is back at 0. `unread`: bytes known to have been behind the position when they went. */
  | { kind: "truncated"; unread: number }
  /** Go on with the next generation of the queue, from its beginning; the old one is left (see {@link DrainingGeneration}). */
  | { kind: "switch"; afterDeletion: boolean }
  | { kind: "deleted" }
  | { kind: "returned" }
  | { kind: "wait" };

/**
 * The decisions of following a file, without a clock, a descriptor or a path: observations go in, steps come out. Two observers feed it
 * independently. The path observer keeps up with what the name means, so that a new generation is opened at once even while nobody reads; the
 * reader works through the generations in order.
 */
export class FollowMachine {
  position = 0;
  readonly #drainMs: number;
  readonly #goneMs: number;
  /** Generations from the one being read to the newest that was opened. */
  readonly #generations: Identity[] = [];
  /** True while no generation was ever read: the next is the first. */
  #began = false;
  /** Since when the name has meant nothing. */
  #missingSince: number | undefined;
  #toldDeleted = false;
  #lastGrowth = Number.NEGATIVE_INFINITY;
  /** The last size seen before the file was cut. */
  #largest = 0;
  #shrank = false;

  /**
   * `identity`: the generation to begin with, undefined when there is no file yet. `drainMs`: how long a renamed file that nobody has replaced with
   * content must be quiet before it is left. `goneMs`: rotation often leaves a moment between renaming the old file and making the new one; a
   * name missing for longer is deleted.
   */
  constructor(identity: Identity | undefined, position: number, drainMs: number, goneMs = 1000) {
    this.#drainMs = drainMs;
    this.#goneMs = goneMs;
    this.position = position;
    if (identity === undefined) this.#toldDeleted = true;
    else this.#generations.push(identity);
    this.#began = identity !== undefined;
  }

  /** True when time alone may bring a step: then {@link look} is due at every tick, else only when something changed. */
  get restless(): boolean {
    return this.#generations.length > (this.#began ? 1 : 0) || (this.#missingSince !== undefined) !== this.#toldDeleted;
  }

  /** True once {@link look} has said that the name means nothing. */
  get reportedDeleted(): boolean {
    return this.#toldDeleted;
  }

  /** The generation being read was closed, with no newer one: the next file to come is the first again. */
  forget(): void {
    this.#generations.length = 0;
    this.#began = false;
    this.#toldDeleted = true;
    this.#largest = 0;
    this.#shrank = false;
  }

  /** True when a newer generation waits. */
  get hasNext(): boolean {
    return this.#generations.length > 1;
  }

  /** The last generation that was opened by the path or after it. */
  get newest(): Identity | undefined {
    return this.#generations.at(-1);
  }

  /** The name means `identity` now, or nothing. True: open it at once. */
  pathSeen(identity: Identity | undefined, now: number): boolean {
    this.#missingSince = identity === undefined ? (this.#missingSince ?? now) : undefined;
    return identity !== undefined && !isSameFile(identity, this.newest);
  }

  /** A generation was opened. False when it is the newest one again: close it, it is not queued. */
  opened(identity: Identity): boolean {
    this.#missingSince = undefined;
    if (isSameFile(identity, this.newest)) return false;
    this.#generations.push(identity);
    return true;
  }

  /**
   * A generation was opened that the path no longer names: it came and was renamed away before it could be opened by the path. `queued`: its turn is
   * before the newest, put it there. `late`: the newest is being read already.
   */
  missed(identity: Identity): "queued" | "late" {
    const place = this.#generations.length - 1;
    if (place < (this.#began ? 1 : 0)) return "late";
    this.#generations.splice(place, 0, identity);
    return "queued";
  }

  /** The next step while there is no file to read: only a first generation can end that. */
  lookForFirst(): Step {
    if (this.#generations.length === 0) return { kind: "wait" };
    this.#began = true;
    this.#toldDeleted = false;
    this.position = 0;
    return { kind: "switch", afterDeletion: true };
  }

  /** The file's size, seen while nobody reads: a slow reader knows by it what it lost when the file is cut. */
  sizeSeen(size: number): void {
    if (size < this.#largest) this.#shrank = true;
    if (!this.#shrank) this.#largest = size;
  }

  /** The next step for the file being read. Ask again after each step that is not `wait`. */
  look({ size, intact, nextSize, now }: FileObservation): Step {
    if (size < this.position || !intact) {
      this.sizeSeen(size);
      // A file that was cut and has grown again unseen does not tell what it was.
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
      // Once the next one has content its writer has moved on; a writer that has not noticed yet is heard by Leaving.
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
 * A generation that was left for a newer one. Writers may still hold it: one that has not been told of the rotation yet, or a second process. It
 * is heard until the newer one is written to and it has been quiet for `quietMs` since.
 */
export class DrainingGeneration {
  position: number;
  readonly #quietMs: number;
  #quietSince: number | undefined;

  constructor(position: number, quietMs: number) {
    this.position = position;
    this.#quietMs = quietMs;
  }

  /** `replaced`: the newer generation is written to, or is left itself. */
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

/** True for the same file by device, inode and, where both are known, birth time: an inode number is used again. */
export function isSameFile(a: Identity, b: Identity | undefined): boolean {
  if (b === undefined || BigInt(a.device) !== BigInt(b.device) || BigInt(a.inode) !== BigInt(b.inode)) return false;
  return a.born === undefined || b.born === undefined || a.born === b.born;
}
