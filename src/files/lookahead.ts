import { PortholeError } from "../errors.ts";
import type { DirectoryEntry, Session } from "../sessions/session.ts";

/** Listings that are begun before they are asked for. Each holds a pipe, and the agent's child that fills it. */
const AHEAD = 16;

interface Begun {
  iterator: AsyncIterator<DirectoryEntry>;
  first: Promise<IteratorResult<DirectoryEntry>>;
}

/** Lists one directory after the other, those that come next being on their way already: a listing's time is mostly the way there and back. */
export class Lookahead {
  readonly #session: Pick<Session, "list" | "stat" | "name">;
  readonly #options: { facts: boolean };
  readonly #begun = new Map<string, Begun>();

  constructor(session: Pick<Session, "list" | "stat" | "name">, options: { facts: boolean }) {
    this.#session = session;
    this.#options = options;
  }

  /** Tells which directories will be listed soon, the next first. */
  expect(paths: readonly string[]): void {
    for (const path of paths.slice(0, AHEAD)) {
      if (this.#begun.size >= AHEAD) return;
      if (!this.#begun.has(path)) this.#begun.set(path, this.#begin(path));
    }
  }

  list(path: string): AsyncIterable<DirectoryEntry> {
    const { iterator, first } = this.#begun.get(path) ?? this.#begin(path);
    this.#begun.delete(path);
    let isFirst = true;
    const next = () => {
      if (!isFirst) return iterator.next();
      isFirst = false;
      return first;
    };
    const end = () => iterator.return?.() ?? Promise.resolve({ done: true as const, value: undefined });
    return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
  }

  /** Ends the listings that nobody asked for. */
  async close(): Promise<void> {
    const rest = [...this.#begun.values()];
    this.#begun.clear();
    await Promise.all(rest.map(({ iterator }) => iterator.return?.()));
  }

  /** An agent whose target ended answers everything with ESRCH until it ends itself; a process directory that went away says the same of itself. */
  async #explain(error: unknown): Promise<never> {
    if (isGone(error)) {
      const probe = await this.#session.stat("/").catch((second: unknown) => second);
      if (probe instanceof PortholeError && probe.code === "SESSION") throw probe;
      if (isGone(probe))
        throw new PortholeError("SESSION", `${this.#session.name} ended while it was being listed`, { cause: error });
    }
    throw error;
  }

  #begin(path: string): Begun {
    const iterator = this.#session.list(path, this.#options)[Symbol.asyncIterator]();
    const first = iterator.next().catch((error: unknown) => this.#explain(error));
    // It is reported when, and if, the listing is asked for.
    first.catch(() => {});
    return { iterator, first };
  }
}

function isGone(error: unknown): boolean {
  return error instanceof PortholeError && error.errno === "ESRCH";
}
