import type { RecordLevel } from "../../../../src/text/index.ts";
import { grouped } from "../../canvas/grouped.ts";
import type { LevelCounts } from "./level-counts.ts";

/** Sets of levels that one key selects, by their displayed name. */
const FACETS = {
  error: ["fatal", "error"],
  warn: ["warn"],
  info: ["info"],
  debug: ["debug", "trace"],
} as const satisfies Record<string, readonly RecordLevel[]>;

export type Facet = keyof typeof FACETS;

const NAMES = Object.keys(FACETS) as Facet[];

/** The levels of the visible records: all levels, or the selected ones. */
export class LevelFacets {
  readonly counts: LevelCounts;
  readonly #chosen = new Set<Facet>();

  constructor(counts: LevelCounts) {
    this.counts = counts;
  }

  /** Selects or deselects these levels. Without a selection, all records are visible. */
  toggle(facet: Facet): void {
    if (!this.#chosen.delete(facet)) this.#chosen.add(facet);
    this.counts.go();
  }

  clear(): void {
    this.#chosen.clear();
  }

  /** The selected levels; undefined if all records are visible. */
  get levels(): readonly RecordLevel[] | undefined {
    return this.#chosen.size === 0 ? undefined : this.#names.flatMap((name) => FACETS[name]);
  }

  /** Names the selected levels; empty if all records are visible. */
  get description(): string {
    return this.#chosen.size === 0 ? "" : `only ${this.#names.join(", ")}`;
  }

  /**
   * Number of records for each level; empty without a selection, and until the numbers are known.
   */
  get summary(): string {
    if (this.#chosen.size === 0) return "";
    const about = this.counts.isEstimate ? "~" : "";
    return NAMES.flatMap((name) => {
      const count = this.counts.of(FACETS[name]);
      return count === undefined ? [] : [`${name} ${count === 0 ? "" : about}${grouped(Math.round(count))}`];
    }).join(" ");
  }

  get #names(): Facet[] {
    return NAMES.filter((name) => this.#chosen.has(name));
  }
}
