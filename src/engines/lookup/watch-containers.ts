import { setTimeout as delay } from "node:timers/promises";
import { messageOf, PortholeError } from "../../errors.ts";
import type { AgentRoute } from "../../protocol/agent-info.ts";
import { criEngines } from "../api/cri-sockets.ts";
import { isDenied } from "../api/denied-request.ts";
import { engineGet, engines, listedEngines, RESPONSE_TIMEOUT_MS } from "../api/engine.ts";
import type { Engine } from "../api/engine-address.ts";
import { changedContainer, reportedHealth } from "../api/engine-event.ts";
import { HttpStatusError, httpLines } from "../api/http.ts";
import type { ContainerListItem } from "../containers/container-list.ts";
import type { InspectedMount, Inspection } from "../containers/inspection.ts";
import { engineContainers, noEngineError } from "./list-containers.ts";

/** A container in an engine's list, running or not. */
export interface ListedContainer extends ContainerListItem {
  engine: Engine;
  /** Undefined until the engine has responded. */
  details: ContainerDetails | undefined;
}

/** Details of a container that need a separate request. */
export interface ContainerDetails
  extends Pick<Inspection, "exitCode" | "isOomKilled" | "error" | "health" | "restarts"> {
  mounts: readonly InspectedMount[];
  /** Milliseconds since 1970; undefined if not reported, or if the container was never started. */
  started: number | undefined;
  /**
   * End of its last run in milliseconds since 1970; undefined if not reported, or if the container
   * never ended.
   */
  finished: number | undefined;
  /** Host pid of its first process; 0 if it is not on this machine. */
  pid: number;
  /** The first available route; undefined if there is none. */
  route: AgentRoute | undefined;
  /** Why routes before it, or all routes, are not available: one sentence each. */
  obstacles: readonly string[];
}

/** The containers of every engine, and the engines' errors. */
export interface ContainersState {
  containers: readonly ListedContainer[];
  /** One error per engine that does not respond. If there is no engine, a single error says so. */
  troubles: readonly PortholeError[];
  /** False until every engine has responded or failed. */
  complete: boolean;
}

export interface WatchContainersOptions {
  /** `--engine`; by default every engine that is found. */
  engine?: string | undefined;
  /** Containers of Docker and Podman, of a Kubernetes node's runtimes, or by default of both. */
  kind?: "containers" | "pods";
  /**
   * Requests a container's state, process and routes. If missing, the watch makes no such requests.
   */
  describe?(engine: Engine, id: string, signal: AbortSignal): Promise<ContainerDetails>;
  /** Called with the new state after each change. */
  changed(state: ContainersState): void;
  signal: AbortSignal;
}

type Describe = NonNullable<WatchContainersOptions["describe"]>;

/** Milliseconds before an engine that does not respond is queried again. */
const RETRY_MS = 1_000;

/**
 * Milliseconds until a second request: Docker (20.10) reports the end of a pause before its list
 * shows it.
 */
const SETTLED_MS = 300;

/** Maximum number of concurrent requests to one engine. */
const AT_ONCE = 8;

/**
 * Watches the containers of every engine until the signal aborts. Lists them, then lists again
 * after each event. Retries engines that do not respond. Resolves when no request is in progress.
 */
export async function watchContainers(options: WatchContainersOptions): Promise<void> {
  const { signal } = options;
  const watched = new Map<string, EngineWatch>();
  let discovery: PortholeError | undefined;
  const report = () => {
    if (signal.aborted) return;
    const states = [...watched.values()];
    const seen = new Set<string>();
    options.changed({
      // Two sockets may lead to the same engine.
      containers: states
        .flatMap(({ containers }) => containers)
        .filter(({ id }) => !seen.has(id) && seen.add(id) !== undefined),
      troubles: [discovery, ...states.map(({ trouble }) => trouble)].filter((error) => error !== undefined),
      complete: states.every(({ answered }) => answered),
    });
  };
  while (!signal.aborted) {
    discovery = undefined;
    try {
      const found = enginesOf(options);
      if (found.length === 0 && watched.size === 0) discovery = noEngineError();
      for (const engine of found) {
        if (watched.has(engine.socketPath)) continue;
        const watch = new EngineWatch(engine, options, report);
        watched.set(engine.socketPath, watch);
        watch.start();
      }
    } catch (error) {
      discovery = asPortholeError(error);
    }
    if (discovery) report();
    await pause(RETRY_MS, signal);
  }
  await Promise.all([...watched.values()].map(({ done }) => done));
}

function enginesOf({ engine, kind }: WatchContainersOptions): Engine[] {
  if (kind === "pods") return criEngines(engine);
  return kind === "containers" ? engines(engine) : listedEngines(engine);
}

