/** Milliseconds of work before keys and frames are handled. */
const SLICE_MS = 4;

/** Runs a generator to its end in slices. Returns its result; undefined once `isClosed` is true. */
export async function inSlices<Result>(
  steps: Generator<unknown, Result>,
  isClosed: () => boolean,
): Promise<Result | undefined> {
  for (;;) {
    const until = performance.now() + SLICE_MS;
    while (performance.now() < until) {
      const step = steps.next();
      if (step.done) return step.value;
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (isClosed()) return undefined;
  }
}
