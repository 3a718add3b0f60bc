import { fstatSync, readFileSync } from "node:fs";
import { sizeByReading } from "../../src/follow/index.ts";
import { connect, type OpenFile } from "../../src/sessions/index.ts";
import { inputPieces } from "../io/standard-input.ts";

/** Input of head and tail: a file of a target, or standard input. */
export interface Input {
  /** The open file; undefined for a standard input that cannot seek. */
  file: OpenFile | undefined;
  /** The initial offset. Another program may have read a part of a shared standard input. */
  start: number;
  isStdin: boolean;
  /** Receives every chunk of a file that cannot seek. */
  passed?: (piece: Buffer) => void;
}

/**
 * Maximum size of files that are read until end of file: the size of files in /proc and /sys is not
 * reliable.
 */
const THROUGH = 64 * 1024;

/** Maximum bytes of a piece. */
const PIECE = 64 * 1024;

/** Opens standard input: a regular file with its offset, any other kind as a stream. */
export async function standardInput(): Promise<Input> {
  if (!fstatSync(0).isFile()) return { file: undefined, start: 0, isStdin: true };
  const position = /^pos:\s*(\d+)/m.exec(readFileSync("/proc/self/fdinfo/0", "latin1"))?.[1];
  const file = await (await connect("/")).open("/proc/self/fd/0");
  return { file, start: Number(position ?? 0), isStdin: true };
}

/**
 * Returns the end of a file that can seek and has a reliable size; undefined if the file must be
 * read to its end.
 */
export function seekableSize({ file, start }: Input): number | undefined {
  if (!file?.isSeekable) return undefined;
  const size = file.kind === "block device" ? sizeByReading((at, buffer) => file.read(buffer, at)) : file.size();
  return size - start > THROUGH || size >= 2 ** 32 ? size : undefined;
}

/** Yields the content in chunks, from `from` (if the input can seek) up to `to` or to the end. */
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
  if (to !== Number.POSITIVE_INFINITY) return yield* bounded(file, from, to);
  yield* file.stream({ start: from });
}

/** Reads with buffers that are no larger than the rest: tail may print a line of 10,000 files. */
function* bounded(file: OpenFile, from: number, to: number): Generator<Buffer> {
  for (let at = from; at < to; ) {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE, to - at));
    const length = file.read(buffer, at);
    if (length === 0) return;
    at += length;
    yield buffer.subarray(0, length);
  }
}
