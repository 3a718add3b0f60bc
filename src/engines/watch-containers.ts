import { PortholeError } from "../errors.ts";
import type { AgentRoute } from "../protocol/agent-info.ts";
import type { ContainerListItem } from "./container-list.ts";
import { type Engine, engineGet, engines, RESPONSE_TIMEOUT_MS } from "./engine.ts";
import { changedContainer } from "./engine-event.ts";
import { httpLines } from "./http.ts";
import { engineContainers, noEngineError } from "./list-containers.ts";

/** A container of an engine's list, running or not. */
export interface ListedContainer extends ContainerListItem {
  engine: Engine;
  /** Of a running one, once the engine has told; undefined until then. */
  details: ContainerDetails | undefined;
}

/** What is known of a running container by asking for it alone. */
export interface ContainerDetails {
  /** Milliseconds since 1970, undefined where the engine does not say. */
  started: number | undefined;
  /** Host pid of its first process; 0 where it is not on this machine. */
  pid: number;
  /** The route that would be taken, undefined when none goes. */
  route: AgentRoute | undefined;
  /** Why the routes that come before it do not go, or none does: one sentence each. */
  obstacles: readonly string[];
}

/** Every container of every engine, and what could not be found out. */
export interface ContainersState {
  containers: readonly ListedContainer[];
  /** One for each engine that does not answer; one when there is no engine. */
  troubles: readonly PortholeError[];
  /** False until every engine has answered or failed. */
  complete: boolean;
}

export interface WatchContainersOptions {
  /** `--engine`; without it every engine that is found. */
  engine?: string | undefined;
  /** Asks for what an engine tells of a running container alone: its process, and how to get in. Without it no container is asked about. */
  describe?(engine: Engine, id: string, signal: AbortSignal): Promise<ContainerDetails>;
  /** Called with every state, whenever it has changed. */
  changed(state: ContainersState): void;
  signal: AbortSignal;
}

type Describe = NonNullable<WatchContainersOptions["describe"]>;

/** Milliseconds before an engine that does not answer, or is not there, is asked again. */
const RETRY_MS = 1_000;

/** Docker tells of an end of a pause before its own list knows (20.10): milliseconds after which it is asked once more. */
const SETTLED_MS = 300;

/** Requests to one engine under way together. */
const AT_ONCE = 8;

/**
 * Keeps an eye on the containers of every engine until the signal aborts: the list, then again whenever an engine tells of a change. What does
 * not answer is asked again. Resolves when nothing is under way any more.
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
      // Two sockets may lead to one engine.
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
      const found = engines(options.engine);
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

class EngineWatch {
  containers: readonly ListedContainer[] = [];
  trouble: PortholeError | undefined;
  answered = false;
  done: Promise<void> = Promise.resolve();
  readonly #engine: Engine;
  readonly #describe: Describe | undefined;
  readonly #report: () => void;
  readonly #signal: AbortSignal;
  /** By id; dropped when an event tells of the container. */
  readonly #details = new Map<string, ContainerDetails>();
  #again: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(engine: Engine, options: WatchContainersOptions, report: () => void) {
    this.#engine = engine;
    this.#describe = options.describe;
    this.#report = report;
    this.#signal = options.signal;
  }

  start(): void {
    this.done = this.#run();
  }

  async #run(): Promise<void> {
    const options = { timeoutMs: RESPONSE_TIMEOUT_MS, signal: this.#signal };
    while (!this.#signal.aborted) {
      try {
        this.#details.clear();
        for await (const lines of httpLines(this.#engine.socketPath, EVENTS, options)) {
          const changed = lines.flatMap((line) => changedContainer(line) ?? []);
          if (lines.length > 0 && changed.length === 0) continue;
          for (const id of changed) this.#details.delete(id);
          clearTimeout(this.#again);
          await this.#listInTurn();
          // What goes wrong then ends the stream of events too, and is said there.
          if (changed.length > 0)
            this.#again = setTimeout(() => void this.#listInTurn().catch(() => undefined), SETTLED_MS);
        }
        throw new PortholeError("TARGET", `the engine at ${this.#engine.socketPath} has ended`);
      } catch (error) {
        clearTimeout(this.#again);
        await this.#turn.catch(() => undefined);
        if (this.#signal.aborted) return;
        // Asked in the usual way, it says better what is wrong.
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
    const listed = await engineContainers(this.#engine, this.#signal);
    this.containers = listed.map((one) => this.#withDetails(one));
    this.trouble = undefined;
    this.answered = true;
    this.#report();
    const describe = this.#describe;
    if (describe === undefined) return;
    const asked = this.containers.filter(({ state, details }) => isAlive(state) && details === undefined);
    for (let at = 0; at < asked.length; at += AT_ONCE) {
      await Promise.all(asked.slice(at, at + AT_ONCE).map((one) => this.#askDetails(one, describe)));
      this.#report();
    }
  }

  #withDetails(listed: ContainerListItem): ListedContainer {
    const details = isAlive(listed.state) ? this.#details.get(listed.id) : undefined;
    return { ...listed, engine: this.#engine, details };
  }

  async #askDetails(one: ListedContainer, describe: Describe): Promise<void> {
    try {
      one.details = await describe(this.#engine, one.id, this.#signal);
    } catch (error) {
      if (this.#signal.aborted) throw error;
      // It ended meanwhile: an event will tell.
      one.details = { started: undefined, pid: 0, route: undefined, obstacles: [asPortholeError(error).message] };
    }
    this.#details.set(one.id, one.details);
  }

  async #explain(error: unknown): Promise<PortholeError> {
    try {
      const { status } = await engineGet(this.#engine, "/version", { signal: this.#signal });
      return status === 200 ? asPortholeError(error) : new PortholeError("TARGET", `HTTP status ${status}`);
    } catch (failure) {
      return asPortholeError(failure);
    }
  }
}

const EVENTS = `/events?filters=${encodeURIComponent(JSON.stringify({ type: ["container"] }))}`;

function isAlive(state: string): boolean {
  return state === "running" || state === "paused";
}

function asPortholeError(error: unknown): PortholeError {
  if (error instanceof PortholeError) return error;
  return new PortholeError("TARGET", error instanceof Error ? error.message : String(error), { cause: error });
}

/** Resolves after `milliseconds` or when the signal aborts. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, milliseconds);
    function end() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
