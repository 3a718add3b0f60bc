import type { Document } from "./document.ts";

/**
 * Maximum bytes that are counted per frame, in about a millisecond. Writers are slower than this.
 */
const MAX_SCAN = 8 * 1024 * 1024;
const BLOCK = 64 * 1024;
const NEWLINE = 10;
/** Seconds that the sparkline shows. */
const SECONDS = 12;

/**
 * Counts the lines that are written during a follow: their total, and the number in each of the
 * last seconds.
 */
export class Growth {
  readonly #document: Document;
  readonly #newFrom: () => number;
  readonly #buffer = Buffer.allocUnsafeSlow(BLOCK);
  #at: number;
  #lines = 0;
  /** Numbers of lines in each second, newest last, and the time of that second. */
  #seconds: number[] = Array.from({ length: SECONDS + 1 }, () => 0);
  #second = 0;

  /**
   * `newFrom` returns the offset of the first new byte; infinity while existing content is still
   * being read, such as the earlier output of a container.
   */
  constructor(document: Document, now: number, newFrom: () => number) {
    this.#document = document;
    this.#newFrom = newFrom;
    this.#at = document.source.end();
    this.#second = Math.floor(now / 1000);
  }

  /** Lines since the beginning. */
  get lines(): number {
    return this.#lines;
  }

  /** Continues with new data after the file was replaced or truncated. */
  skipTo(offset: number): void {
    this.#at = offset;
  }

  /** Counts new lines. True if uncounted data remains. */
  look(now: number): boolean {
    this.#turn(now);
    const { source } = this.#document;
    const end = source.end();
    this.#at = Math.min(end, Math.max(this.#at, this.#newFrom()));
    const to = Math.min(end, this.#at + MAX_SCAN);
    for (let at = Math.max(this.#at, source.start()); at < to; ) {
      const count = source.read(at, this.#buffer.subarray(0, Math.min(BLOCK, to - at)));
      if (count === 0) break;
      this.#add(newlinesIn(this.#buffer.subarray(0, count)));
      at += count;
    }
    this.#at = to;
    return to < end;
  }

  /** Number of lines in the last whole second. */
  get rate(): number {
    return this.#seconds.at(-2) ?? 0;
  }

  /** Sparkline of the last whole seconds; empty without lines in them. */
  get sparkline(): string {
    const whole = this.#seconds.slice(0, -1);
    const max = Math.max(...whole);
    if (max === 0) return "";
    return whole.map((lines) => BARS[lines === 0 ? 0 : Math.max(1, Math.ceil((lines / max) * 8))] ?? "").join("");
  }

  /**
   * True if a displayed second or the current one has lines. The sparkline then changes with the
   * next second, even without new lines.
   */
  get isMoving(): boolean {
    return this.#seconds.some((lines) => lines > 0);
  }

  #add(lines: number): void {
    this.#lines += lines;
    this.#seconds[SECONDS] = (this.#seconds[SECONDS] ?? 0) + lines;
  }

  #turn(now: number): void {
    const second = Math.floor(now / 1000);
    const turns = Math.min(SECONDS + 1, second - this.#second);
    for (let turn = 0; turn < turns; turn++) this.#seconds = [...this.#seconds.slice(1), 0];
    this.#second = second;
  }
}

const BARS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

function newlinesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
