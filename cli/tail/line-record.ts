import { pathText } from "../../src/target.ts";
import { jsonLine } from "../io/json.ts";

/** The engine's metadata for a line of a container's output. */
export interface RecordOrigin {
  stream: "stdout" | "stderr";
  /** Nanoseconds since 1970. */
  time: bigint | undefined;
}

/**
 * Returns the record of a line in `tail --json` and `head --json`: see docs/json.md.
 * @param bytes the line, with its delimiter if it has one
 */
export function lineRecord(
  target: string,
  bytes: Uint8Array,
  delimiter: number,
  time: number | undefined,
  origin?: RecordOrigin,
): Uint8Array {
  const isWhole = bytes.at(-1) === delimiter;
  const record = {
    target,
    line: pathText(isWhole ? bytes.subarray(0, -1) : bytes),
    time:
      origin?.time !== undefined ? exactTime(origin.time) : time === undefined ? null : new Date(time).toISOString(),
    stream: origin?.stream,
    partial: isWhole ? undefined : true,
  };
  return Buffer.from(jsonLine(record));
}

/**
 * Returns a part of a file for another porthole: a record with its length, and the bytes
 * themselves. They may have any number of lines. Escapes for JSON would take most of the time.
 */
export function chunkRecord(target: string, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(jsonLine({ chunk: bytes.length, target })), bytes]);
}

/**
 * Returns the record that answers {@link MARK_SIGNAL}: all lines before this time were printed. A
 * merge of several places reads it.
 * @param time milliseconds since 1970
 */
export function markRecord(time: number): Uint8Array {
  return Buffer.from(jsonLine({ before: new Date(time).toISOString() }));
}

/**
 * Requests a mark from `tail --json --merge -f`. A process without a handler ignores this signal
 * (signal(7)).
 */
export const MARK_SIGNAL = "SIGURG";

function exactTime(time: bigint): string {
  const second = new Date(Number(time / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${second}.${String(time % 1_000_000_000n).padStart(9, "0")}Z`;
}
