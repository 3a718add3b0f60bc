import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { PortholeError } from "../errors.ts";

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
  if (address.startsWith("unix://")) return { socketPath: address.slice("unix://".length), source };
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

/** Largest answer that is read: an inspection of one container is near 10 KB, a list of 1,000 near 2 MB. */
const MAX_ANSWER = 32 * 1024 * 1024;

/**
 * One light GET with node:http: dockerode alone costs more to load than the whole command may take.
 * @throws PortholeError TARGET when the engine is not there, refuses us or does not answer within 10 s.
 */
export function ask(engine: Engine, path: string): Promise<EngineAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: engine.socketPath,
        path,
        headers: { Host: "localhost", Connection: "close" },
        agent: false,
        timeout: 10_000,
      },
      (incoming) => collect(incoming, resolve, (error) => reject(unreachable(engine, error))),
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in 10 s")));
    outgoing.on("error", (error) => reject(unreachable(engine, error)));
    outgoing.end();
  });
}

function collect(
  incoming: IncomingMessage,
  resolve: (answer: EngineAnswer) => void,
  fail: (error: Error) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  incoming.on("data", (chunk: Buffer) => {
    size += chunk.length;
    chunks.push(chunk);
    if (size > MAX_ANSWER) incoming.destroy(new Error(`an answer of more than ${MAX_ANSWER} bytes`));
  });
  incoming.on("error", fail);
  incoming.on("end", () => {
    try {
      const text = Buffer.concat(chunks).toString();
      resolve({
        status: incoming.statusCode ?? 0,
        body: text === "" ? undefined : (JSON.parse(text) as unknown),
        isPodman: incoming.headers["libpod-api-version"] !== undefined,
      });
    } catch (error) {
      fail(error as Error);
    }
  });
}

function unreachable(engine: Engine, error: NodeJS.ErrnoException): PortholeError {
  const where = `${engine.socketPath}${engine.source === "default" ? "" : ` (${engine.source})`}`;
  const denied = error.code === "EACCES" || error.code === "EPERM";
  const absent = error.code === "ENOENT" || error.code === "ECONNREFUSED";
  const what = denied ? "permission denied" : absent ? "no engine is listening there" : error.message;
  return new PortholeError("TARGET", `cannot ask the container engine at ${where}: ${what}`, {
    errno: error.code,
    hint: denied
      ? "join the engine's group (usermod -aG docker USER, then log in again) or run as root"
      : "start the engine, or name one with --engine or DOCKER_HOST",
    cause: error,
  });
}
