import Docker from "dockerode";
import { PortholeError } from "../errors.ts";
import type { Engine } from "./engine.ts";

export type { Docker };

const clients = new Map<string, Docker>();

/** An engine's whole API. Give every call an `abortSignal`: without one it waits as long as the engine likes. */
export function client(engine: Engine): Docker {
  let docker = clients.get(engine.socketPath);
  if (docker === undefined) {
    // Named, so that no DOCKER_HOST, DOCKER_TLS_VERIFY or DOCKER_CLIENT_TIMEOUT of the environment has a say.
    const unset = {
      host: undefined,
      port: undefined,
      timeout: undefined,
      ca: undefined,
      cert: undefined,
      key: undefined,
    };
    docker = new Docker({ ...unset, protocol: "http", socketPath: engine.socketPath });
    clients.set(engine.socketPath, docker);
  }
  return docker;
}

/** A signal for engine calls that comes at the deadline or with `signal`, whichever is first. */
export function deadline(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const late = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? late : AbortSignal.any([signal, late]);
}

/** For a removal: 404 says gone already, 409 being removed by the engine itself. */
export function ignoreMissing(error: { statusCode?: number }): void {
  if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
}

/** What an engine, dockerode or Node said of a failure. */
export function engineMessage(error: unknown): string {
  const { json, message } = (error ?? {}) as { json?: { message?: string }; message?: string };
  return (typeof json === "object" ? json?.message : undefined) ?? message ?? String(error);
}

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
  if (signal?.aborted) return new PortholeError("CANCELLED", "attaching was interrupted", { cause: error });
  if (error instanceof PortholeError && error.code === "ATTACH" && error.errno === "EPROTO") return error;
  const text = over.aborted && !(error instanceof PortholeError) ? LATE(timeoutMs) : engineMessage(error);
  const errno = over.aborted ? "ETIMEDOUT" : error instanceof PortholeError ? error.errno : undefined;
  return new PortholeError("ATTACH", `${route} route to '${name}': ${text}`, { errno, cause: error });
}

const LATE = (timeoutMs: number) => `the engine did not answer within ${timeoutMs / 1000} s`;
