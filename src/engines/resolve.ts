import { PortholeError } from "../errors.ts";
import { composeContainer } from "./compose.ts";
import { ask, type Engine, type EngineAnswer, engines, wordsOf } from "./engine.ts";
import { decodeInspection, type Inspection } from "./inspection.ts";
import { decodeListed } from "./listed-container.ts";

/** A running container, as its engine describes it: everything that choosing and taking a route needs, from one request. */
export interface Container {
  engine: Engine;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** State.StartedAt: tells two lives of one id apart. */
  startedAt: string;
  /** Host pid of its first process. */
  pid: number;
  paused: boolean;
  /** HostConfig.PidMode: empty, `host`, or `container:ID`. */
  pidMode: string;
  usernsMode: string;
  /** HostConfig.Runtime: `runc`, `crun`, `runsc`; empty where the engine does not say. */
  runtime: string;
  privileged: boolean;
  /** True when the engine is Podman. */
  isPodman: boolean;
  /** What HostConfig says of devices, passed on to a sidecar as it is. */
  devices: object[];
  deviceCgroupRules: string[];
  /** Host directory mounted at `/run/porthole`, when there is one. */
  portholeMount: string | undefined;
}

/**
 * Finds a container by name, id, id prefix or Compose service (see {@link composeContainer}), with one request where the first three fit.
 * @throws PortholeError TARGET when there is none, several, it is not running, or no engine answers; CANCELLED through the signal
 */
export async function resolveContainer(
  name: string,
  explicitEngine: string | undefined,
  mountPoint: string,
  signal?: AbortSignal,
): Promise<Container> {
  const asked = engines(explicitEngine);
  if (asked.length === 0) {
    throw new PortholeError(
      "TARGET",
      `no container engine to ask for '${name}': neither Docker's nor Podman's socket is there`,
      {
        hint: "start one, name one with --engine or DOCKER_HOST, or use pid:N:PATH",
      },
    );
  }
  const answers = await Promise.allSettled(asked.map((engine) => inspect(engine, name, signal)));
  const found: { engine: Engine; answer: Inspected }[] = [];
  const failures: PortholeError[] = [];
  answers.forEach((answer, index) => {
    if (answer.status === "rejected") failures.push(answer.reason as PortholeError);
    // Two sockets may lead to one engine: through a proxy, say.
    else if (answer.value !== undefined && !found.some((other) => other.answer.id === answer.value?.id)) {
      found.push({ engine: asked[index] as Engine, answer: answer.value });
    }
  });
  const [first, ...others] = found;
  // An ambiguity in one engine is not resolved by another that happens to have one container only.
  const unsure = failures.find((error) => error instanceof Ambiguity || error.code === "CANCELLED");
  if (unsure !== undefined) throw unsure;
  if (first === undefined) throw notFound(name, asked, failures);
  if (others.length > 0) {
    const shown = found.map(({ engine, answer }) => `${answer.name || name} in ${engine.name}`);
    throw new PortholeError("TARGET", `'${name}' is a container of several engines: ${shown.join(", ")}`, {
      hint: `choose one, such as --engine ${first.engine.name}`,
    });
  }
  return running(first.engine, first.answer, name, mountPoint);
}

/**
 * A container that its engine has listed, by its full id.
 * @throws PortholeError TARGET when it is gone or not running (ESRCH), or its engine does not answer; CANCELLED through the signal
 */
export async function describeContainer(
  engine: Engine,
  id: string,
  mountPoint: string,
  signal?: AbortSignal,
): Promise<Container> {
  const inspection = await inspect(engine, id, signal);
  if (inspection === undefined) {
    throw new PortholeError("TARGET", `no such container: '${id.slice(0, 12)}'`, { errno: "ESRCH" });
  }
  return running(engine, inspection, id, mountPoint);
}

/** Several containers fit the name in one engine. */
class Ambiguity extends PortholeError {}

/** When nobody has it: what could not be asked matters then. */
function notFound(name: string, asked: readonly Engine[], failures: readonly PortholeError[]): PortholeError {
  const [failure] = failures;
  if (failure !== undefined && failures.length === asked.length) return failure;
  const where = asked.length === 1 ? "" : ` in ${asked.map((engine) => engine.name).join(", ")}`;
  const unasked = failures.map(({ message }) => `; ${message}`).join("");
  return new PortholeError("TARGET", `no such container: '${name}'${where}${unasked}`, {
    hint: failure?.hint ?? "see docker ps",
  });
}

/** A container as its engine describes it, and who answered. */
interface Inspected extends Inspection {
  isPodman: boolean;
}

function inspected({ body, question, isPodman }: EngineAnswer): Inspected {
  return { ...decodeInspection(body, question), isPodman };
}

