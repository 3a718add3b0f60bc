import { clusters } from "../../../src/text/index.ts";

/** What the next key is taken for: the name of a mark to set, or of one to go to. */
export type Awaited = "mark" | "jump";

/**
 * Marks of the user's: places by letters. `'` is where one was before the last jump, `^` the start,
 * `$` the end.
 */
export class Bookmarks {
  readonly #offsets = new Map<string, number>();
  /** Where one was before the last jump. */
  before = 0;

  /** Marks a place. False for what is no name. */
  set(name: string, offset: number): boolean {
    if ([...clusters(name)].length !== 1) return false;
    this.#offsets.set(name, offset);
    return true;
  }

  /** Where a mark is; undefined when there is none of that name. */
  get(name: string): number | "start" | "end" | undefined {
    if (name === "'") return this.before;
    if (name === "^") return "start";
    return name === "$" ? "end" : this.#offsets.get(name);
  }
}
