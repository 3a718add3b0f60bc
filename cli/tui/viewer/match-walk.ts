import { messageOf } from "../../../src/errors.ts";
import type { Direction } from "../../../src/text/index.ts";
import type { Searching } from "./searching.ts";
import type { KeyOf } from "./viewer-types.ts";

/** Hits that are passed over in one go when a filter hides them. */
const HIDDEN_AT_ONCE = 256;
/** Steps of one key with a number before it. */
const MAX_STEPS = 1000;

/** What a walk asks of the text that is shown. */
export interface MatchWalkHost {
  /** Where to look from, in that direction: from where one is, or beyond the screen. */
  start(direction: Direction, isBeyondScreen: boolean): number;
  isShown(hit: number): boolean;
  /** Where the line or the byte of a hit ends. */
  endOf(hit: number): number;
  show(hit: number): void;
  say(message: string): void;
  changed(): void;
  keyOf: KeyOf;
}

/**
 * Goes from match to match: `n` pressed three times goes three on, however long each takes to find.
 */
export class MatchWalk {
  readonly #searching: Searching;
  readonly #host: MatchWalkHost;
  #steps: { direction: Direction; isBeyondScreen: boolean }[] = [];
  #running: Promise<void> | undefined;
  /** Counts what ended walks: a result that was on its way then is not shown. */
  #ends = 0;

  constructor(searching: Searching, host: MatchWalkHost) {
    this.#searching = searching;
    this.#host = host;
  }

  /** `isBeyondScreen`: skips matches on the screen, so that those close together are one step. */
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
   * One goes elsewhere: what is being looked for would come as a surprise. True when something was.
   * It is counted on.
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