class EngineWatch {
  containers: readonly ListedContainer[] = [];
  trouble: PortholeError | undefined;
  answered = false;
  done: Promise<void> = Promise.resolve();
  readonly #engine: Engine;
  readonly #describe: Describe | undefined;
  readonly #report: () => void;
  readonly #signal: AbortSignal;
  /** By container id. After an event of the container, the next list evicts its entry. */
  readonly #details = new Map<string, ContainerDetails>();
  /**
   * Ids of containers with an event since the last list. Requests for details may still be pending.
   */
  readonly #changed = new Set<string>();
  /** True if the engine has no events: then its list is requested at intervals. */
  #polls: boolean;
  #again: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(engine: Engine, options: WatchContainersOptions, report: () => void) {
    this.#engine = engine;
    this.#describe = options.describe;
    this.#report = report;
    this.#signal = options.signal;
    // containerd has events only from 1.7 on.
    this.#polls = engine.isCri === true;
  }

  start(): void {
    this.done = this.#run();
  }

  async #run(): Promise<void> {
    const options = { timeoutMs: RESPONSE_TIMEOUT_MS, signal: this.#signal };
    while (!this.#signal.aborted) {
      try {
        if (this.#polls) {
          await this.#listInTurn();
          await pause(RETRY_MS, this.#signal);
          continue;
        }
        this.#details.clear();
        for await (const lines of httpLines(this.#engine.socketPath, EVENTS, options)) {
          const changed = lines.flatMap((line) => changedContainer(line) ?? this.#changedHealth(line) ?? []);
          if (lines.length > 0 && changed.length === 0) continue;
          for (const id of changed) this.#changed.add(id);
          clearTimeout(this.#again);
          await this.#listInTurn();
          // If this request fails, the event stream ends too and reports the error.
          if (changed.length > 0)
            this.#again = setTimeout(() => void this.#listInTurn().catch(() => undefined), SETTLED_MS);
        }
        throw new PortholeError("TARGET", `the engine at ${this.#engine.socketPath} stopped`);
      } catch (error) {
        // If a proxy denies all requests, the list reports it.
        if (error instanceof HttpStatusError && isDenied(error.status)) {
          this.#polls = true;
          continue;
        }
        clearTimeout(this.#again);
        await this.#turn.catch(() => undefined);
        if (this.#signal.aborted) return;
        // A plain request gives a better error message.
        this.trouble = await this.#explain(error);
        this.containers = [];
        this.answered = true;
        this.#report();
      }
      await pause(RETRY_MS, this.#signal);
    }
  }

  #listInTurn(): Promise<void> {
    this.#turn = this.#turn.catch(() => undefined).then(() => this.#list());
    return this.#turn;
  }

  async #list(): Promise<void> {
    for (const id of this.#changed) this.#details.delete(id);
    this.#changed.clear();
    const listed = await engineContainers(this.#engine, this.#signal);
    if (this.#polls) this.#forgetChanged(listed);
    this.containers = listed.map((one) => this.#withDetails(one));
    this.trouble = undefined;
    this.answered = true;
    this.#report();
    const describe = this.#describe;
    if (describe === undefined) return;
    // Running containers first: hundreds of others may be stopped.
    const asked = this.containers
      .filter(({ details }) => details === undefined)
      .sort((a, b) => Number(isAlive(b.state)) - Number(isAlive(a.state)));
    for (let at = 0; at < asked.length; at += AT_ONCE) {
      await Promise.all(asked.slice(at, at + AT_ONCE).map((one) => this.#askDetails(one, describe)));
      this.#report();
    }
  }

  /**
   * Evicts details of containers whose state differs from the last list, for lack of events. Docker
   * and Podman show a restart in the age of the state.
   */
  #forgetChanged(listed: readonly ContainerListItem[]): void {
    const shown = ({ state, status }: ContainerListItem) => (this.#engine.isCri ? state : `${state} ${status}`);
    const before = new Map(this.containers.map((one) => [one.id, shown(one)]));
    for (const one of listed) if (before.get(one.id) !== shown(one)) this.#details.delete(one.id);
  }

  #withDetails(listed: ContainerListItem): ListedContainer {
    return { ...listed, engine: this.#engine, details: this.#details.get(listed.id) };
  }

  /** Id of a container whose health differs from the health in its details. */
  #changedHealth(line: string): string | undefined {
    const reported = reportedHealth(line);
    const known = reported && this.#details.get(reported.id);
    return known && known.health !== reported.health ? reported.id : undefined;
  }

  async #askDetails(one: ListedContainer, describe: Describe): Promise<void> {
    try {
      one.details = await describe(this.#engine, one.id, this.#signal);
    } catch (error) {
      if (this.#signal.aborted) throw error;
      // The container was removed, which an event reports next, or the response is invalid.
      one.details = { ...NO_DETAILS, obstacles: [asPortholeError(error).message] };
    }
    this.#details.set(one.id, one.details);
  }

  async #explain(error: unknown): Promise<PortholeError> {
    if (this.#engine.isCri) return asPortholeError(error);
    try {
      const { status } = await engineGet(this.#engine, "/version", { signal: this.#signal });
      return status === 200 || isDenied(status)
        ? asPortholeError(error)
        : new PortholeError("TARGET", `HTTP status ${status}`);
    } catch (failure) {
      return asPortholeError(failure);
    }
  }
}

const NO_DETAILS: ContainerDetails = {
  ...{ exitCode: undefined, isOomKilled: false, error: "", health: "", restarts: 0, mounts: [] },
  ...{ started: undefined, finished: undefined, pid: 0, route: undefined, obstacles: [] },
};

const EVENTS = `/events?filters=${encodeURIComponent(JSON.stringify({ type: ["container"] }))}`;

function isAlive(state: string): boolean {
  return state === "running" || state === "paused";
}

function asPortholeError(error: unknown): PortholeError {
  if (error instanceof PortholeError) return error;
  return new PortholeError("TARGET", messageOf(error), { cause: error });
}

/** Resolves after `milliseconds` or when the signal aborts. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return delay(milliseconds, undefined, { signal }).catch(() => undefined);
}
