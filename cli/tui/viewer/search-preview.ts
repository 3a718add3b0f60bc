import { setImmediate as yieldToKeys } from "node:timers/promises";
import { messageOf } from "../../../src/errors.ts";
import type { Direction, Position } from "../../../src/text/index.ts";
import type { ViewerParts } from "./viewer-parts.ts";

/** Maximum number of hidden matches that are skipped before keys are handled. */
const HIDDEN_AT_ONCE = 256;

/**
 * Shows the next match of a pattern during typing. A new pattern cancels the search for the
 * previous one, so a key never waits for a search. An invalid pattern, such as an incomplete one,
 * leaves the screen unchanged.
 */
export class SearchPreview {
  readonly #parts: ViewerParts;
  readonly #direction: Direction;
  readonly #changed: () => void;
  readonly #origin: Position;
  /** Columns that were scrolled out at the left. */
  readonly #left: number;
  readonly #wasFollowing: boolean;
  #wanted: string | undefined;
  /** Number of patterns so far: the result for an earlier pattern is dropped. */
  #turn = 0;

  /** `changed` requests a frame. */
  constructor(parts: ViewerParts, direction: Direction, changed: () => void) {
    this.#parts = parts;
    this.#direction = direction;
    this.#changed = changed;
    this.#origin = parts.text.viewport.top;
    this.#left = parts.text.left;
    this.#wasFollowing = parts.following.isOn;
  }

  /** Called when the pattern changes. Keys that arrive together cause one search. */
  typed(pattern: string): void {
    const isScheduled = this.#wanted !== undefined;
    this.#wanted = pattern;
    if (!isScheduled) setImmediate(() => void this.#show());
  }

  /** Returns to the initial position and cancels the search. */
  end(): void {
    this.close();
    this.#toOrigin();
  }

  /** Cancels the search. Nothing reads the text afterwards. */
  close(): void {
    this.#turn++;
    this.#wanted = undefined;
  }

  async #show(): Promise<void> {
    const pattern = this.#wanted;
    this.#wanted = undefined;
    if (pattern === undefined) return;
    const turn = ++this.#turn;
    try {
      if (pattern === "") this.#parts.searching.endTry();
      else this.#parts.searching.try(pattern, this.#parts.text.isHex ? "hex" : "text");
    } catch {
      return;
    }
    try {
      const hit = pattern === "" ? undefined : await this.#find(turn);
      if (turn !== this.#turn) return;
      this.#parts.searching.restTried();
      if (hit === undefined) this.#toOrigin();
      else this.#goTo(hit);
    } catch (error) {
      if (turn === this.#turn) this.#parts.say(`search failed: ${messageOf(error)}`);
    }
  }

  /** Finds the next match that no filter hides. */
  async #find(turn: number): Promise<number | undefined> {
    const { searching, text } = this.#parts;
    let from = this.#origin.line;
    for (let skipped = 1; turn === this.#turn; skipped++) {
      const found = await searching.findTried(from, this.#direction);
      if (found.kind !== "found" || turn !== this.#turn) return undefined;
      if (text.isHex || text.space.at(found.at) === found.at) return found.at;
      from = this.#direction === "forward" ? text.endOf(found.at) : found.at;
      if (skipped % HIDDEN_AT_ONCE === 0) await yieldToKeys();
    }
    return undefined;
  }

  #goTo(hit: number): void {
    this.#parts.searching.triedAt = hit;
    this.#parts.text.showMatch(hit);
    this.#parts.following.moved();
    this.#changed();
  }

  #toOrigin(): void {
    const { text, following } = this.#parts;
    text.show(this.#origin.line, this.#origin.row);
    text.toColumn(this.#left);
    if (this.#wasFollowing) following.toEnd();
    this.#changed();
  }
}
