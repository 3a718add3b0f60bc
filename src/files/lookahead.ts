import { PortholeError } from "../errors.ts";
import type { DirectoryEntry, Session } from "../sessions/interface/session.ts";

/**
 * Number of listings that are started in advance. Each uses a pipe, and a child of the agent that
 * fills it.
 */
const AHEAD = 16;

interface StartedListing {
  iterator: AsyncIterator<DirectoryEntry>;
  first: Promise<IteratorResult<DirectoryEntry>>;
}

/**
 * Lists directories in sequence and starts the next listings in advance: most of a listing's time
 * is the round trip.
 */
export class Lookahead {
  readonly #session: Pick<Session, "list" | "stat" | "name">;
  readonly #options: { stat: boolean };
  readonly #started = new Map<string, StartedListing>();

  constructor(session: Pick<Session, "list" | "stat" | "name">, options: { stat: boolean }) {
    this.#session = session;
    this.#options = options;
  }

  /** Announces the directories that will be listed next, in order. */
  expect(paths: readonly string[]): void {
    for (const path of paths.slice(0, AHEAD)) {
      if (this.#started.size >= AHEAD) return;
      if (!this.#started.has(path)) this.#started.set(path, this.#start(path));
    }
  }

  list(path: string): AsyncIterable<DirectoryEntry> {
    const { iterator, first } = this.#started.get(path) ?? this.#start(path);
    this.#started.delete(path);
    let isFirst = true;
    const next = () => {
      if (!isFirst) return iterator.next();
      isFirst = false;
      return first;
    };
    const end = () => iterator.return?.() ?? Promise.resolve({ done: true as const, value: undefined });
    return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
  }

  /** Ends listings that were started but not requested. */
  async close(): Promise<void> {
    const rest = [...this.#started.values()];
    this.#started.clear();
    await Promise.all(rest.map(({ iterator }) => iterator.return?.()));
  }

  /**
   * Finds the reason of an error. An agent whose target ended replies ESRCH to every request until
   * it ends itself. So does a process directory that no longer exists.
   */
  async #explain(error: unknown): Promise<never> {
    if (isGone(error)) {
      const probe = await this.#session.stat("/").catch((second: unknown) => second);
      if (probe instanceof PortholeError && probe.code === "SESSION") throw probe;
      if (isGone(probe))
        throw new PortholeError("SESSION", `${this.#session.name}: the target ended during the listing`, {
          cause: error,
        });
    }
    throw error;
  }

  #start(path: string): StartedListing {
    const iterator = this.#session.list(path, this.#options)[Symbol.asyncIterator]();
    const first = iterator.next().catch((error: unknown) => this.#explain(error));
    // Prevents an unhandled rejection: the error is reported only if the listing is requested.
    first.catch(() => {});
    return { iterator, first };
  }
}

function isGone(error: unknown): boolean {
  return error instanceof PortholeError && error.errno === "ESRCH";
}
