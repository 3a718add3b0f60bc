import { clusters } from "../../../src/text/index.ts";

/** The pending key: the name of a mark to set, or of one to jump to. */
export type Awaited = "mark" | "jump";

/**
 * The user's marks: positions by letter. `'` is the position before the last jump, `^` the start,
 * `$` the end.
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

  /** The position of a mark; undefined if there is no mark of that name. */
  get(name: string): number | "start" | "end" | undefined {
    if (name === "'") return this.before;
    if (name === "^") return "start";
    return name === "$" ? "end" : this.#offsets.get(name);
  }
}
