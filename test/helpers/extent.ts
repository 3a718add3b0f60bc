/**
 * True for long tests with more opens, rotations, inputs and names. By default they are short, so
 * that `npm test` takes minutes. PORTHOLE_TEST_EXTENT=full and PORTHOLE_TEST_ENGINES=required
 * enable them.
 */
export const isFull = process.env.PORTHOLE_TEST_EXTENT === "full" || process.env.PORTHOLE_TEST_ENGINES === "required";

/** Returns the first number for long tests, the second by default. */
export function amount(full: number, short: number): number {
  return isFull ? full : short;
}

/** Formats a number for titles: 30,000. */
export function counted(number: number): string {
  return number.toLocaleString("en-US");
}
