import type { ByteSource } from "../sources/byte-source.ts";
import { layoutRow } from "./layout.ts";
import type { LineSpace } from "./lines.ts";
import type { Mark } from "./paint.ts";

/** Rows of bytes by offset, all of one length. */
export class HexRows implements LineSpace {
  readonly #source: ByteSource;
  readonly bytes: number;

  constructor(source: ByteSource, bytes: number) {
    this.#source = source;
    this.bytes = bytes;
  }

  first(): number | undefined {
    return this.at(this.#source.start());
  }

  last(): number | undefined {
    return this.at(this.#source.end() - 1);
  }

  next(line: number): number | undefined {
    return line + this.bytes < this.#source.end() ? line + this.bytes : undefined;
  }

  previous(line: number): number | undefined {
    return line > this.#source.start() ? line - this.bytes : undefined;
  }

  has(line: number): boolean {
    return this.at(line) === line;
  }

  at(offset: number): number | undefined {
    const [start, end] = [this.#source.start(), this.#source.end()];
    if (end <= start) return undefined;
    const inside = Math.min(Math.max(offset, start), end - 1);
    return Math.floor(inside / this.bytes) * this.bytes;
  }
}

/** Bytes of a row that fits the columns: a power of two, 4 to 64. */
export function hexBytesFor(columns: number): number {
  for (let bytes = 64; bytes > 4; bytes /= 2) if (hexRowWidth(bytes) <= columns) return bytes;
  return 4;
}

function hexRowWidth(bytes: number): number {
  return ADDRESS + 2 + bytes * 3 + Math.floor((bytes - 1) / 8) + 2 + bytes + 1;
}

const ADDRESS = 10;

/**
 * A row of hexadecimal numbers and characters. The first `before` bytes do not exist (the source
 * starts later). `hits`: byte ranges in reverse video.
 */
export function hexRow(
  offset: number,
  bytes: Uint8Array,
  view: { bytes: number; width: number; left: number; colours: "pass" | "drop"; before: number },
  hits: readonly Mark[],
): string {
  let text = `${offset.toString(16).padStart(ADDRESS, "0")} `;
  const marks: Mark[] = [{ start: 0, end: text.length, look: { attributes: [2] } }];
  const columns: number[] = [];
  for (let at = 0; at < view.bytes; at++) {
    text += at % 8 === 0 && at > 0 ? "  " : " ";
    columns.push(text.length);
    const byte = at < view.before ? undefined : bytes[at];
    text += byte === undefined ? "  " : byte.toString(16).padStart(2, "0");
    if (byte === 0) marks.push({ start: text.length - 2, end: text.length, look: { attributes: [2] } });
  }
  text += "  ";
  const characters = text.length;
  for (let at = 0; at < Math.min(view.bytes, bytes.length); at++) {
    const byte = bytes[at] ?? 0;
    const isShown = byte >= 0x20 && byte < 0x7f;
    text += at < view.before ? " " : isShown ? String.fromCharCode(byte) : ".";
  }
  const over = hits.flatMap(({ start, end }) => {
    const [from = 0, to = 0] = [columns[start], (columns[end - 1] ?? 0) + 2];
    return [
      { start: from, end: to },
      { start: characters + start, end: characters + end },
    ];
  });
  over.sort((a, b) => a.start - b.start);
  const under = marks.filter(({ start, end }) => !over.some((one) => one.start < end && start < one.end));
  const all = [...under, ...over].sort((a, b) => a.start - b.start);
  return layoutRow(text, { left: view.left, width: view.width, colours: view.colours, marks: all, more: "" }).text;
}
