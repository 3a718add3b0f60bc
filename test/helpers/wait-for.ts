/** Returns whether a promise is fulfilled. */
export function succeeds(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

/**
 * Calls `look` until it returns a value other than `undefined`, `null` or `false`, and returns it.
 * Tests wait only with this function: for a condition, with a timeout.
 *
 * @param what words for the error: "waited 120000 ms for <what>"
 * @param deadline milliseconds; generous, because it only ends a failing test
 */
export async function waitFor<T>(
  what: string,
  look: () => T | Promise<T>,
  { deadline = 120_000, interval = 20 }: { deadline?: number; interval?: number } = {},
): Promise<Exclude<T, undefined | null | false>> {
  // Use a monotonic clock.
  const end = performance.now() + deadline;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>;
    if (performance.now() > end) throw new Error(`waited ${deadline} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}

/** Calls `attempt` until it succeeds. After 20 failures the last one is thrown. */
export async function waitForSuccess<T>(attempt: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (failures === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
