import { isFull } from "../helpers/extent.ts";

/**
 * The extent of the soak tests. `npm run soak` sets PORTHOLE_SOAK=full and takes most of an hour.
 * In a full test run the tests take a minute, and by default seconds. PORTHOLE_SOAK_SEED repeats a
 * run.
 */
export const full = process.env.PORTHOLE_SOAK === "full";

export const scale = full
  ? { opens: 1_000_000, direct: 10_000, sidecar: 200, faults: 150 }
  : isFull
    ? { opens: 30_000, direct: 300, sidecar: 8, faults: 12 }
    : { opens: 4_000, direct: 20, sidecar: 2, faults: 4 };

export const seed = Number(process.env.PORTHOLE_SOAK_SEED ?? (full ? Date.now() % 2 ** 31 : 20_260_131));

/** Returns numbers below `limit`, the same numbers for the same seed (mulberry32). */
export function randomOf(start: number): (limit: number) => number {
  let state = start >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Prints one line of the report: the action, and the remaining objects. */
export function report(what: string, counts: Record<string, number | string>): void {
  const words = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  console.log(`soak: ${what}: ${words.join(", ")}`);
}
