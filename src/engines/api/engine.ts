import { readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { type LateSignal, signalOf } from "../../descriptors/poll.ts";
import { attachInterrupted, PortholeError, readOr } from "../../errors.ts";
import { criEngines } from "./cri-sockets.ts";
import { hintIfDenied } from "./denied-request.ts";
import { allContexts, contextNamed, currentContext } from "./docker-contexts.ts";
import { CRI, type Engine, engineOfAddress, notOfPods } from "./engine-address.ts";
import { type EngineRequest, Json } from "./engine-json.ts";

import { runtimeDirectory } from "./home-directory.ts";
import { httpGet } from "./http.ts";

export type { Engine } from "./engine-address.ts";

/**
 * The engines to use, in order. An explicitly named engine is the only one: `explicit` (an address,
 * an {@link Engine.name}, or `all` for every local one), `DOCKER_HOST`, or the current docker
 * context. By default, uses every engine that has a local socket. These are the default sockets of
 * Docker and Podman (root's and the user's), `CONTAINER_HOST`, and docker contexts. Two names of
 * the same socket count as one engine.
 * @throws PortholeError USAGE for an invalid address; TARGET for an unknown context, and for an
 * engine on another kernel, which cannot pass descriptors
 */
export function engines(explicit?: string, environment: NodeJS.ProcessEnv = process.env): Engine[] {
  if (explicit === "all") return everyEngine(environment);
  const known = explicit === undefined ? undefined : engineOfAddress(explicit);
  if (known !== undefined) return [known];
  if (explicit?.startsWith(CRI)) return criEngines(explicit);
  if (explicit !== undefined) return [engineNamed(explicit, environment)];
  if (environment.DOCKER_HOST) return [engineAt(environment.DOCKER_HOST, "DOCKER_HOST")];
  const context = currentContext(environment);
  return context === undefined ? everyEngine(environment) : [engineOfContext(context, environment)];
}

/**
 * Returns the engines whose containers lists show: {@link engines}, and the node's container
 * runtimes unless an engine is selected.
 * @throws PortholeError as {@link engines}
 */
export function listedEngines(explicit?: string): Engine[] {
  const isOneNamed = process.env.DOCKER_HOST || currentContext(process.env) !== undefined;
  const hasPods = explicit === "all" || (explicit === undefined && !isOneNamed);
  return [...engines(explicit), ...(hasPods ? criEngines() : [])];
}

/** Docker's own rule for context names. */
const CONTEXT_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;
const ROOT_DOCKER = "/var/run/docker.sock";

function engineNamed(explicit: string, environment: NodeJS.ProcessEnv): Engine {
  if (!CONTEXT_NAME.test(explicit)) return engineAt(explicit, "--engine");
  const usual = usualEngines(environment).find(({ name }) => name === (explicit === "default" ? "docker" : explicit));
  const isContext = usual === undefined || contextNamed(explicit, environment) !== undefined;
  return isContext ? engineOfContext(explicit, environment) : { ...usual, source: "--engine" };
}

/** Default sockets of the engines. */
function usualEngines(environment: NodeJS.ProcessEnv): Engine[] {
  // A login sets the variable. su, cron and ssh without PAM omit it; the engines then use this
  // directory.
  const runtime = runtimeDirectory(environment);
  return [
    { socketPath: ROOT_DOCKER, source: "default", name: "docker" },
    { socketPath: "/run/podman/podman.sock", source: "default", name: "podman" },
    { socketPath: join(runtime, "docker.sock"), source: "default", name: "rootless-docker" },
    { socketPath: join(runtime, "podman/podman.sock"), source: "default", name: "rootless-podman" },
  ];
}

function everyEngine(environment: NodeJS.ProcessEnv): Engine[] {
  const engines = usualEngines(environment);
  const podman = localPath(environment.CONTAINER_HOST ?? "");
  if (podman !== undefined) engines.push({ socketPath: podman, source: "CONTAINER_HOST", name: podman });
  for (const { name, host } of allContexts(environment)) {
    const socketPath = localPath(host);
    if (socketPath !== undefined) engines.push({ socketPath, source: `context '${name}'`, name });
  }
  return distinct(engines);
}

/** The engines whose socket exists, without duplicates. */
function distinct(engines: readonly Engine[]): Engine[] {
  const seen = new Set<string>();
  return engines.filter(({ socketPath }) => {
    const stat = statOf(socketPath);
    if (stat === undefined) return false;
    const identity = `${stat.dev}:${stat.ino}`;
    if (seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
}

/**
 * Calls stat on a default path. Also undefined if this user may not see the path, such as a
 * directory of root's Podman.
 */
function statOf(path: string): Stats | undefined {
  return readOr(undefined, () => statSync(path));
}

function engineOfContext(name: string, environment: NodeJS.ProcessEnv): Engine {
  const context = contextNamed(name, environment);
  if (context === undefined) {
    throw new PortholeError("TARGET", `no such docker context: '${name}'`, {
      hint: "run docker context ls to list them",
    });
  }
  return { ...engineAt(context.host, `context '${name}'`), name };
}

function engineAt(address: string, source: string): Engine {
  const socketPath = localPath(address);
  if (socketPath !== undefined) return { socketPath, source, name: socketPath };
  const remote = /^(tcp|ssh|https?):\/\/([^/]*)/.exec(address);
  if (remote !== null) throw elsewhere(address, source, remote[1] === "ssh", remote[2] ?? "");
  throw new PortholeError("USAGE", `${source}: invalid engine address '${address}'`, {
    hint: "use unix:///PATH, /PATH, docker, podman, cri:PATH, or the name of a docker context",
  });
}

function localPath(address: string): string | undefined {
  if (address.startsWith("/")) return address;
  return address.startsWith("unix:///") ? address.slice("unix://".length) : undefined;
}

/** TCP and ssh carry requests but no descriptors: porthole must run on the engine's machine. */
function elsewhere(address: string, source: string, isSsh: boolean, authority: string): PortholeError {
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  if (/^(localhost|127\.[\d.]+|\[::1\])$/.test(host) && !isSsh) {
    return new PortholeError(
      "TARGET",
      `${source}: cannot use '${address}': descriptors need the engine's Unix socket, not TCP`,
      {
        hint: `use --engine unix://${ROOT_DOCKER} if the engine is local; else run porthole where it runs`,
      },
    );
  }
  const ssh = isSsh && port !== undefined ? `ssh -p ${port} -t ${host}` : `ssh -t ${host || "HOST"}`;
  return new PortholeError(
    "TARGET",
    `${source}: cannot use '${address}': it is another machine, and descriptors cannot leave its kernel`,
    { hint: `run porthole there: ${ssh} porthole ...` },
  );
}

/** The hint if no engine's socket exists. */
export const START_ENGINE =
  "systemctl start docker, or systemctl --user start podman.socket, or name one with --engine or DOCKER_HOST";

/** The command of engines, for hints: `podman` if all sockets are Podman's, by their names. */
export function commandOf(engines: readonly Engine[]): "docker" | "podman" {
  const isPodman = engines.length > 0 && engines.every(({ socketPath }) => socketPath.endsWith("podman.sock"));
  return isPodman ? "podman" : "docker";
}

/** An engine's response: HTTP status and parsed body of unknown content. */
export interface EngineResponse {
  status: number;
  body: unknown;
  /** The request, for messages of the decoder. */
  request: EngineRequest;
  /** True if Podman responded. */
  isPodman: boolean;
  /** API version from the response header; empty without one. */
  apiVersion: string;
}

/** Limits of a request. */
export interface RequestOptions {
  /** Milliseconds; {@link RESPONSE_TIMEOUT_MS} by default. */
  timeoutMs?: number | undefined;
  signal?: LateSignal | undefined;
}

/**
 * Sends one GET request.
 * @throws PortholeError TARGET if the engine does not exist, denies access, does not respond in
 * time, or sends invalid JSON; CANCELLED
 */
export async function engineGet(engine: Engine, path: string, options: RequestOptions = {}): Promise<EngineResponse> {
  if (engine.isCri) throw notOfPods();
  const { timeoutMs = RESPONSE_TIMEOUT_MS, signal } = options;
  const { status, headers, body } = await httpGet(engine.socketPath, path, { timeoutMs, signal }).catch((error) => {
    if (signalOf(signal)?.aborted) throw attachInterrupted(error);
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

/** Milliseconds for a response. */
export const RESPONSE_TIMEOUT_MS = 10_000;

function parse(text: string, status: number, request: EngineRequest): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's error pages are HTML. A 404 is accepted only if the engine itself sent it.
    if (status >= 400 && status !== 404) return undefined;
    throw new Json(text, request).typeError("JSON");
  }
}

/**
 * The error for a response with another status than success: what the engine cannot do, and why.
 */
export function refusedBy({ socketPath }: Engine, answer: EngineResponse, what: string): PortholeError {
  const said = errorMessageOf(answer);
  const text = said ?? `HTTP status ${answer.status}`;
  const hint = said === undefined ? hintIfDenied(answer.status, answer.request) : undefined;
  return new PortholeError("TARGET", `the engine at ${socketPath} cannot ${what}: ${text}`, { hint });
}

/**
 * Returns the names that `list` finds in every engine that responds, sorted, each once.
 */
export async function namesInEngines(
  explicit: string | undefined,
  list: (engine: Engine) => Promise<string[]>,
): Promise<string[]> {
  const answers = await Promise.allSettled(engines(explicit).map(list));
  const names = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  return [...new Set(names)].sort();
}

/** Returns the engine's error message, truncated; undefined if the response has none. */
export function errorMessageOf({ body }: Pick<EngineResponse, "body">): string | undefined {
  const { message, cause } = (body ?? {}) as { message?: unknown; cause?: unknown };
  const text = typeof message === "string" ? message : cause;
  return typeof text === "string" ? text.slice(0, MAX_WORDS) : undefined;
}

const MAX_WORDS = 1_000;

/**
 * True for a response that there is no such container. Podman returns 500 for one that is removed
 * during the request.
 */
export function isGone(status: number, message = ""): boolean {
  return status === 404 || (status === 500 && /no such container/i.test(message));
}

/** The error for a failed connection to an engine, with a hint. */
export function unreachable(engine: Engine, error: unknown): PortholeError {
  const { message } = error as Error;
  const errno = error instanceof PortholeError ? error.errno : (error as NodeJS.ErrnoException).code;
  const where = `${engine.socketPath}${engine.source === "default" ? "" : ` (${engine.source})`}`;
  const denied = errno === "EACCES" || errno === "EPERM";
  const absent = ["ENOENT", "ECONNREFUSED", "ENOTDIR"].includes(errno ?? "");
  const what = denied ? "permission denied" : absent ? "no engine is listening there" : message;
  return new PortholeError("TARGET", `cannot connect to the container engine at ${where}: ${what}`, {
    errno,
    hint: denied ? howToBeAllowed(engine.socketPath) : "start the engine, or name another with --engine or DOCKER_HOST",
    cause: error,
  });
}

function howToBeAllowed(socketPath: string): string {
  const stat = statOf(socketPath);
  const group = stat !== undefined && (stat.mode & 0o020) !== 0 ? groupName(stat.gid) : undefined;
  if (group === undefined) return "run porthole as the owner of that engine, or as root";
  return `join the engine's group (usermod -aG ${group} USER, then log in again) or run as root`;
}

/** Returns a group's name (group(5)), or else its number. */
function groupName(gid: number): string {
  const lines = readOr("", () => readFileSync("/etc/group", "latin1")).split("\n");
  return lines.find((line) => line.split(":")[2] === String(gid))?.split(":")[0] ?? String(gid);
}
