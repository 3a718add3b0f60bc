/** Milliseconds since the start of the process, in place of `performance.now()` (bundle.mjs). */
export function processClock(): number {
  return process.uptime() * 1000;
}

/** In place of `performance`, for packages that pass it on. */
export const processPerformance = { now: processClock };
