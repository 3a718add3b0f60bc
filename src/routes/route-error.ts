import { EngineError } from "../engines/engine-error.ts";
import { attachInterrupted, PortholeError } from "../errors.ts";

/** A container was started, stopped or removed while an agent was being started for it. */
export class TargetChangedError extends PortholeError {
  constructor(name: string) {
    super("ATTACH", `container '${name}' has just been started, stopped or removed`, { hint: "try again" });
  }
}

/** A signal for engine calls that comes at the deadline or with `signal`, whichever is first. */
export function deadline(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const late = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? late : AbortSignal.any([signal, late]);
}

/** For a removal: 404 says gone already, 409 being removed by the engine itself. */
export function ignoreMissing(error: unknown): void {
  if (!(error instanceof EngineError) || (error.status !== 404 && error.status !== 409)) throw error;
}

/** An agent on this route could read less than one on another. */
export class LimitedAccessError extends PortholeError {}

/**
 * The failure of one route as users see it.
 * @param over the signal of all its calls, from {@link deadline}
 */
export function routeError(
  route: string,
  name: string,
  error: unknown,
  { timeoutMs, signal, over }: { timeoutMs: number; signal: AbortSignal | undefined; over: AbortSignal },
): PortholeError {
  if (signal?.aborted) return attachInterrupted(error);
  if (error instanceof PortholeError && error.code === "ATTACH" && error.errno === "EPROTO") return error;
  const said = error instanceof Error ? error.message : String(error);
  const text = over.aborted && !(error instanceof PortholeError) ? LATE(timeoutMs) : said;
  const hint = error instanceof PortholeError ? error.hint : undefined;
  const errno = over.aborted ? "ETIMEDOUT" : error instanceof PortholeError ? error.errno : undefined;
  return new PortholeError("ATTACH", `${route} route to '${name}': ${text}`, { errno, hint, cause: error });
}

const LATE = (timeoutMs: number) => `the engine did not answer within ${timeoutMs / 1000} s`;
