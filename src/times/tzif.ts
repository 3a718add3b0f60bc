import { posixZone } from "./posix-zone.ts";
import type { Zone } from "./zone.ts";

const HEADER = 44;

/** The counts in a header, in file order. */
interface Counts {
  isUt: number;
  isStandard: number;
  leaps: number;
  times: number;
  types: number;
  characters: number;
}

/**
 * A compiled time zone, such as /etc/localtime (tzfile(5), RFC 8536). Undefined for invalid bytes.
 */
export function tzifZone(bytes: Uint8Array, name: string): Zone | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    const first = counts(view, 0);
    if (first === undefined) return undefined;
    if (view.getUint8(4) === 0) return zoneOf(view, HEADER, first, 4, name);
    const at = HEADER + blockLength(first, 4);
    const second = counts(view, at);
    return second && zoneOf(view, at + HEADER, second, 8, name);
  } catch (error) {
    // The file is truncated.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function counts(view: DataView, at: number): Counts | undefined {
  if (view.getUint32(at) !== 0x545a_6966) return undefined;
  const count = (index: number) => view.getUint32(at + 20 + 4 * index);
  return {
    isUt: count(0),
    isStandard: count(1),
    leaps: count(2),
    times: count(3),
    types: count(4),
    characters: count(5),
  };
}

function blockLength({ isUt, isStandard, leaps, times, types, characters }: Counts, width: number): number {
  return times * (width + 1) + types * 6 + characters + leaps * (width + 4) + isStandard + isUt;
}

/** @param width bytes of a time */
function zoneOf(view: DataView, at: number, block: Counts, width: number, name: string): Zone | undefined {
  const { times, types } = block;
  const end = at + blockLength(block, width);
  if (end > view.byteLength || types === 0) return undefined;
  const typesAt = at + times * (width + 1);
  const offsetOf = (type: number) => view.getInt32(typesAt + 6 * type) * 1000;
  const isSummer = (type: number) => view.getUint8(typesAt + 6 * type + 4) !== 0;
  const changes = Array.from({ length: times }, (_, index) => ({
    at: (width === 4 ? view.getInt32(at + 4 * index) : Number(view.getBigInt64(at + 8 * index))) * 1000,
    offset: offsetOf(Math.min(view.getUint8(at + times * width + index), types - 1)),
  }));
  const early = Array.from({ length: types }, (_, type) => type).find((type) => !isSummer(type)) ?? 0;
  const rest = posixZone(footer(view, end));
  return {
    name,
    offsetAt(instant) {
      const last = changes.at(-1);
      if (rest && (last === undefined || instant >= last.at)) return rest.offsetAt(instant);
      return changes[indexBefore(changes, instant)]?.offset ?? offsetOf(early);
    },
  };
}

/** The rule for times after the last transition, between two newlines. */
function footer(view: DataView, at: number): string {
  const text = Buffer.from(view.buffer, view.byteOffset + at, view.byteLength - at).toString("latin1");
  return /^\n([^\n]*)\n/.exec(text)?.[1] ?? "";
}

/** Index of the last transition at or before the instant; -1 if there is none. */
function indexBefore(changes: readonly { at: number }[], instant: number): number {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((changes[middle]?.at ?? 0) <= instant) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
