/** Milliseconds since the start of the process, in place of `performance.now()` (bundle.mjs). */
export function processClock(): number {
  return process.uptime() * 1000;
}
