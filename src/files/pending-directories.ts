import { PortholeError } from "../errors.ts";

/** A directory to enter: its name and parent. */
export interface PendingDirectory<Parent> {
  parent: Parent;
  name: string;
}

/**
 * The directories that a walk still has to enter, depth first. Names are packed, because a
 * container may have millions in each directory. Directories beyond `limit` characters are refused,
 * so that no tree exhausts this machine's memory.
 */
export class PendingDirectories<Parent> {
  readonly #limit: number;
  readonly #levels: Level<Parent>[] = [];
  #held = 0;

  constructor(limit = LIMIT) {
    this.#limit = limit;
  }

  /**
   * Adds the directories of `parent` before all pending ones, in this order. Reads `names` at once.
   * Throws FILE (E2BIG) at the limit; what fits is kept.
   */
  push(parent: Parent, names: Iterable<string>): void {
    const level = this.begin(parent);
    for (const name of names) level.add(name);
    level.end();
  }

  /** Like {@link push} for names that are added one at a time; they become pending at `end`. */
  begin(parent: Parent): { add(name: string): void; end(): void } {
    const level = new Level(parent);
    let isFull = false;
    return {
      add: (name) => {
        isFull ||= this.#held + name.length >= this.#limit;
        if (isFull) return;
        this.#held += name.length;
        level.add(name);
      },
      end: () => {
        this.#levels.push(level);
        if (isFull) throw tooMany(this.#limit);
      },
    };
  }

  get isEmpty(): boolean {
    return this.peek(1).length === 0;
  }

  /** Removes and returns the next directory. */
  shift(): PendingDirectory<Parent> | undefined {
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const name = level.shift();
      if (name === undefined) {
        this.#levels.pop();
        continue;
      }
      this.#held -= name.length;
      return { parent: level.parent, name };
    }
    return undefined;
  }

  /** Returns up to `count` of the next directories, at least one if there are any. */
  peek(count: number): PendingDirectory<Parent>[] {
    const found: PendingDirectory<Parent>[] = [];
    for (let at = this.#levels.length - 1; at >= 0 && found.length < count; at--) {
      const level = this.#levels[at] as Level<Parent>;
      for (const name of level.peek(count - found.length)) found.push({ parent: level.parent, name });
    }
    return found;
  }
}

/** A million names of 255 characters. */
const LIMIT = 256 * 1024 * 1024;
/** Number of names that are packed into one string. */
const PACK_SIZE = 512;
/** Separates the names, which cannot contain it. */
const SEPARATOR = "\0";

class Level<Parent> {
  readonly parent: Parent;
  #packed: string[] = [];
  #nextPacked = 0;
  #last: string[] = [];
  #first: string[] = [];
  #nextFirst = 0;

  constructor(parent: Parent) {
    this.parent = parent;
  }

  add(name: string): void {
    this.#last.push(name);
    if (this.#last.length < PACK_SIZE) return;
    this.#packed.push(this.#last.join(SEPARATOR));
    this.#last = [];
  }

  shift(): string | undefined {
    this.#unpack();
    return this.#first[this.#nextFirst++];
  }

  peek(count: number): string[] {
    this.#unpack();
    return this.#first.slice(this.#nextFirst, this.#nextFirst + count);
  }

  #unpack(): void {
    if (this.#nextFirst < this.#first.length) return;
    this.#nextFirst = 0;
    const packed = this.#packed[this.#nextPacked];
    if (packed === undefined) {
      this.#first = this.#last;
      this.#last = [];
      return;
    }
    this.#packed[this.#nextPacked++] = "";
    this.#first = packed.split(SEPARATOR);
  }
}

function tooMany(limit: number): PortholeError {
  return new PortholeError(
    "FILE",
    `too many pending directories: their names exceed ${limit} characters, some are skipped`,
    { errno: "E2BIG" },
  );
}