async function inspect(engine: Engine, name: string, signal?: AbortSignal): Promise<Inspected | undefined> {
  const options = { signal };
  if (name.includes("/")) return inspectCompose(engine, name, signal);
  const answer = await ask(engine, `/containers/${encodeURIComponent(name)}/json`, options);
  if (answer.status === 200) {
    const inspection = inspected(answer);
    // An engine takes "db" for an id that begins so, too: what somebody called "db" comes first.
    return isShortId(inspection, name) ? ((await inspectCompose(engine, name, signal)) ?? inspection) : inspection;
  }
  const isUnclear = isSeveral(answer);
  if (answer.status !== 404 && !isUnclear) throw refused(engine, name, answer);
  const service = await inspectCompose(engine, name, signal);
  if (service === undefined && isUnclear) throw await severalIds(engine, name, signal);
  return service;
}

/** Digits of an id that people copy: nobody calls a service that. */
const SHORT_ID = 12;

/** True when the engine went by the first few digits of the id, not by a name. */
function isShortId(inspection: Inspection, name: string): boolean {
  return name.length < SHORT_ID && inspection.id.startsWith(name) && inspection.name !== name;
}

/** Docker (400) and Podman (500) when several ids begin with what was asked for. */
function isSeveral(answer: EngineAnswer): boolean {
  return answer.status >= 400 && /multiple (ids|containers)|more than one/i.test(wordsOf(answer) ?? "");
}

async function severalIds(engine: Engine, prefix: string, signal?: AbortSignal): Promise<PortholeError> {
  const answer = await ask(engine, "/containers/json?all=true", { signal });
  if (answer.status !== 200) return refused(engine, prefix, answer);
  const fitting = decodeListed(answer.body, answer.question)
    .filter(({ id }) => id.startsWith(prefix))
    .map(({ id, name }) => `${name} (${id.slice(0, SHORT_ID)})`);
  return new Ambiguity(
    "TARGET",
    `several containers have ids that begin with '${prefix}': ${fitting.sort().join(", ")}`,
    {
      hint: "name one of them",
    },
  );
}

async function inspectCompose(engine: Engine, name: string, signal?: AbortSignal): Promise<Inspected | undefined> {
  const choice = await composeContainer(engine, name, { signal });
  if (choice.several !== undefined) {
    const { length } = choice.several;
    throw new Ambiguity(
      "TARGET",
      `the Compose service '${name}' has ${length} containers: ${choice.several.join(", ")}`,
      {
        hint: "name one of them",
      },
    );
  }
  if (choice.id === undefined) return undefined;
  const answer = await ask(engine, `/containers/${choice.id}/json`, { signal });
  return answer.status === 200 ? inspected(answer) : undefined;
}

function refused(engine: Engine, name: string, answer: EngineAnswer): PortholeError {
  const text = wordsOf(answer) ?? `HTTP status ${answer.status}`;
  return new PortholeError("TARGET", `the engine at ${engine.socketPath} cannot tell about '${name}': ${text}`);
}

function running(engine: Engine, inspection: Inspected, name: string, mountPoint: string): Container {
  const shown = inspection.name || name;
  const obstacle = whyNotRunning(shown, inspection);
  if (obstacle !== undefined) throw obstacle;
  const { id, startedAt, pid, pidMode, usernsMode, runtime, isPodman, devices, deviceCgroupRules } = inspection;
  return {
    ...{ engine, id, name: shown, startedAt, pid, paused: inspection.isPaused, pidMode, usernsMode, runtime },
    ...{ privileged: inspection.isPrivileged, isPodman, devices, deviceCgroupRules },
    portholeMount: inspection.mounts.find(({ destination }) => destination === mountPoint)?.source,
  };
}

/** What to do about a container that does not run depends on why it does not. */
function whyNotRunning(name: string, inspection: Inspected): PortholeError | undefined {
  const { isRunning, isPaused, isRestarting, exitCode, isPodman } = inspection;
  const status = inspection.status || "stopped";
  const command = isPodman ? "podman" : "docker";
  const fail = (why: string, hint: string) =>
    new PortholeError("TARGET", `container '${name}' ${why}`, { errno: "ESRCH", hint });
  if (isRestarting || status === "restarting") {
    const after = exitCode === undefined ? "" : ` (it ended with status ${exitCode})`;
    return fail(`is restarting${after}`, `try again in a moment, or see ${command} logs ${name}`);
  }
  if (isRunning || isPaused) return undefined;
  // Docker gives up on one that it could not remove.
  if (status === "dead" || status === "removing") return fail(`is ${status}`, `${command} rm --force ${name}`);
  const state = status === "created" || status === "configured" ? "was never started" : `is not running (${status})`;
  return fail(state, `${command} start ${name}`);
}
