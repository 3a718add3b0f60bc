import { isInImage } from "../../src/elsewhere/index.ts";
import {
  decodeInfo,
  decodeVersion,
  type Engine,
  type EngineResponse,
  type EngineVersion,
  engineGet,
  errorMessageOf,
  listedEngines,
  remoteEngine,
  runtimeVersion,
  START_ENGINE,
} from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { AgentRoute } from "../../src/protocol/index.ts";
import { NotPreparedError } from "../../src/routes/index.ts";
import { connect, type Session } from "../../src/sessions/index.ts";
import type { Target } from "../../src/target.ts";
import { type Finding, failed, guarded } from "./finding.ts";

export type { Finding } from "./finding.ts";

/** Options of {@link diagnose}. */
export interface DiagnoseOptions {
  /** Doctor tests every route to this target; without a target, it only describes the routes. */
  target?: Target | undefined;
  engine?: string | undefined;
  /** User of the mount route's exec. */
  user?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Idle time of agents that are started only for a check. */
const IDLE_SECONDS = 1;

/** Runs all checks in order. Throws only CANCELLED: any other problem is a finding. */
export async function* diagnose(options: DiagnoseOptions = {}): AsyncGenerator<Finding> {
  // Loaded lazily: completion uses the same bundle and must start fast.
  const host = await import("./host.ts");
  yield guarded("kernel", host.checkKernel);
  yield guarded("seccomp", host.checkSeccomp);
  yield guarded("trees", host.checkMountApi);
  yield guarded("Node.js", host.checkNode);
  yield guarded("agent program", host.checkAgentProgram);
  yield guarded("run directory", host.checkRunDirectory);
  yield guarded("permissions", host.checkPermissions);
  yield guarded("security modules", host.checkSecurityModules);
  // Only `porthole demo` needs them, and unshare(1), which the image does not have.
  if (!isInImage()) yield guarded("user namespaces", host.checkUserNamespaces);
  const working: Engine[] = [];
  yield* checkEngines(options, working);
  if (options.target !== undefined && options.target.kind !== "local") yield* tryRoutes(options.target, options);
  else yield* describeRoutes(working);
}

/** Adds the engines that respond to `working`. Without an engine, pid:N targets still work. */
async function* checkEngines(
  { engine: explicit, signal, target }: DiagnoseOptions,
  working: Engine[],
): AsyncGenerator<Finding> {
  let found: Engine[];
  try {
    const remote = remoteEngine(explicit);
    if (remote !== undefined) {
      const detail = `not checked: ${remote.address} (${remote.source}) is on another machine, where porthole runs in a helper container`;
      yield { status: "ok", what: "container engine", detail: `${detail}; porthole doctor CONTAINER checks it` };
      return;
    }
    found = listedEngines(explicit);
  } catch (error) {
    yield failed("container engine", error, "warn");
    return;
  }
  if (found.length === 0 && target?.kind === "process") {
    yield { status: "ok", what: "container engine", detail: "none found, and not needed for this target" };
  } else if (found.length === 0) {
    const detail = "none found: only pid:N targets work";
    yield { status: "warn", what: "container engine", detail, remedy: START_ENGINE };
  }
  for (const engine of found) {
    try {
      if (engine.isCri) {
        const detail = `${await runtimeVersion(engine, signal)} at ${engine.socketPath}, with pods`;
        yield { status: "ok", what: "container runtime", detail };
        continue;
      }
      yield { status: "ok", what: "container engine", detail: await describeEngine(engine, signal) };
      working.push(engine);
    } catch (error) {
      if (error instanceof PortholeError && error.code === "CANCELLED") throw error;
      yield failed(engine.isCri ? "container runtime" : "container engine", error, "warn");
    }
  }
}

async function describeEngine(engine: Engine, signal: AbortSignal | undefined): Promise<string> {
  const [version, info] = await Promise.allSettled([
    engineGet(engine, "/version", { signal }),
    engineGet(engine, "/info", { signal }),
  ]);
  const known = info.status === "fulfilled" && info.value.status === 200 ? info.value : undefined;
  // /info is optional: a proxy may refuse it.
  const details = known && decodeInfo(known.body, known.request);
  if (version.status === "rejected" && (signal?.aborted || !details?.version)) throw version.reason;
  const answer = version.status === "fulfilled" ? version.value : (known as EngineResponse);
  // Docker 28.5 (rootless) truncates the response to /version if rootlesskit uses the host network.
  const { version: number, apiVersion } =
    answer === known ? { version: details?.version, apiVersion: known?.apiVersion } : versionOf(engine, answer);
  const names = (details?.securityOptions ?? []).map((option) => /^name=(\w+)/.exec(option)?.[1]);
  const traits = ["rootless", "userns", "selinux", "apparmor"].filter((name) => names.includes(name));
  const kind = answer.isPodman ? "Podman" : "Docker";
  return `${kind} ${number || "of unknown version"} (API ${apiVersion || "?"}) at ${engine.socketPath}${traits.length > 0 ? `, with ${traits.join(", ")}` : ""}`;
}

function versionOf(engine: Engine, answer: EngineResponse): EngineVersion {
  if (answer.status === 200) return decodeVersion(answer.body, answer.request);
  const reason = errorMessageOf(answer) ?? `HTTP status ${answer.status}`;
  throw new PortholeError("TARGET", `the engine at ${engine.socketPath} does not report its version: ${reason}`);
}

function* describeRoutes(working: Engine[]): Generator<Finding> {
  const name = working[0]?.socketPath;
  yield {
    status: "ok",
    what: "route direct",
    detail: "for targets whose namespaces this user may enter; name a target to test it",
  };
  if (name === undefined || isInImage()) return;
  yield {
    status: "ok",
    what: "route mount",
    detail: "for containers started with docker run $(porthole docker-args) IMAGE",
  };
  yield { status: "ok", what: "route sidecar", detail: `for every other running container of ${name}` };
}

async function* tryRoutes(
  target: Exclude<Target, { kind: "local" }>,
  options: DiagnoseOptions,
): AsyncGenerator<Finding> {
  const isDirect = target.kind === "process" || (target.kind === "container" && target.name.startsWith("pod:"));
  // The other routes need a socket that the engine can mount. It cannot mount paths of the image.
  const routes: AgentRoute[] = isDirect || isInImage() ? ["direct"] : ["direct", "mount", "sidecar"];
  const tried: Finding[] = [];
  const opened: Finding[] = [];
  let unprepared: { finding: Finding; state: string } | undefined;
  for (const route of routes) {
    try {
      const { attached, file } = await tryRoute(route, target, options);
      const detail = file.status === "ok" ? `${attached}, ${file.detail}` : attached;
      tried.push({ status: "ok", what: `route ${route}`, detail });
      opened.push(file);
    } catch (error) {
      if (error instanceof PortholeError && error.code === "CANCELLED") throw error;
      if (error instanceof PortholeError && (error.code === "TARGET" || error.code === "USAGE")) {
        yield failed("target", error);
        return;
      }
      const finding = failed(`route ${route}`, error);
      tried.push(finding);
      if (error instanceof NotPreparedError) unprepared = { finding, state: error.state };
    }
  }
  // One working route is enough.
  const works = tried.some(({ status }) => status === "ok");
  if (works && unprepared !== undefined) {
    const { finding, state } = unprepared;
    const detail = `${state}, and not needed: another route works`;
    tried.splice(tried.indexOf(finding), 1, { status: "ok", what: finding.what, detail });
  }
  for (const finding of tried) yield works && finding.status === "fail" ? { ...finding, status: "warn" } : finding;
  if (works && !opened.some(({ status }) => status === "ok")) yield* opened.slice(0, 1);
}

async function tryRoute(
  route: AgentRoute,
  target: Target,
  options: DiagnoseOptions,
): Promise<{ attached: string; file: Finding }> {
  const started = performance.now();
  await using session = await connect(target, {
    route,
    engine: options.engine,
    user: route === "mount" ? options.user : undefined,
    idleSeconds: IDLE_SECONDS,
    signal: options.signal,
  });
  const time = performance.now() - started;
  const attached = `${session.fresh ? "new agent" : "live agent"} in ${time.toFixed(1)} ms`;
  return { attached, file: await tryFile(session, target.path) };
}

async function tryFile(session: Session, path: string): Promise<Finding> {
  const started = performance.now();
  try {
    const file = await session.open(path);
    file.close();
    const time = performance.now() - started;
    return { status: "ok", what: "file", detail: `opened ${path}, a ${file.kind}, in ${time.toFixed(1)} ms` };
  } catch (error) {
    if (error instanceof PortholeError && error.code === "FILE") return failed("file", error);
    throw error;
  }
}
