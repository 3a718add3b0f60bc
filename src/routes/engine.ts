import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { WaitOptions } from "../descriptors/poll.ts";
import { PortholeError } from "../errors.ts";
import { httpGet } from "./http.ts";

/** A container engine on this machine: Docker, or Podman's Docker-compatible API. */
export interface Engine {
  /** Path of its Unix socket. */
  socketPath: string;
  /** Who named it, for messages: `DOCKER_HOST`, `--engine`, `context 'x'` or `default`. */
  source: string;
}

/**
 * Engines to ask, in order: `--engine`, `DOCKER_HOST`, the docker context in use, else every default socket of Docker and Podman that is there.
 * @throws PortholeError USAGE for an address that is none; TARGET for an engine on another kernel, from which no descriptor can come.
 */
export function engines(explicit?: string, environment: NodeJS.ProcessEnv = process.env): Engine[] {
  if (explicit !== undefined) return [engineAt(explicit, "--engine")];
  if (environment.DOCKER_HOST) return [engineAt(environment.DOCKER_HOST, "DOCKER_HOST")];
  const context = contextEngine(environment);
  if (context !== undefined) return [context];
  const runtime = environment.XDG_RUNTIME_DIR;
  const places = ["/var/run/docker.sock", "/run/podman/podman.sock"];
  if (runtime) places.push(join(runtime, "docker.sock"), join(runtime, "podman/podman.sock"));
  return places.filter((path) => existsSync(path)).map((socketPath) => ({ socketPath, source: "default" }));
}

function engineAt(address: string, source: string): Engine {
  if (address.startsWith("/")) return { socketPath: address, source };
  if (address.startsWith("unix:///")) return { socketPath: address.slice("unix://".length), source };
  const remote = /^(tcp|ssh|https?):\/\/([^/]*)/.exec(address);
  if (remote !== null) {
    const host = (remote[2] ?? "").replace(/:\d+$/, "");
    throw new PortholeError(
      "TARGET",
      `${source} names an engine on another machine, '${address}': descriptors cannot leave that kernel`,
      {
        hint: `run porthole there: ssh -t ${host || "HOST"} porthole ...`,
      },
    );
  }
  throw new PortholeError("USAGE", `${source} is not an engine's address: '${address}'`, {
    hint: "write unix:///PATH or /PATH",
  });
}

/** The engine of docker's current context, unless that is the default one. */
function contextEngine(environment: NodeJS.ProcessEnv): Engine | undefined {
  const folder = environment.DOCKER_CONFIG ?? join(environment.HOME ?? homedir(), ".docker");
  const name =
    environment.DOCKER_CONTEXT ?? readJson<{ currentContext?: string }>(join(folder, "config.json"))?.currentContext;
  if (!name || name === "default") return undefined;
  // Loaded here: few have a context, everybody would pay.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const id = createHash("sha256").update(name).digest("hex");
  const meta = readJson<{ Endpoints?: { docker?: { Host?: string } } }>(join(folder, "contexts/meta", id, "meta.json"));
  const host = meta?.Endpoints?.docker?.Host;
  if (!host)
    throw new PortholeError("TARGET", `docker's context '${name}' is not there`, { hint: "docker context ls" });
  return engineAt(host, `context '${name}'`);
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}

/** An answer of an engine: its HTTP status and the decoded body. */
export interface EngineAnswer {
  status: number;
  body: unknown;
  /** True when Podman answered. */
  isPodman: boolean;
}

/**
 * Asks an engine with one light GET.
 * @throws PortholeError TARGET when the engine is not there, refuses us or does not answer in time.
 */
export async function ask(engine: Engine, path: string, options: WaitOptions = {}): Promise<EngineAnswer> {
  const { timeoutMs = ANSWER_TIMEOUT_MS, signal } = options;
  try {
    const { status, headers, body } = await httpGet(engine.socketPath, path, { timeoutMs, signal });
    return {
      status,
      body: body.length === 0 ? undefined : (JSON.parse(body.toString()) as unknown),
      isPodman: headers.has("libpod-api-version"),
    };
  } catch (error) {
    if (signal?.aborted) throw new PortholeError("CANCELLED", "attaching was interrupted", { cause: error });
    throw unreachable(engine, error);
  }
}

const ANSWER_TIMEOUT_MS = 10_000;

function unreachable(engine: Engine, error: unknown): PortholeError {
  const { message } = error as Error;
  const errno = error instanceof PortholeError ? error.errno : (error as NodeJS.ErrnoException).code;
  const where = `${engine.socketPath}${engine.source === "default" ? "" : ` (${engine.source})`}`;
  const denied = errno === "EACCES" || errno === "EPERM";
  const absent = ["ENOENT", "ECONNREFUSED", "ENOTDIR"].includes(errno ?? "");
  const what = denied ? "permission denied" : absent ? "no engine is listening there" : message;
  return new PortholeError("TARGET", `cannot ask the container engine at ${where}: ${what}`, {
    errno,
    hint: denied
      ? "join the engine's group (usermod -aG docker USER, then log in again) or run as root"
      : "start the engine, or name one with --engine or DOCKER_HOST",
    cause: error,
  });
}
