import { anySignal } from "../../descriptors/any-signal.ts";
import { isGone } from "../../engines/api/engine.ts";
import { EngineError } from "../../engines/api/engine-error.ts";
import { attachInterrupted, messageOf, PortholeError } from "../../errors.ts";

/** A container was started, stopped or removed while its agent started. */
export class TargetChangedError extends PortholeError {
  constructor(name: string) {
    super("ATTACH", `container '${name}' has just been started, stopped or removed`, { hint: "try again" });
  }
}

/** A signal for engine requests that aborts at the deadline or with `signal`. */
export function deadline(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const late = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? late : anySignal([signal, late]);
}

/** For a removal: the container is gone already, or is being removed by the engine itself (409). */
export function ignoreMissing(error: unknown): void {
  if (!(error instanceof EngineError) || (!isMissing(error) && error.status !== 409)) throw error;
}

/** True if the object does not exist. */
export function isMissing({ status, message }: EngineError): boolean {
  return isGone(status, message);
}

/** The error for an agent that could read fewer files than an agent on another route. */
export class LimitedAccessError extends PortholeError {}

/** The error for a container that was started without porthole's directory. */
export class NotPreparedError extends PortholeError {
  /** Why the route is not needed, after another one worked. */
  readonly state: string;

  constructor(name: string, { isRunning = true } = {}) {
    const [why, hint] = isRunning
      ? [
          `'${name}' does not have porthole's directory mounted`,
          "start it with docker run $(porthole docker-args) IMAGE",
        ]
      : [`route mount needs a running container: '${name}' is not running`, "leave out --route mount"];
    super("ATTACH", why, { hint });
    this.state = isRunning ? "not set up for this container" : "only for running containers";
  }
}

/**
 * The error of one route as users see it.
 * @param over the signal of all its requests, from {@link deadline}
 */
export function routeError(
  route: string,
  name: string,
  error: unknown,
  { timeoutMs, signal, over }: { timeoutMs: number; signal: AbortSignal | undefined; over: AbortSignal },
): PortholeError {
  if (signal?.aborted) return attachInterrupted(error);
  if (error instanceof PortholeError && error.code === "ATTACH" && error.errno === "EPROTO") return error;
  const said = messageOf(error);
  const text = over.aborted && !(error instanceof PortholeError) ? LATE(timeoutMs) : said;
  const hint = error instanceof PortholeError ? error.hint : undefined;
  const errno = over.aborted ? "ETIMEDOUT" : error instanceof PortholeError ? error.errno : undefined;
  return new PortholeError("ATTACH", `${route} route to '${name}': ${text}`, { errno, hint, cause: error });
}

const LATE = (timeoutMs: number) => `the engine did not respond within ${timeoutMs / 1000} s`;
