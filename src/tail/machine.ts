/** Which file it is, within the life of one container: device and inode from stat(2). */
export interface Identity {
  device: number | bigint;
  inode: number | bigint;
}

/** What fstat(2) says of the file being read, and whether the bytes already read are still in it. */
export interface Look {
  size: number;
  /** False when the head, or the bytes before the position, are not what was read. */
  intact: boolean;
  /** Milliseconds of any monotonic clock. */
  now: number;
}

/** What the reader does next. */
export type Step =
  | { kind: "read"; position: number; available: number }
  /** Everything was read: the position is back at 0. */
  | { kind: "truncated" }
  /** The old generation is drained: close it and go on with the next one of the queue. */
  | { kind: "switch"; afterDeletion: boolean }
  | { kind: "deleted" }
  | { kind: "returned" }
  | { kind: "wait" };

/** Rotation often leaves a moment between renaming the old file and making the new one: a name missing for longer is deleted. */
const GONE_MS = 1000;

/**
 * The decisions of following a file, without a clock, a descriptor or a path: observations go in, steps come out. Two observers feed it
 * independently. The path observer keeps up with what the name means, so that a new generation is opened at once even while nobody reads; the
 * reader works through the generations in order.
 */
export class FollowMachine {
  position: number;
  readonly #drainMs: number;
  /** Generations from the one being read to the newest that was opened. */
  readonly #generations: Identity[];
  /** Since when the name has meant nothing. */
  #missingSince: number | undefined;
  #toldDeleted = false;
  #lastGrowth = Number.NEGATIVE_INFINITY;

  /** `drainMs`: how long a renamed file must be quiet at its end before it is left; its writer may not have noticed yet. */
  constructor(identity: Identity, position: number, drainMs: number) {
    this.#generations = [identity];
    this.position = position;
    this.#drainMs = drainMs;
  }

  /** The name means `identity` now, or nothing. True: open it at once. */
  pathSeen(identity: Identity | undefined, now: number): boolean {
    this.#missingSince = identity === undefined ? (this.#missingSince ?? now) : undefined;
    return identity !== undefined && !same(identity, this.#newest());
  }

  /** A generation was opened. False when it is the newest one again: close it, it is not queued. */
  opened(identity: Identity): boolean {
    this.#missingSince = undefined;
    if (same(identity, this.#newest())) return false;
    this.#generations.push(identity);
    return true;
  }

  /** The next step for the file being read. Ask again after each step that is not `wait`. */
  look({ size, intact, now }: Look): Step {
    if (size < this.position || !intact) {
      this.position = 0;
      this.#lastGrowth = now;
      return { kind: "truncated" };
    }
    if (size > this.position) {
      this.#lastGrowth = now;
      return { kind: "read", position: this.position, available: size - this.position };
    }
    if (this.#generations.length > 1) {
      if (now - this.#lastGrowth < this.#drainMs) return { kind: "wait" };
      const afterDeletion = this.#toldDeleted;
      this.#generations.shift();
      this.#toldDeleted = false;
      this.position = 0;
      return { kind: "switch", afterDeletion };
    }
    const missing = this.#missingSince !== undefined && now - this.#missingSince >= GONE_MS;
    if (missing === this.#toldDeleted) return { kind: "wait" };
    this.#toldDeleted = missing;
    return { kind: missing ? "deleted" : "returned" };
  }

  advance(bytes: number): void {
    this.position += bytes;
  }

  #newest(): Identity | undefined {
    return this.#generations.at(-1);
  }
}

function same(a: Identity, b: Identity | undefined): boolean {
  return b !== undefined && BigInt(a.device) === BigInt(b.device) && BigInt(a.inode) === BigInt(b.inode);
}
