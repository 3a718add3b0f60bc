import type { Position, Viewport } from "../../../../src/text/index.ts";

/** The displayed text, as far as the place of the current match depends on it. */
export interface SteadyMatchHost {
  readonly viewport: Viewport;
  /** Returns the offset of the current match; undefined without one, and while matches are hidden. */
  match(): number | undefined;
  /** Returns the row of a match in the current layout; undefined if no visible line contains it. */
  positionOf(match: number): Position | undefined;
  /** True unless the match is beyond an edge of a truncated line. */
  hasColumnsOf(match: number): boolean;
  /** Scrolls sideways, no further than the match needs. */
  showColumnsOf(match: number): void;
  /** True while a filter may still add lines. */
  isIncomplete(): boolean;
}

/** A match that was on the screen before the layout changed. */
interface Kept {
  match: number;
  /** Its row of the screen, from 0. */
  screenRow: number;
  /** The position after the change: a later move of the user replaces it. */
  top: Position;
}

/**
 * Keeps the current match on the screen while the layout changes: by wrapping, another size,
 * another filter. The top line stays if both fit. Otherwise the match stays in its row.
 */
export class SteadyMatch {
  readonly #host: SteadyMatchHost;
  /** Set until the change is complete: a filter finds its lines later. */
  #kept: Kept | undefined;
  #isChanging = false;

  constructor(host: SteadyMatchHost) {
    this.#host = host;
  }

  /** Runs a change of the layout. */
  during(change: () => void): void {
    if (this.#isChanging) {
      change();
      return;
    }
    const kept = this.#pending() ?? this.#shown();
    this.#isChanging = true;
    try {
      change();
    } finally {
      this.#isChanging = false;
    }
    this.#show(kept);
  }

  /** Moves to existing rows, once per frame. */
  settle(): void {
    const kept = this.#pending();
    this.#host.viewport.settle();
    this.#show(kept);
  }

  /** The match of a change that is not complete, unless the user has moved since. */
  #pending(): Kept | undefined {
    const { viewport, match } = this.#host;
    return this.#kept?.top === viewport.top && this.#kept.match === match() ? this.#kept : undefined;
  }

  #shown(): Kept | undefined {
    const { viewport } = this.#host;
    const match = this.#host.match();
    const position = match === undefined ? undefined : this.#host.positionOf(match);
    if (match === undefined || !position || !this.#host.hasColumnsOf(match)) return undefined;
    const screenRow = rowOf(viewport, position);
    return screenRow === -1 ? undefined : { match, screenRow, top: viewport.top };
  }

  #show(kept: Kept | undefined): void {
    const { viewport } = this.#host;
    const position = kept && this.#host.positionOf(kept.match);
    if (kept && position) {
      if (rowOf(viewport, position) === -1)
        viewport.show(position.line, Math.min(kept.screenRow, viewport.height - 1), position.row);
      this.#host.showColumnsOf(kept.match);
    }
    this.#kept = kept && this.#host.isIncomplete() ? { ...kept, top: viewport.top } : undefined;
  }
}

function rowOf(viewport: Viewport, { line, row }: Position): number {
  return viewport.visible().findIndex((position) => position.line === line && position.row === row);
}
