import { INVALID_BYTE } from "./decode.ts";

/** The inverse of decodeText: lone surrogates U+DC80..U+DCFF become their bytes. */
export function encodeText(text: string): Buffer {
  const ascii = text.length <= SHORT ? encodeAscii(text) : undefined;
  if (ascii !== undefined) return ascii;
  if (text.isWellFormed()) return Buffer.from(text);
  const parts: Buffer[] = [];
  // The flag u keeps surrogate pairs together.
  for (const piece of text.split(/([\udc80-\udcff])/u)) {
    const code = piece.length === 1 ? piece.charCodeAt(0) : 0;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - INVALID_BYTE) : Buffer.from(piece));
  }
  return Buffer.concat(parts);
}

/** Up to this length, encoding in JavaScript costs less than Node's function in C++. */
const SHORT = 128;

function encodeAscii(text: string): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return undefined;
    bytes[at] = code;
  }
  return bytes;
}

/** Number of bytes that decodeText decoded to this text. */
export function encodedLength(text: string): number {
  return text.isWellFormed() ? Buffer.byteLength(text) : encodeText(text).length;
}
