/**
 * True where tests take all the time that they want: more opens, rotations, inputs and names. By default they are short, so
 * that `npm test` ends in minutes. PORTHOLE_TEST_EXTENT=full asks for it, and PORTHOLE_TEST_ENGINES=required does too.
 */
export const isFull = process.env.PORTHOLE_TEST_EXTENT === "full" || process.env.PORTHOLE_TEST_ENGINES === "required";

/** How much of something: the first number in full, the second by default. */
export function amount(full: number, short: number): number {
  return isFull ? full : short;
}

/** A number as titles write it: 30,000. */
export function counted(number: number): string {
  return number.toLocaleString("en-US");
}
