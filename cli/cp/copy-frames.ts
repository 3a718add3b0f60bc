import type { FileTimes } from "../../src/descriptors/index.ts";

/*
 * Copies for another machine, on standard output: frames of a kind, the length of the payload (4
 * bytes, big-endian) and the payload. Numbers are big-endian.
 *
 *   'n' length, name, place   the name of a copy from another place (2 bytes), before 'c'
 *   'c' count           the number of sources, first (4 bytes)
 *   'd' name            a directory, inside of the one before it until its 'u'
 *   'm' attributes      for a directory that the receiver has made, before its 'u'
 *   'u'                 the end of a directory
 *   'f' name            a file
 *   'b' offset, bytes   a part of the file (8 bytes and the content); what no part has is a hole
 *   'e' size, attributes   the end of the file (8 bytes)
 *   'x'                 the file could not be read to its end
 *   'l' length, name, text, attributes   a symbolic link; the length is the name's (2 bytes)
 *
 * Attributes are the mode (4 bytes), then the times of access and change in nanoseconds (8 each).
 */

export type FrameKind = "n" | "c" | "d" | "m" | "u" | "f" | "b" | "e" | "x" | "l";

export const FRAME_HEAD = 5;
/** Maximum bytes of a payload. */
export const MAX_FRAME = 1024 * 1024;
export const ATTRIBUTES = 20;

export interface Attributes {
  mode: number;
  times: FileTimes;
}

export function frame(kind: FrameKind, ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(FRAME_HEAD);
  head.write(kind, "latin1");
  head.writeUInt32BE(
    parts.reduce((sum, { length }) => sum + length, 0),
    1,
  );
  return Buffer.concat([head, ...parts]);
}

export function attributes({ mode, times }: Attributes): Buffer {
  const bytes = Buffer.alloc(ATTRIBUTES);
  bytes.writeUInt32BE(mode, 0);
  bytes.writeBigInt64BE(times.atime, 4);
  bytes.writeBigInt64BE(times.mtime, 12);
  return bytes;
}

/** @throws RangeError if the bytes are too few */
export function readAttributes(bytes: Buffer): Attributes {
  return {
    mode: bytes.readUInt32BE(0),
    times: { atime: bytes.readBigInt64BE(4), mtime: bytes.readBigInt64BE(12) },
  };
}

export function number(value: number | bigint, bytes: 2 | 4 | 8): Buffer {
  const all = Buffer.alloc(8);
  all.writeBigInt64BE(BigInt(value));
  return all.subarray(8 - bytes);
}
