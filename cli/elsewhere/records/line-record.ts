import { pathBytes } from "../../../src/target.ts";

/** A record of `tail --json`, as a node sends it. */
export interface LineRecord {
  target: string;
  /** The line without its delimiter. */
  bytes: Buffer;
  /** True if the line has no delimiter yet. */
  isPartial: boolean;
  /** The record's timestamp; undefined if the line has none. */
  time: string | undefined;
  /** The record itself, with its newline. */
  json: Uint8Array;
}

/** Parses a record. Returns undefined if the bytes are not a record. */
export function parseRecord(json: Uint8Array): LineRecord | undefined {
  try {
    const { target, line, time, partial } = JSON.parse(
      Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString(),
    ) as Record<string, unknown>;
    if (typeof target !== "string" || typeof line !== "string" || target.length > MAX_TARGET) return undefined;
    const bytes = pathBytes(line);
    return { target, bytes, isPartial: partial === true, time: isTime(time) ? time : undefined, json };
  } catch {
    return undefined;
  }
}

/** Parses the record before a chunk (chunkRecord()). Returns undefined for any other bytes. */
export function parseChunkHead(json: Uint8Array): { target: string; length: number } | undefined {
  try {
    const head = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
    if (head.toString("latin1", 0, CHUNK.length) !== CHUNK) return undefined;
    const { target, chunk } = JSON.parse(head.toString()) as Record<string, unknown>;
    if (typeof target !== "string" || target.length > MAX_TARGET) return undefined;
    return typeof chunk === "number" && Number.isSafeInteger(chunk) && chunk >= 0
      ? { target, length: chunk }
      : undefined;
  } catch {
    return undefined;
  }
}

/** The beginning of the record before a chunk. */
const CHUNK = '{"chunk":';

/** Maximum length of a target: a name and a path of 4,096 bytes. */
const MAX_TARGET = 8192;
/** Maximum number of targets that are remembered: a place may send any names. */
const MAX_TARGETS = 10_000;

/** Sets the value of a target. Removes the oldest target of a full map. */
export function remember<Value>(map: Map<string, Value>, target: string, value: Value): Value {
  if (map.size >= MAX_TARGETS && !map.has(target)) map.delete(map.keys().next().value ?? "");
  map.set(target, value);
  return value;
}

/** A record that reports the time before which a place has sent all lines. */
export interface TimeMark {
  /** Milliseconds since 1970. */
  before: number;
}

/** Parses the record of {@link markRecord}. Returns undefined for any other bytes. */
export function parseMark(json: Uint8Array): TimeMark | undefined {
  const [, before] = /^\{"before":"([^"]+)"\}\n$/.exec(Buffer.from(json.subarray(0, 100)).toString()) ?? [];
  return isTime(before) ? { before: milliseconds(before) } : undefined;
}

function isTime(time: unknown): time is string {
  return typeof time === "string" && Number.isFinite(milliseconds(time));
}

/** Converts an ISO time in UTC with up to nine fractional digits to milliseconds since 1970. */
export function milliseconds(time: string): number {
  const fraction = time.slice(23, -1);
  return Date.parse(`${time.slice(0, 23)}Z`) + (fraction === "" ? 0 : Number(`0.${fraction}`));
}
