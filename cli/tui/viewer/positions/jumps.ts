import { messageOf } from "../../../../src/errors.ts";
import type { Zone } from "../../../../src/times/index.ts";
import { grouped } from "../../canvas/grouped.ts";
import type { Document } from "../document/document.ts";
import type { ViewerText } from "../rows/viewer-text.ts";
import { type Awaited, Bookmarks } from "./bookmarks.ts";
import { parseJumpTarget } from "./goto.ts";
import { type JumpTime, offsetOfTime } from "./times.ts";

/**
 * A valid offset beyond the end of every file (node:fs accepts up to 2^53). It replaces the end of
 * a stream, which is unknown.
 */
const FARTHEST = 2 ** 52;

/** The parts of the viewer that jumps use. */
export interface JumpsHost {
  /** The zone of times without a zone; default UTC. */
  readonly zone: (() => Promise<Zone>) | undefined;
  /** Shows the last page. */
  toEnd(): void;
  /** Called after a change of the position. */
  moved(): void;
  /** Starts counting the document's lines, unless a count is in progress. */
  countLines(): void;
  say(message: string): void;
  changed(): void;
}

/**
 * Goes to lines, fractions, offsets, times and marks. If the position is not known yet, goes there
 * once it is known, unless the user has moved meanwhile.
 */
export class Jumps {
  readonly #document: Document;
  readonly #text: ViewerText;
  readonly #host: JumpsHost;
  readonly #bookmarks = new Bookmarks();
  /** Number of moves so far: another move cancels a pending jump. */
  #moves = 0;
  /** Number of the move that waits for the result of a time search. */
  #timeMove: number | undefined;
  #isClosed = false;

  constructor(document: Document, text: ViewerText, host: JumpsHost) {
    this.#document = document;
    this.#text = text;
    this.#host = host;
  }

  /** Cancels pending jumps because of another move. True if a time search was pending. */
  end(): boolean {
    const wasLooking = this.#timeMove === this.#moves;
    this.#moves++;
    return wasLooking;
  }

  /** Cancels pending jumps. Nothing reads the document afterwards. */
  close(): void {
    this.#isClosed = true;
    this.end();
  }

  /** Runs a move. Remembers the position before the move. */
  jump(move: () => void): true {
    const { viewport } = this.#text;
    const before = this.#text.shownFrom(viewport.top);
    move();
    if (this.#text.shownFrom(viewport.top) !== before) this.#bookmarks.before = before;
    this.#host.moved();
    return true;
  }

  toPercent(percent: number): true {
    this.jump(() => this.#part(percent));
    if (percent > 100) this.#host.say(`${percent} % is beyond the end: this is the end`);
    return true;
  }

  /** Goes to a line of the newest file, by its number from 1. */
  toLine(number: number): true {
    const offset = this.#document.offsetOfLine(Math.max(1, number));
    if (typeof offset === "number") {
      const inside = offset < this.#document.source.end() ? offset : Math.max(0, offset - 1);
      return this.jump(() => this.#text.show(inside));
    }
    if (offset === undefined) {
      this.jump(() => this.#host.toEnd());
      this.#host.say("no such line: this is the end");
      return true;
    }
    this.#host.countLines();
    void this.#awaitLine(number, ++this.#moves);
    return true;
  }

  /** Goes to a mark, or sets it. */
  named(what: Awaited, name: string): void {
    if (what === "mark") {
      const isName = this.#bookmarks.set(name, this.#text.shownFrom(this.#text.viewport.top));
      this.#host.say(isName ? `mark ${name} is set: '${name} returns here` : "a mark's name is a letter");
      return;
    }
    this.end();
    const wanted = this.#bookmarks.get(name);
    if (wanted === undefined) this.#host.say(`no such mark: ${name}`);
    else if (wanted === "end") this.jump(() => this.#host.toEnd());
    else this.jump(() => (wanted === "start" ? this.#text.toStart() : this.#text.show(wanted)));
  }

  /** Goes to a destination typed after `:`. Reports an invalid destination. */
  goto(text: string): void {
    const destination = parseJumpTarget(text);
    if (!destination) return;
    const { source, chain } = this.#document;
    switch (destination.kind) {
      case "line":
        this.toLine(destination.line);
        return;
      case "percent":
        this.toPercent(destination.percent);
        return;
      case "offset":
        if (destination.offset >= source.end()) this.#host.say(`there are ${grouped(source.end())} bytes`);
        this.jump(() => {
          const offset = Math.min(destination.offset, FARTHEST);
          this.#text.show(chain?.offsetOf(offset) ?? offset);
        });
        return;
      case "end":
        this.jump(() => this.#host.toEnd());
        return;
      default:
        this.#toTime(destination);
    }
  }

  /** Goes to a time once it is found, unless the user has moved meanwhile. */
  #toTime(destination: JumpTime): void {
    const move = ++this.#moves;
    const goesOn = () => move === this.#moves && !this.#isClosed;
    this.#timeMove = move;
    this.#host.say("searching for that time");
    const { source, lines } = this.#document;
    const top = lines.at(this.#text.viewport.top.line);
    offsetOfTime(this.#document, destination, top, this.#host.zone, goesOn).then(
      (offset) => {
        if (offset === undefined || !goesOn()) return;
        this.#timeMove = undefined;
        this.#host.say(offset >= source.end() ? "all lines are earlier" : "");
        this.jump(() => this.#text.show(offset));
        this.#host.changed();
      },
      (error: unknown) => {
        if (!goesOn()) return;
        this.#timeMove = undefined;
        this.#host.say(messageOf(error));
      },
    );
  }

  #part(percent: number): void {
    if (percent > 100) {
      this.#host.toEnd();
      return;
    }
    const { source } = this.#document;
    const [start, end] = [source.start(), source.end()];
    this.#text.show(start + Math.floor(((end - start) * percent) / 100));
  }

  /** Goes to a line once the count has reached it, unless the user has moved meanwhile. */
  async #awaitLine(number: number, move: number): Promise<void> {
    const { scan } = this.#document.index;
    while (move === this.#moves && !this.#isClosed) {
      if (this.#document.offsetOfLine(number) !== "unknown") {
        this.toLine(number);
        this.#host.changed();
        return;
      }
      if (!scan.isRunning) return this.#host.say("the count of lines was cancelled before that line");
      await scan.progressed();
    }
  }
}
