/**
 * Runs an action with a signal that aborts after a time, with a `TimeoutError`, or when `signal`
 * does.
 */
export async function inTime<T>(
  signal: AbortSignal,
  ms: number,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limited = new AbortController();
  const abort = () => limited.abort(signal.reason);
  const expire = () => limited.abort(new DOMException(`no response within ${ms / 1000} s`, "TimeoutError"));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  const timer = setTimeout(expire, ms);
  try {
    return await action(limited.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** True for the error of an action that {@link inTime} has aborted after its time. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
