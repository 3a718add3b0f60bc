import { fstatSync, readFileSync } from "node:fs";
import { sizeByReading } from "../../src/follow/index.ts";
import { connect, type OpenFile } from "../../src/sessions/index.ts";
import { inputPieces } from "../io/standard-input.ts";

/** What head and tail read from: a file of a target, or standard input. */
export interface Input {
  /** The open file; undefined for a standard input without positions. */
  file: OpenFile | undefined;
  /** Where reading begins: what another program has read of a shared standard input is not read again. */
  start: number;
  isStdin: boolean;
  /** Hears of every piece of what has no positions. */
  passed?: (piece: Buffer) => void;
}

/** Up to this size a file is read through instead: it may be one of /proc or /sys, whose size says nothing. */
const THROUGH = 64 * 1024;

/** A regular standard input with its positions, anything else as a stream. */
export async function standardInput(): Promise<Input> {
  if (!fstatSync(0).isFile()) return { file: undefined, start: 0, isStdin: true };
  const position = /^pos:\s*(\d+)/m.exec(readFileSync("/proc/self/fdinfo/0", "latin1"))?.[1];
  const file = await (await connect("/")).open("/proc/self/fd/0");
  return { file, start: Number(position ?? 0), isStdin: true };
}

/** End of what has positions and a size that can be relied on; undefined: read it through. */
export function sizeOf({ file, start }: Input): number | undefined {
  if (!file?.isSeekable) return undefined;
  const size = file.kind === "block device" ? sizeByReading((at, buffer) => file.read(buffer, at)) : file.size();
  return size - start > THROUGH || size >= 2 ** 32 ? size : undefined;
}

/** The content in pieces, from `from` (with positions only) to `to`, or to the end. */
export async function* pieces(input: Input, from = input.start, to = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer> {
  const { file } = input;
  if (!file) return yield* inputPieces();
  if (!file.isSeekable) {
    for await (const piece of file.stream()) {
      input.passed?.(piece);
      yield piece;
    }
    return;
  }
  let at = from;
  for await (const piece of file.stream({ start: from })) {
    if (at + piece.length >= to) {
      yield piece.subarray(0, to - at);
      return;
    }
    at += piece.length;
    yield piece;
  }
}
