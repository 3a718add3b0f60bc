import { isAscii, isUtf8 } from "node:buffer";
import { characterBoundary, decodeText, latin1Text } from "./decode.ts";

/** The character encoding of a file. */
export type Encoding = "utf-8" | "latin1" | "utf-16le" | "utf-16be";

/** The supported encodings. */
export const ENCODINGS: readonly Encoding[] = ["utf-8", "latin1", "utf-16le", "utf-16be"];

/** Byte order marks, skipped at the beginning of a file. */
const MARKS: readonly [Encoding, Buffer][] = [
  ["utf-8", Buffer.from([0xef, 0xbb, 0xbf])],
  ["utf-16le", Buffer.from([0xff, 0xfe])],
  ["utf-16be", Buffer.from([0xfe, 0xff])],
];

/** Matches Latin-1 letters and signs. Damaged UTF-8 also has other bytes. */
const LATIN1_TEXT = /^[\t-\r\x1b\x20-\x7e\xa0-\xff]*$/;
const UTF8_SEQUENCE = /[\xc3-\xf4][\x80-\xbf]/;

/**
 * Detects the encoding from the beginning of a file. Uses its byte order mark, else UTF-8, unless
 * the bytes are invalid UTF-8 and plausible Latin-1. `mark`: bytes of the byte order mark.
 */
export function detectEncoding(head: Buffer): { encoding: Encoding; mark: number } {
  for (const [encoding, mark] of MARKS)
    if (head.subarray(0, mark.length).equals(mark)) return { encoding, mark: mark.length };
  const whole = head.subarray(0, characterBoundary(head, head.length));
  if (isAscii(whole) || isUtf8(whole)) return { encoding: "utf-8", mark: 0 };
  const text = whole.toString("latin1");
  return { encoding: LATIN1_TEXT.test(text) && !UTF8_SEQUENCE.test(text) ? "latin1" : "utf-8", mark: 0 };
}

/** True for many control characters. Real logs have holes and a few NULs. */
export function looksBinary(head: Buffer): boolean {
  if (head.length === 0 || detectEncoding(head).encoding.startsWith("utf-16")) return false;
  // A loop takes 2 ms for 4 KiB at the start of a program.
  const text = head.toString("latin1");
  if (!CONTROL.test(text)) return false;
  const zeros = text.split("\0").length - 1;
  const controls = text.split(CONTROL).length - 1 - zeros;
  if (zeros === head.length) return false;
  return controls * 20 > head.length - zeros || (zeros * 4 > head.length && controls > 0);
}

/** NUL, and controls that texts do not have: not BEL to CR, nor ESC. */
const CONTROL = /[\0-\x06\x0e-\x1a\x1c-\x1f\x7f]/;

/** Bytes of a code unit; a newline is one unit. */
export function unitOf(encoding: Encoding): 1 | 2 {
  return encoding === "utf-16le" || encoding === "utf-16be" ? 2 : 1;
}

/** Decodes without loss; see {@link decodeText} for invalid UTF-8. */
export function decodeAs(bytes: Uint8Array, encoding: Encoding): string {
  if (encoding === "utf-8") return decodeText(bytes);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (encoding === "latin1") return latin1Text(buffer);
  const even = buffer.length - (buffer.length % 2);
  const text =
    encoding === "utf-16le"
      ? buffer.toString("utf16le", 0, even)
      : Buffer.from(buffer.subarray(0, even)).swap16().toString("utf16le");
  return even < buffer.length ? text + String.fromCharCode(0xdc00 + (buffer[even] ?? 0)) : text;
}

/** The inverse of {@link decodeAs}, for inserted text. */
export function encodeAs(text: string, encoding: Encoding): Uint8Array {
  if (encoding === "utf-8") return Buffer.from(text);
  if (encoding === "latin1") return Buffer.from(text, "latin1");
  const bytes = Buffer.from(text, "utf16le");
  return encoding === "utf-16le" ? bytes : bytes.swap16();
}

/** The largest offset up to `end` that does not split a character. */
export function boundaryAs(bytes: Uint8Array, end: number, encoding: Encoding): number {
  if (encoding === "utf-8") return characterBoundary(bytes, end);
  if (encoding === "latin1") return end;
  const even = end - (end % 2);
  // A high surrogate is part of the next unit.
  const high = bytes[encoding === "utf-16le" ? even - 1 : even - 2] ?? 0;
  return even >= 2 && high >= 0xd8 && high <= 0xdb ? even - 2 : even;
}

/**
 * Returns the same lines as UTF-8, which patterns can search. Returns the same bytes if they are
 * UTF-8 already.
 */
export function asUtf8(bytes: Buffer, encoding: Encoding): Buffer {
  if (encoding === "utf-8" || (encoding === "latin1" && isAscii(bytes))) return bytes;
  return Buffer.from(decodeAs(bytes, encoding));
}
