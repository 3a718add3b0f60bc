/**
 * Calls `look` until it returns something other than `undefined`, `null` or `false`, and returns that. The only way tests wait:
 * for a condition, with a deadline.
 *
 * @param what words for the error: "waited 120000 ms for <what>"
 * @param deadline milliseconds; generous, since a test fails by it and never measures with it
 */
export async function waitFor<T>(
  what: string,
  look: () => T | Promise<T>,
  { deadline = 120_000, interval = 20 }: { deadline?: number; interval?: number } = {},
): Promise<Exclude<T, undefined | null | false>> {
  // By a clock that nobody sets.
  const end = performance.now() + deadline;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>;
    if (performance.now() > end) throw new Error(`waited ${deadline} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}
