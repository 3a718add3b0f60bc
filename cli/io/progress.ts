import { writeSync } from "node:fs";
import { terminalState } from "../../src/descriptors/index.ts";

/** Work that is done by then needs no progress. */
const PATIENCE_MS = 500;
const INTERVAL_MS = 100;

/** What a progress line tells. */
export interface ProgressState {
  bytes: number;
  /** Of which `bytes` is a part; undefined, or less than that, where nobody knows. */
  total: number | undefined;
  elapsedMs: number;
}

/**
 * The progress of long work: one line on the terminal at standard error, drawn over itself. Nothing is drawn in the first half second, nor more
 * often than ten times a second, nor while the terminal is somebody else's: a pager at the end of our pipe, the shell that put us in the background.
 */
export class Progress {
  /** Bytes that there are to do, where that is known. */
  total: number | undefined;
  readonly #started = performance.now();
  #due = this.#started + PATIENCE_MS;
  #drawn = 0;

  constructor(total?: number) {
    this.total = total;
  }

  /** Tells that so many bytes are done; call it as often as you like. */
  at(bytes: number): void {
    this.show((elapsedMs, columns) => progressLine({ bytes, total: this.total, elapsedMs }, columns));
  }

  /** Draws a line of the caller's, when it is time to: `line` gets the milliseconds since the start and the columns that there are. */
  show(line: (elapsedMs: number, columns: number) => string): void {
    const now = performance.now();
    if (now < this.#due) return;
    this.#due = now + INTERVAL_MS;
    const columns = freeColumns();
    if (columns === undefined) return;
    // The last column stays free: after it the terminal would begin another row.
    const text = line(now - this.#started, columns - 1);
    this.#draw(text.padEnd(Math.min(this.#drawn, columns - 1)), text.length);
  }

  /** As {@link erase}, where the output is the same terminal: while that moves by itself, nothing needs to be told. */
  giveWay(): void {
    this.erase();
    this.#due = performance.now() + PATIENCE_MS;
  }

  /** Leaves the row as it was; before anything else is written there, and at the end. */
  erase(): void {
    const columns = this.#drawn === 0 ? undefined : freeColumns();
    if (columns !== undefined) this.#draw(" ".repeat(Math.min(this.#drawn, columns - 1)), 0);
  }

  /** The cursor goes back at once, so that what others write begins where it should. */
  #draw(text: string, length: number): void {
    this.#drawn = length;
    try {
      writeSync(2, `${text}\r`);
    } catch {}
  }
}

/** `1.2 GiB of 4.0 GiB, 30 %, 250 MiB/s, ETA 0:11`, or without a total `1.2 GiB, 250 MiB/s`; what does not fit in `columns` is cut off. */
export function progressLine({ bytes, total, elapsedMs }: ProgressState, columns: number): string {
  const rate = elapsedMs > 0 ? (bytes / elapsedMs) * 1000 : 0;
  const speed = `${humanBytes(rate)}/s`;
  if (total === undefined || total < bytes || total === 0)
    return `${humanBytes(bytes)}, ${speed}`.slice(0, Math.max(0, columns));
  const parts = [`${humanBytes(bytes)} of ${humanBytes(total)}`, `${Math.floor((bytes / total) * 100)} %`, speed];
  if (rate > 0) parts.push(`ETA ${clock((total - bytes) / rate)}`);
  return parts.join(", ").slice(0, Math.max(0, columns));
}

/** `12345 files, 1.2 GiB, 8230 files/s`; without bytes where nobody adds them up. */
export function filesLine(files: number, bytes: number | undefined, elapsedMs: number, columns: number): string {
  const parts = [`${files} files`];
  if (bytes !== undefined) parts.push(humanBytes(bytes));
  if (elapsedMs > 0) parts.push(`${Math.round((files / elapsedMs) * 1000)} files/s`);
  return parts.join(", ").slice(0, Math.max(0, columns));
}

/** In the largest unit of 1024 that leaves a whole number, with one decimal below ten. */
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

/** Minutes and seconds, with hours where there are some; rounded up, for nothing is done in 0:00. */
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
