import { readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import type { WaitOptions } from "../descriptors/poll.ts";
import { attachInterrupted, PortholeError } from "../errors.ts";
import { allContexts, contextNamed, currentContext } from "./docker-contexts.ts";
import { type EngineRequest, Json } from "./engine-json.ts";
import { httpGet } from "./http.ts";

/** A container engine on this machine: Docker, or Podman's Docker-compatible API. */
export interface Engine {
  /** Path of its Unix socket. */
  socketPath: string;
  /** Who named it, for messages: `DOCKER_HOST`, `--engine`, `context 'x'` or `default`. */
  source: string;
  /** What a list of several calls it, and `--engine` takes: `docker`, `podman`, `rootless-docker`, `rootless-podman`, a context's name, a socket's path. */
  name: string;
}

/**
 * Engines to ask, in order. One that was named is the only one: by `explicit` (an address, an {@link Engine.name}, or `all` for every one that is
 * here whatever else is set), `DOCKER_HOST`, or the docker context in use. Else every one that is here: the default sockets of Docker and Podman,
 * root's and the user's own, `CONTAINER_HOST`, and the contexts that name a socket. Two names for one socket are one engine.
 * @throws PortholeError USAGE for an address that is none; TARGET for a context that is not there, and for an engine on another kernel, from which
 * no descriptor can come.
 */
export function engines(explicit?: string, environment: NodeJS.ProcessEnv = process.env): Engine[] {
  if (explicit === "all") return everyEngine(environment);
  if (explicit !== undefined) return [engineNamed(explicit, environment)];
  if (environment.DOCKER_HOST) return [engineAt(environment.DOCKER_HOST, "DOCKER_HOST")];
  const context = currentContext(environment);
  return context === undefined ? everyEngine(environment) : [engineOfContext(context, environment)];
}

/** The engine whose socket was written down when an agent was started. */
export function recordedEngine(socketPath: string): Engine {
  return { socketPath, source: "an agent's record", name: socketPath };
}

/** As docker has it (names of contexts in its reference). */
const CONTEXT_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;
const ROOT_DOCKER = "/var/run/docker.sock";

function engineNamed(explicit: string, environment: NodeJS.ProcessEnv): Engine {
  if (!CONTEXT_NAME.test(explicit)) return engineAt(explicit, "--engine");
  const usual = usualPlaces(environment).find(({ name }) => name === (explicit === "default" ? "docker" : explicit));
  const isContext = usual === undefined || contextNamed(explicit, environment) !== undefined;
  return isContext ? engineOfContext(explicit, environment) : { ...usual, source: "--engine" };
}

/** Where the engines listen unless they are told otherwise. */
function usualPlaces(environment: NodeJS.ProcessEnv): Engine[] {
  // Where a login set it; su, cron and ssh without PAM leave it out, and the engines look there then.
  const runtime = environment.XDG_RUNTIME_DIR || `/run/user/${process.getuid?.() ?? 0}`;
  return [
    { socketPath: ROOT_DOCKER, source: "default", name: "docker" },
    { socketPath: "/run/podman/podman.sock", source: "default", name: "podman" },
    { socketPath: join(runtime, "docker.sock"), source: "default", name: "rootless-docker" },
    { socketPath: join(runtime, "podman/podman.sock"), source: "default", name: "rootless-podman" },
  ];
}

function everyEngine(environment: NodeJS.ProcessEnv): Engine[] {
  const places = usualPlaces(environment);
  const podman = localPath(environment.CONTAINER_HOST ?? "");
  if (podman !== undefined) places.push({ socketPath: podman, source: "CONTAINER_HOST", name: podman });
  for (const { name, host } of allContexts(environment)) {
    const socketPath = localPath(host);
    if (socketPath !== undefined) places.push({ socketPath, source: `context '${name}'`, name });
  }
  return distinct(places);
}

/** Those whose socket is there, each once. */
function distinct(places: readonly Engine[]): Engine[] {
  const seen = new Set<string>();
  return places.filter(({ socketPath }) => {
    const stat = statOf(socketPath);
    if (stat === undefined) return false;
    const identity = `${stat.dev}:${stat.ino}`;
    if (seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
}

/** What a place that nobody named holds; undefined also where it is not this user's to see: a directory of root's Podman, say. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function engineOfContext(name: string, environment: NodeJS.ProcessEnv): Engine {
  const context = contextNamed(name, environment);
  if (context === undefined) {
    throw new PortholeError("TARGET", `docker's context '${name}' is not there`, { hint: "docker context ls" });
  }
  return { ...engineAt(context.host, `context '${name}'`), name };
}

function engineAt(address: string, source: string): Engine {
  const socketPath = localPath(address);
  if (socketPath !== undefined) return { socketPath, source, name: socketPath };
  const remote = /^(tcp|ssh|https?):\/\/([^/]*)/.exec(address);
  if (remote !== null) throw elsewhere(address, source, remote[1] === "ssh", remote[2] ?? "");
  throw new PortholeError("USAGE", `${source} is not an engine's address: '${address}'`, {
    hint: "write unix:///PATH, /PATH, docker, podman, or the name of a docker context",
  });
}

function localPath(address: string): string | undefined {
  if (address.startsWith("/")) return address;
  return address.startsWith("unix:///") ? address.slice("unix://".length) : undefined;
}

/** Over TCP and ssh a request gets to an engine, a descriptor does not: porthole has to run where the containers do. */
function elsewhere(address: string, source: string, isSsh: boolean, authority: string): PortholeError {
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  if (/^(localhost|127\.[\d.]+|\[::1\])$/.test(host) && !isSsh) {
    return new PortholeError(
      "TARGET",
      `${source} names an engine by TCP, '${address}': descriptors need its Unix socket`,
      {
        hint: `--engine unix://${ROOT_DOCKER} if it is this machine's; else run porthole where the engine runs`,
      },
    );
  }
  const ssh = isSsh && port !== undefined ? `ssh -p ${port} -t ${host}` : `ssh -t ${host || "HOST"}`;
  return new PortholeError(
    "TARGET",
    `${source} names an engine on another machine, '${address}': descriptors cannot leave that kernel`,
    { hint: `run porthole there: ${ssh} porthole ...` },
  );
}

/** An answer of an engine: its HTTP status and the parsed body, of which nothing is known yet. */
export interface EngineResponse {
  status: number;
  body: unknown;
  /** What was asked, for the decoder of the body. */
  request: EngineRequest;
  /** True when Podman answered. */
  isPodman: boolean;
  /** Version of the API that answered, as its header says; empty where there is none. */
  apiVersion: string;
}

/**
 * Asks an engine with one light GET.
 * @throws PortholeError TARGET when the engine is not there, refuses us, does not answer in time, or answers with what is no JSON; CANCELLED
 */
export async function engineGet(engine: Engine, path: string, options: WaitOptions = {}): Promise<EngineResponse> {
  const { timeoutMs = RESPONSE_TIMEOUT_MS, signal } = options;
  const { status, headers, body } = await httpGet(engine.socketPath, path, { timeoutMs, signal }).catch((error) => {
    if (signal?.aborted) throw attachInterrupted(error);
    throw unreachable(engine, error);
  });
  const request = { socketPath: engine.socketPath, path };
  return {
    status,
    body: parse(body.toString(), status, request),
    request,
    isPodman: headers.has("libpod-api-version"),
    apiVersion: headers.get("api-version") ?? "",
  };
}

/** Milliseconds that an engine has for an answer. */
export const RESPONSE_TIMEOUT_MS = 10_000;

function parse(text: string, status: number, request: EngineRequest): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // A proxy refuses and fails in HTML; that a thing is not there is believed in the engine's own words only.
    if (status >= 400 && status !== 404) return undefined;
    throw new Json(text, request).typeError("JSON");
  }
}

/** What an engine says of a refusal, its beginning if it is long; undefined where it has no words. */
export function errorMessageOf({ body }: Pick<EngineResponse, "body">): string | undefined {
  const { message, cause } = (body ?? {}) as { message?: unknown; cause?: unknown };
  const words = typeof message === "string" ? message : cause;
  return typeof words === "string" ? words.slice(0, MAX_WORDS) : undefined;
}

const MAX_WORDS = 1_000;

/** What to say of a connection to an engine that failed, and what to do. */
export function unreachable(engine: Engine, error: unknown): PortholeError {
  const { message } = error as Error;
  const errno = error instanceof PortholeError ? error.errno : (error as NodeJS.ErrnoException).code;
  const where = `${engine.socketPath}${engine.source === "default" ? "" : ` (${engine.source})`}`;
  const denied = errno === "EACCES" || errno === "EPERM";
  const absent = ["ENOENT", "ECONNREFUSED", "ENOTDIR"].includes(errno ?? "");
  const what = denied ? "permission denied" : absent ? "no engine is listening there" : message;
  return new PortholeError("TARGET", `cannot ask the container engine at ${where}: ${what}`, {
    errno,
    hint: denied ? howToBeAllowed(engine.socketPath) : "start the engine, or name one with --engine or DOCKER_HOST",
    cause: error,
  });
}

function howToBeAllowed(socketPath: string): string {
  const stat = statOf(socketPath);
  const group = stat !== undefined && (stat.mode & 0o020) !== 0 ? groupName(stat.gid) : undefined;
  if (group === undefined) return "run porthole as the user whose engine that is, or as root";
  return `join the engine's group (usermod -aG ${group} USER, then log in again) or run as root`;
}

/** A group's name (group(5)); its number where it has none there. */
function groupName(gid: number): string {
  try {
    const lines = readFileSync("/etc/group", "latin1").split("\n");
    return lines.find((line) => line.split(":")[2] === String(gid))?.split(":")[0] ?? String(gid);
  } catch {
    return String(gid);
  }
}
