import type { LineSpace, Lines } from "../rows/lines.ts";
import { CHUNK } from "./chunk-counter.ts";
import type { Hits } from "./hits.ts";

/**
 * The lines that pass a filter, with their context lines. Stores no lines, but derives them from
 * the matches of each chunk. Ends at the position that the scan has reached.
 */
export class FilteredLines implements LineSpace {
  readonly #lines: Lines;
  readonly #hits: Hits;
  readonly #context: number;

  /** `context`: number of lines to show before and after each hit. */
  constructor(lines: Lines, hits: Hits, context: number) {
    this.#lines = lines;
    this.#hits = hits;
    this.#context = context;
  }

  /** False for a context line. */
  isHit(line: number): boolean {
    return this.#hits.positions(Math.floor(line / CHUNK)).includes(line);
  }

  first(): number | undefined {
    const hit = this.#near(this.#lines.start(), "forward");
    return hit === undefined ? undefined : this.#step(hit, -this.#context);
  }

  last(): number | undefined {
    const hit = this.#near(this.#lines.end(), "backward");
    return hit === undefined ? undefined : this.#step(hit, this.#context);
  }

  next(line: number): number | undefined {
    const after = this.#lines.next(line);
    if (after === undefined) return undefined;
    const context = this.#context;
    if (context > 0) {
      // The line is within the context after a hit.
      const hit = this.#near(after, "backward");
      if (hit !== undefined && this.#step(hit, context) >= after) return after;
    }
    const hit = this.#near(after, "forward");
    return hit === undefined ? undefined : Math.max(after, this.#step(hit, -context));
  }

  previous(line: number): number | undefined {
    const before = this.#lines.previous(line);
    if (before === undefined) return undefined;
    const context = this.#context;
    if (context > 0) {
      const hit = this.#near(before, "forward");
      if (hit !== undefined && this.#step(hit, -context) <= before) return before;
    }
    const hit = this.#near(line, "backward");
    return hit === undefined ? undefined : Math.min(before, this.#step(hit, context));
  }

  has(line: number): boolean {
    return this.at(line) === line;
  }

  /**
   * Returns the line at `offset` if it is shown. Otherwise returns the nearest shown line before
   * it, or else after it.
   */
  at(offset: number): number | undefined {
    const line = this.#lines.at(offset);
    const hit = this.#near(line, "forward");
    if (hit !== undefined && this.#step(hit, -this.#context) <= line) return line;
    const before = this.#near(line, "backward");
    if (before !== undefined) return Math.min(line, this.#step(before, this.#context));
    return hit === undefined ? undefined : this.#step(hit, -this.#context);
  }

  #near(from: number, direction: "forward" | "backward"): number | undefined {
    const hit = this.#hits.near(from, direction);
    return typeof hit === "number" ? hit : undefined;
  }

  /** The line `count` lines away, or the last one in that direction. */
  #step(line: number, count: number): number {
    let at = line;
    for (let left = Math.abs(count); left > 0; left--) {
      const next = count > 0 ? this.#lines.next(at) : this.#lines.previous(at);
      if (next === undefined) break;
      at = next;
    }
    return at;
  }
}
