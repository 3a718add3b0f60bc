import { messageOf } from "../../../../src/errors.ts";
import type { Direction } from "../../../../src/text/index.ts";
import type { KeyOf } from "../../keymap/keymap.ts";
import type { Searching } from "./searching.ts";

/** Maximum number of matches hidden by a filter that one step skips. */
const HIDDEN_AT_ONCE = 256;
/** Maximum steps of a key with a number before it. */
const MAX_STEPS = 1000;

/** The parts of the visible text that a walk uses. */
export interface MatchWalkHost {
  /**
   * Returns the start of a search in this direction: the current position, or the edge of the
   * screen.
   */
  start(direction: Direction, isBeyondScreen: boolean): number;
  isShown(hit: number): boolean;
  /** Returns the end of a match's line, or of its byte. */
  endOf(hit: number): number;
  show(hit: number): void;
  say(message: string): void;
  changed(): void;
  keyOf: KeyOf;
}

/**
 * Goes from match to match. After three presses of `n` it goes three matches further, even if each
 * takes long to find.
 */
export class MatchWalk {
  readonly #searching: Searching;
  readonly #host: MatchWalkHost;
  #steps: { direction: Direction; isBeyondScreen: boolean }[] = [];
  #running: Promise<void> | undefined;
  /** Number of cancelled walks: the result of a cancelled walk is dropped. */
  #ends = 0;

  constructor(searching: Searching, host: MatchWalkHost) {
    this.#searching = searching;
    this.#host = host;
  }

  /**
   * Goes `times` matches further. `isBeyondScreen`: skips matches on the screen, so that adjacent
   * matches are one step.
   */
  go(direction: Direction, times: number, isBeyondScreen = false): void {
    if (this.#searching.pattern === "") {
      this.#host.say(`no search yet: type ${this.#host.keyOf("search")} and a regular expression`);
      return;
    }
    this.#searching.isHidden = false;
    for (let time = 0; time < Math.min(times, MAX_STEPS); time++) this.#steps.push({ direction, isBeyondScreen });
    this.#running ??= this.#run();
  }

  /**
   * Cancels a pending walk because of another move: its result would be unexpected. True if one was
   * pending. The count of matches continues.
   */
  end(): boolean {
    this.#steps = [];
    this.#ends++;
    return this.#running !== undefined;
  }

  async #run(): Promise<void> {
    for (let step = this.#steps.shift(); step; step = this.#steps.shift())
      await this.#step(step.direction, step.isBeyondScreen);
    this.#running = undefined;
    this.#host.changed();
  }

  async #step(direction: Direction, isBeyondScreen: boolean): Promise<void> {
    const host = this.#host;
    const ends = this.#ends;
    try {
      let from = host.start(direction, isBeyondScreen);
      for (let passed = 0; ; passed++) {
        const found = await this.#searching.find(from, direction);
        if (ends !== this.#ends) return;
        if (found.kind === "none")
          host.say(`not found ${direction === "forward" ? "below" : "above"}: ${this.#searching.description}`);
        if (found.kind !== "found") return;
        if (host.isShown(found.at)) {
          this.#searching.at = found.at;
          host.show(found.at);
          return;
        }
        from = direction === "forward" ? host.endOf(found.at) : found.at;
        if (passed % HIDDEN_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      host.say(`search failed: ${messageOf(error)}`);
    }
  }
}
