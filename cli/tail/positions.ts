import { type Identity, identityOf } from "../../src/follow/index.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import { jsonLine } from "../io/json.ts";
import { PartVariable } from "../io/part-of-several.ts";

/*
 * A run of `tail --json` for another porthole reports its positions. If the connection is lost, the
 * next run continues at them: no line is lost or printed twice, also without timestamps.
 */

/** A position in a file that is followed. */
export interface Position {
  /** Inode and birth time. The device may change when a container is started again. */
  file: string;
  /** Byte offset. */
  at: number;
}

/** A position at which a run continues, and the last bytes before it. */
export interface ResumePosition extends Position {
  before: Buffer;
}

/** The target of the record that follows the first positions of all files. */
export const ALL_BEGUN = "";

/** Maximum characters of the positions of a run: an environment variable has at most 128 KiB. */
const MAX_TEXT = 100_000;

/**
 * Returns the value of the variable {@link PartVariable.positions}, and the targets in it: it has a
 * maximum size.
 */
export function positionsText(positions: ReadonlyMap<string, ResumePosition>): { text: string; kept: Set<string> } {
  const values: Record<string, [string, number, string]> = {};
  const kept = new Set<string>();
  let length = 0;
  for (const [target, { file, at, before }] of positions) {
    length += Buffer.byteLength(JSON.stringify(target)) + file.length + before.length * 2 + 40;
    if (length > MAX_TEXT) break;
    values[target] = [file, at, before.toString("base64")];
    kept.add(target);
  }
  return { text: JSON.stringify(values), kept };
}

let parsed: Record<string, [string, number, string]> | undefined;

function received(): Record<string, [string, number, string]> | undefined {
  const text = process.env[PartVariable.positions];
  if (text === undefined) return undefined;
  parsed ??= JSON.parse(text) as Record<string, [string, number, string]>;
  return parsed;
}

/** True if this run reports its positions. */
export function reportsPositions(): boolean {
  return process.env[PartVariable.positions] !== undefined;
}

/** The position at which this run continues with a target. */
export function resumePosition(target: string): ResumePosition | undefined {
  const [file, at = 0, before = ""] = received()?.[target] ?? [];
  return file === undefined ? undefined : { file, at, before: Buffer.from(before, "base64") };
}

/** True if the file is the one of the position, and was only appended to. */
export function continuesAt(file: OpenFile, size: number, { file: id, at, before }: ResumePosition): boolean {
  if (fileId(identityOf(file.stat)) !== id || at > size) return false;
  const found = Buffer.alloc(before.length);
  return before.length === 0 || (file.read(found, at - before.length) === found.length && found.equals(before));
}

export function fileId({ inode, born }: Identity): string {
  return `${inode} ${born ?? ""}`;
}

/** Returns the record of a position; without a position, the target has none from now on. */
export function positionRecord(target: string, position: Position | undefined): Uint8Array {
  return Buffer.from(jsonLine({ target, file: position?.file ?? null, at: position?.at ?? 0 }));
}

/** A record of {@link positionRecord}. */
export interface PositionRecord {
  target: string;
  position: Position | undefined;
}

/** Parses a record of {@link positionRecord}. Returns undefined for any other bytes. */
export function parsePosition(json: Uint8Array): PositionRecord | undefined {
  try {
    const { target, file, at } = JSON.parse(Buffer.from(json).toString()) as Record<string, unknown>;
    if (typeof target !== "string" || file === undefined || !Number.isSafeInteger(at)) return undefined;
    return { target, position: typeof file === "string" ? { file, at: Number(at) } : undefined };
  } catch {
    return undefined;
  }
}
