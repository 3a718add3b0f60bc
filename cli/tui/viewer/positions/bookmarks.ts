import { clusters } from "../../../../src/text/index.ts";

/** The meaning of the next key: the name of a mark to set, or of a mark to jump to. */
export type Awaited = "mark" | "jump";

/**
 * The user's marks: each letter has a position. `'` is the position before the last jump, `^` the
 * start, `$` the end.
 */
export class Bookmarks {
  readonly #offsets = new Map<string, number>();
  /** The position before the last jump. */
  before = 0;

  /** Marks a position. False for an invalid name. */
  set(name: string, offset: number): boolean {
    if ([...clusters(name)].length !== 1) return false;
    this.#offsets.set(name, offset);
    return true;
  }

  /** Returns the position of a mark; undefined if no mark has that name. */
  get(name: string): number | "start" | "end" | undefined {
    if (name === "'") return this.before;
    if (name === "^") return "start";
    return name === "$" ? "end" : this.#offsets.get(name);
  }
}
