import { anySignal } from "../../descriptors/any-signal.ts";
import { PortholeError } from "../../errors.ts";
import { pathBytes } from "../../target.ts";
import { unreachable } from "../api/engine.ts";
import type { Engine } from "../api/engine-address.ts";
import { HttpStatusError, httpBody } from "../api/http.ts";
import { type TarPart, TarReader } from "./tar-reader.ts";

/** Milliseconds without data after which the engine counts as hung. Podman needs up to 2 s. */
const STALL_MS = 30_000;

/**
 * The engine's copy of a path of a container (GET /containers/ID/archive): the file or link itself,
 * or a directory with everything below it. Leave the loop at any time.
 * @throws PortholeError FILE with ENOENT or ENOTDIR, whose message is the kernel's text alone;
 * TARGET if the container is gone (ESRCH), the engine does not respond, or its archive is invalid or
 * truncated; CANCELLED
 */
export async function* containerArchive(
  engine: Engine,
  id: string,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<TarPart> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), STALL_MS).unref();
  const over = signal === undefined ? stalled.signal : anySignal([signal, stalled.signal]);
  const reader = new TarReader();
  try {
    const request = `/containers/${id}/archive?path=${encoded(path)}`;
    for await (const piece of httpBody(engine.socketPath, request, { timeoutMs: STALL_MS, signal: over })) {
      timer.refresh();
      yield* reader.read(piece);
      if (reader.isComplete) return;
    }
    throw new PortholeError("TARGET", `truncated archive of ${path} from the engine at ${engine.socketPath}`);
  } catch (error) {
    if (stalled.signal.aborted && !signal?.aborted)
      throw new PortholeError("TARGET", `the engine at ${engine.socketPath} did not respond for ${STALL_MS / 1000} s`, {
        errno: "ETIMEDOUT",
        cause: error,
      });
    throw failure(engine, path, error);
  } finally {
    clearTimeout(timer);
  }
}

function failure(engine: Engine, path: string, error: unknown): unknown {
  if (!(error instanceof HttpStatusError)) {
    const isConnection = error instanceof PortholeError && error.errno !== undefined && error.code !== "FILE";
    return isConnection && error.code !== "CANCELLED" ? unreachable(engine, error) : error;
  }
  const { status, serverMessage = "" } = error;
  if (/no such container|no container with/i.test(serverMessage))
    return new PortholeError("TARGET", "the container was removed", { errno: "ESRCH", cause: error });
  if (/not a directory/i.test(serverMessage))
    return new PortholeError("FILE", "Not a directory", { errno: "ENOTDIR", cause: error });
  if (status === 404 || /no such file|could not find|does not exist/i.test(serverMessage))
    return new PortholeError("FILE", "No such file or directory", { errno: "ENOENT", cause: error });
  return new PortholeError(
    "TARGET",
    `the engine at ${engine.socketPath} cannot copy ${path}: ${serverMessage || `HTTP status ${status ?? "unknown"}`}`,
    { hint: error.hint, cause: error },
  );
}

/** Percent-encoded bytes: a path need not be UTF-8. */
function encoded(path: string): string {
  return [...pathBytes(path)]
    .map((byte) => (UNRESERVED.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : percent(byte)))
    .join("");
}

const UNRESERVED = /[A-Za-z0-9/._~-]/;

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}
