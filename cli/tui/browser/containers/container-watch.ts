import { setTimeout as pause } from "node:timers/promises";
import { anySignal } from "../../../../src/descriptors/index.ts";
import { engineAddress, type ListedContainer } from "../../../../src/engines/index.ts";
import type { Session } from "../../../../src/sessions/index.ts";
import type { Connection } from "../../connection/connection.ts";
import { isRunning, REMOVED, UNREACHABLE } from "../../connection/state-labels.ts";
import type { BrowserContext } from "../common/context.ts";
import { containerKey } from "./containers-items.ts";
import { findLogFiles, type LogFile } from "./log-files.ts";
import { OutputTail } from "./output-tail.ts";

/** Milliseconds that a container must stay selected before anything is requested for it. */
const REST_MS = 200;

/** Maximum milliseconds of a search for log files. */
const SEARCH_MS = 3_000;

/** Milliseconds between searches, and their maximum share of the time. */
const SEARCH_AGAIN_MS = 5_000;
const SEARCH_SHARE = 0.05;

/** Facts about a container that are not in the list; undefined until they are known. */
export interface Found {
  lines: readonly string[] | undefined;
  /** The reason why there are no lines; empty if there is no reason. */
  failure: string;
  /** Log files; undefined if there was no search, or while the search runs. */
  logFiles: readonly LogFile[] | undefined;
}

const NOTHING: Found = { lines: undefined, failure: "", logFiles: undefined };

/**
 * Looks up the last output and the log files of the selected container. Begins after the container
 * has stayed selected, and aborts when another container is selected.
 */
export class ContainerWatch {
  readonly #browser: BrowserContext;
  /** Identifies the watched run of the container; empty if no run is watched. */
  #run = "";
  #key = "";
  #timer: NodeJS.Timeout | undefined;
  #output: OutputTail | undefined;
  #search: AbortController | undefined;
  #logFiles: readonly LogFile[] | undefined;
  /** Lines of the previous run, shown until the current run has written some. */
  #before: readonly string[] | undefined;
  readonly #ending = new Set<Promise<void>>();

  constructor(browser: BrowserContext) {
    this.#browser = browser;
  }

  /** Sets the container; undefined if there is none, or if the panel is not visible. */
  select(container: ListedContainer | undefined): void {
    const run = container ? runKey(container) : "";
    if (run === this.#run) return;
    const key = container ? containerKey(container) : "";
    this.#before = key === this.#key ? (this.#output?.lines ?? this.#before) : undefined;
    if (key !== this.#key) this.#logFiles = undefined;
    this.#stop();
    this.#run = run;
    this.#key = key;
    if (container) this.#timer = setTimeout(() => this.#begin(container), REST_MS);
  }

  /** Facts about the selected container. */
  get found(): Found {
    if (this.#run === "") return NOTHING;
    const { lines = this.#before, failure = "" } = this.#output ?? {};
    return { lines, failure, logFiles: this.#logFiles };
  }

  /** Resolves when no request is in progress. */
  async close(): Promise<void> {
    this.select(undefined);
    await Promise.all(this.#ending);
  }

  #begin(container: ListedContainer): void {
    if (container.state === REMOVED || container.state === UNREACHABLE) return;
    this.#output = new OutputTail(container, () => this.#browser.host.changed());
    const connection = this.#browser.connection(
      { kind: "container", name: container.name, path: "/" },
      engineAddress(container.engine),
    );
    const search = new AbortController();
    this.#search = search;
    this.#until(this.#watchLogFiles(container, connection, search.signal));
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#search?.abort();
    if (this.#output) this.#until(this.#output.close());
    this.#output = undefined;
    this.#search = undefined;
  }

  /** Searches again while the container runs: its log files grow. */
  async #watchLogFiles(container: ListedContainer, connection: Connection, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && canLook(container, connection)) {
      const started = performance.now();
      await this.#findLogFiles(connection, signal);
      if (!isRunning(container)) return;
      const rest = Math.max(SEARCH_AGAIN_MS, (performance.now() - started) / SEARCH_SHARE);
      await pause(rest, undefined, { signal }).catch(() => undefined);
    }
  }

  async #findLogFiles(connection: Connection, signal: AbortSignal): Promise<void> {
    // Starting an agent takes additional time.
    const search = async (session: Session) => {
      const limit = AbortSignal.timeout(SEARCH_MS);
      const found = await findLogFiles(session, anySignal([signal, limit]));
      return found.length === 0 && limit.aborted ? undefined : found;
    };
    const found = await connection.use(search).catch(() => undefined);
    if (signal.aborted) return;
    this.#logFiles = found ?? this.#logFiles;
    this.#browser.host.changed();
  }

  #until(done: Promise<void>): void {
    const ending = done.finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

/**
 * True if a search for log files is permitted. Selecting a container starts no process in a
 * container and no sidecar. So a search needs a running agent, or an agent that this machine can
 * start by itself.
 */
function canLook(container: ListedContainer, connection: Connection): boolean {
  return (
    (connection.route !== "" && !connection.isEnded) || (isRunning(container) && container.details?.route === "direct")
  );
}

function runKey(container: ListedContainer): string {
  const { state, details } = container;
  return [containerKey(container), isRunning(container) ? "running" : state, details?.started, details?.route].join(
    " ",
  );
}
