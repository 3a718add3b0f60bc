import { PortholeError } from "../errors.ts";

/** One directory yet to be entered: a name, and what it is in. */
export interface PendingDirectory<Parent> {
  parent: Parent;
  name: string;
}

/**
 * The directories that a walk has yet to enter, those found last first. Names are kept packed, for a container may put millions into each of its directories: beyond
 * `limit` characters none are taken, so that no tree uses up this machine's memory.
 */
export class PendingDirectories<Parent> {
  readonly #limit: number;
  readonly #levels: Level<Parent>[] = [];
  #held = 0;

  constructor(limit = LIMIT) {
    this.#limit = limit;
  }

  /** The directories of `parent`, which are entered before all that are pending now, in this order. `names` is read at once. Throws FILE (E2BIG) at the limit, with what fits kept. */
  push(parent: Parent, names: Iterable<string>): void {
    const level = this.begin(parent);
    for (const name of names) level.add(name);
    level.end();
  }

  /** Like {@link push} for names that come one by one; they are pending once `end` is called. */
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

  /** The next one, which is not pending any more. */
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

  /** The next few, some of the `count` at least when there are any. */
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
/** Names that are packed together. */
const TOGETHER = 512;
/** What no name holds. */
const BETWEEN = "\0";

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
    if (this.#last.length < TOGETHER) return;
    this.#packed.push(this.#last.join(BETWEEN));
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
    this.#first = packed.split(BETWEEN);
  }
}

function tooMany(limit: number): PortholeError {
  return new PortholeError(
    "FILE",
    `the names of the directories yet to be entered are longer than ${limit} characters, which is where porthole stops: some are left out`,
    { errno: "E2BIG" },
  );
}
