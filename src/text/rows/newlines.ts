import { type Encoding, unitOf } from "../encoding/encoding.ts";
import { countNewlines as countBytes } from "../search/count.ts";

const NEWLINE = 10;

/**
 * Index of the last byte of the first newline at or after `from`, or -1. `bytes` begin at an even
 * offset of the file.
 */
export function findNewline(bytes: Buffer, from: number, encoding: Encoding): number {
  if (unitOf(encoding) === 1) return bytes.indexOf(NEWLINE, from);
  for (let at = bytes.indexOf(NEWLINE, from); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) {
    const end = unitEnd(bytes, at, encoding);
    if (end !== -1 && end - 1 >= from) return end;
  }
  return -1;
}

/** Index of the last byte of the last newline that ends before `to`, or -1. */
export function findNewlineBack(bytes: Buffer, to: number, encoding: Encoding): number {
  if (unitOf(encoding) === 1) return to <= 0 ? -1 : bytes.lastIndexOf(NEWLINE, to - 1);
  const part = bytes.subarray(0, to);
  for (let at = part.lastIndexOf(NEWLINE); at !== -1; at = at === 0 ? -1 : part.lastIndexOf(NEWLINE, at - 1)) {
    const end = unitEnd(part, at, encoding);
    if (end !== -1) return end;
  }
  return -1;
}

/** Counts newlines in [from, to). */
export function countLines(bytes: Buffer, from: number, to: number, encoding: Encoding): number {
  if (unitOf(encoding) === 1) return countBytes(bytes, from, to);
  const part = bytes.subarray(0, to);
  let count = 0;
  for (let at = findNewline(part, from, encoding); at !== -1; at = findNewline(part, at + 1, encoding)) count++;
  return count;
}

/**
 * For a byte that may be half of a UTF-16 newline, returns the index of its unit's last byte, or
 * -1.
 */
function unitEnd(bytes: Buffer, at: number, encoding: Encoding): number {
  if (encoding === "utf-16le") return at % 2 === 0 && bytes[at + 1] === 0 ? at + 1 : -1;
  return at % 2 === 1 && bytes[at - 1] === 0 ? at : -1;
}
