import { writeSync } from "node:fs";
import { terminalState } from "../../src/descriptors/index.ts";

/** Work that is shorter than this shows no progress. */
const PATIENCE_MS = 500;
const INTERVAL_MS = 100;

/** The numbers that a progress line shows. */
export interface ProgressState {
  bytes: number;
  /** Expected bytes; undefined if unknown. Ignored if less than `bytes`. */
  total: number | undefined;
  elapsedMs: number;
}

/**
 * The progress of long work: one line on the terminal at standard error, which overwrites itself.
 * It appears after half a second and changes at most ten times a second. It appears only while this
 * process owns the terminal: not in the background, and not under a pager at the end of the pipe.
 */
export class Progress {
  /** Expected bytes, if known. */
  total: number | undefined;
  readonly #started = performance.now();
  #due = this.#started + PATIENCE_MS;
  #drawn = 0;

  constructor(total?: number) {
    this.total = total;
  }

  /** Reports the number of bytes done. Cheap enough to call for every chunk. */
  at(bytes: number): void {
    this.show((elapsedMs, columns) => progressLine({ bytes, total: this.total, elapsedMs }, columns));
  }

  /**
   * Draws the caller's line if an update is due. `line` gets the milliseconds since the start and
   * the free columns.
   */
  show(line: (elapsedMs: number, columns: number) => string): void {
    const now = performance.now();
    if (now < this.#due) return;
    this.#due = now + INTERVAL_MS;
    const columns = freeColumns();
    if (columns === undefined) return;
    // Leaves the last column free, because the terminal would wrap to the next row.
    const text = line(now - this.#started, columns - 1);
    this.#draw(text.padEnd(Math.min(this.#drawn, columns - 1)), text.length);
  }

  /**
   * Works as {@link erase}, for output to the same terminal: visible output needs no progress line.
   */
  giveWay(): void {
    this.erase();
    this.#due = performance.now() + PATIENCE_MS;
  }

  /** Clears the line. Call it before writing anything else to the terminal, and at the end. */
  erase(): void {
    const columns = this.#drawn === 0 ? undefined : freeColumns();
    if (columns !== undefined) this.#draw(" ".repeat(Math.min(this.#drawn, columns - 1)), 0);
  }

  /** Returns the cursor at once, so that other output starts in the first column. */
  #draw(text: string, length: number): void {
    this.#drawn = length;
    try {
      writeSync(2, `${text}\r`);
    } catch {}
  }
}

/**
 * Formats `1.2 GiB of 4.0 GiB, 30 %, 250 MiB/s, ETA 0:11`, or without a total `1.2 GiB, 250 MiB/s`.
 * Truncates it to `columns`.
 */
export function progressLine({ bytes, total, elapsedMs }: ProgressState, columns: number): string {
  const rate = elapsedMs > 0 ? (bytes / elapsedMs) * 1000 : 0;
  const speed = `${humanBytes(rate)}/s`;
  if (total === undefined || total < bytes || total === 0)
    return `${humanBytes(bytes)}, ${speed}`.slice(0, Math.max(0, columns));
  const parts = [`${humanBytes(bytes)} of ${humanBytes(total)}`, `${Math.floor((bytes / total) * 100)} %`, speed];
  if (rate > 0) parts.push(`ETA ${clock((total - bytes) / rate)}`);
  return parts.join(", ").slice(0, Math.max(0, columns));
}

/** Formats `12345 files, 1.2 GiB, 8230 files/s`; without a size if `bytes` is undefined. */
export function filesLine(files: number, bytes: number | undefined, elapsedMs: number, columns: number): string {
  const parts = [`${files} files`];
  if (bytes !== undefined) parts.push(humanBytes(bytes));
  if (elapsedMs > 0) parts.push(`${Math.round((files / elapsedMs) * 1000)} files/s`);
  return parts.join(", ").slice(0, Math.max(0, columns));
}

/**
 * Formats a number of bytes in the largest unit of 1024 whose value is at least 1. Values below ten
 * have one decimal.
 */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (unit < units.length - 1 && Math.round(value) >= 1024) {
    value /= 1024;
    unit++;
  }
  const isShort = unit > 0 && value < 9.95;
  return `${isShort ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/**
 * Formats minutes and seconds, and hours from one hour on. Rounds up, so that unfinished work never
 * shows 0:00.
 */
function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

function freeColumns(): number | undefined {
  const state = terminalState(2);
  return state?.isLineMode && state.isForeground ? state.columns : undefined;
}
