import { INVALID_BYTE } from "./decode.ts";

/** The inverse of decodeText: lone surrogates U+DC80..U+DCFF turned back into the bytes they stand for. */
export function encodeText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  const parts: Buffer[] = [];
  // With the flag u a pair of surrogates is one character and not taken apart.
  for (const piece of text.split(/([\udc80-\udcff])/u)) {
    const code = piece.length === 1 ? piece.charCodeAt(0) : 0;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - INVALID_BYTE) : Buffer.from(piece));
  }
  return Buffer.concat(parts);
}

/** How many bytes decodeText made this of. */
export function encodedLength(text: string): number {
  return text.isWellFormed() ? Buffer.byteLength(text) : encodeText(text).length;
}
