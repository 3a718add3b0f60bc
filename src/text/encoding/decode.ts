import { isAscii, isUtf8 } from "node:buffer";

/**
 * The offset that is added to a byte of invalid UTF-8. The result is a lone surrogate
 * U+DC80..U+DCFF, which no decoder produces (Python's surrogateescape).
 */
export const INVALID_BYTE = 0xdc00;

/**
 * Decodes UTF-8 without loss: each byte outside of a valid sequence becomes the lone surrogate
 * U+DC00 + byte, which the sanitiser shows as `<XX>`. Not valid are overlong forms, encoded
 * surrogates, stray continuation bytes and truncated sequences.
 */
export function decodeText(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isAscii(buffer)) return latin1Text(buffer);
  if (isUtf8(buffer)) return buffer.toString("utf8");
  let text = "";
  let valid = 0;
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceLength(buffer, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += buffer.toString("utf8", valid, at) + String.fromCharCode(INVALID_BYTE + (buffer[at] ?? 0));
    valid = ++at;
  }
  return text + buffer.toString("utf8", valid);
}

/**
 * Decodes one character for each byte. Node keeps strings longer than MAX_IN_HEAP outside of V8's
 * heap. V8 collects those only when a thread has 64 MB of them, so a file of long lines would use
 * that much. A joined string is in the heap. Very long strings are rare.
 */
export function latin1Text(bytes: Buffer): string {
  if (bytes.length <= MAX_IN_HEAP || bytes.length > MAX_JOINED) return bytes.toString("latin1");
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += MAX_IN_HEAP)
    parts.push(bytes.toString("latin1", at, Math.min(at + MAX_IN_HEAP, bytes.length)));
  return parts.join("");
}

const MAX_IN_HEAP = 1_000_000;
const MAX_JOINED = 4 * 1024 * 1024;

/**
 * The largest offset up to `end` that does not split a UTF-8 sequence, for decoding the beginning
 * of a long line.
 */
export function characterBoundary(bytes: Uint8Array, end: number): number {
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back] ?? 0;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return leadLength(byte) > back ? end - back : end;
  }
  return end;
}

/** Returns the length of the valid sequence at `at`, or 0 (Unicode 15, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = leadLength(lead);
  if (length < 2 || at + length > bytes.length) return 0;
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1] ?? 0;
  const overlong = (lead === 0xe0 && second < 0xa0) || (lead === 0xf0 && second < 0x90);
  const outside = (lead === 0xed && second > 0x9f) || (lead === 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : length;
}

function leadLength(byte: number): number {
  if (byte >= 0xc2 && byte <= 0xdf) return 2;
  if (byte >= 0xe0 && byte <= 0xef) return 3;
  if (byte >= 0xf0 && byte <= 0xf4) return 4;
  return 0;
}
