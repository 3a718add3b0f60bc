import { dieBySignal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { connect, type Session } from "../../src/sessions/index.ts";
import { placeName, type Target } from "../../src/target.ts";
import { orLocalFile, parseNamed, targetText } from "./local-file.ts";
import type { ConnectionOptions } from "./options.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A target and its text. */
export interface NamedTarget {
  text: string;
  target: Target;
  /** True if a glob matched it. */
  isMatch?: boolean;
}

/** The sessions of one command: one per container or process. */
export class SessionPool {
  readonly #options: ConnectionOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** `--engine`. */
  get engine(): string | undefined {
    return this.#options.engine;
  }

  /**
   * Returns a session for the target. A signal during the start of an agent cleans up, then ends
   * the process.
   */
  async session(target: Target, { runningOnly = false } = {}): Promise<Session> {
    const key = placeName(target);
    const known = this.#sessions.get(key);
    if (known !== undefined && known.ended === undefined) return known;
    const session = await interruptible((signal) => {
      const { engine, route, user, idle } = this.#options;
      return connect(target, { engine, route, user, idleSeconds: idle, signal, runningOnly });
    }).catch((error: unknown) => {
      throw orLocalFile(targetText(target), error);
    });
    this.#sessions.set(key, session);
    return session;
  }

  /**
   * Parses targets and expands globs inside containers; the shell expands globs of local paths. A
   * path that exists is not treated as a glob. `text` of a match is the full target.
   * @param failed receives the error of an invalid target or a glob without matches; without it,
   * the first such error is thrown
   * @throws PortholeError USAGE; FILE if nothing matches; as {@link session}
   */
  async expand(texts: readonly string[], failed?: (error: unknown) => void): Promise<NamedTarget[]> {
    const found: NamedTarget[] = [];
    for (const text of texts) {
      try {
        const target = parseNamed(text);
        if (target.kind === "local" || !/[*?[\\]/.test(target.path)) found.push({ text, target });
        else for await (const match of this.#matches(text, target)) found.push(match);
      } catch (error) {
        if (failed === undefined) throw error;
        failed(error);
      }
    }
    return found;
  }

  async *#matches(text: string, target: Target): AsyncGenerator<NamedTarget> {
    const session = await this.session(target);
    if (await exists(session, target.path)) {
      yield { text, target };
      return;
    }
    const { expandGlob } = await import("../../src/files/index.ts");
    let unreadable: PortholeError | undefined;
    const note = (error: PortholeError) => {
      unreadable ??= error;
    };
    let count = 0;
    for await (const path of expandGlob(session, target.path, { unreadable: note })) {
      count++;
      yield { text: `${session.name}:${path}`, target: { ...target, path } as Target, isMatch: true };
    }
    if (count > 0) return;
    throw unreadable ?? new PortholeError("FILE", `no such file: '${text}' matches nothing`, { errno: "ENOENT" });
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close();
  }
}

async function exists(session: Session, path: string): Promise<boolean> {
  try {
    await session.stat(path, { noFollow: true });
    return true;
  } catch (error) {
    if (error instanceof PortholeError && error.code === "FILE") return false;
    throw error;
  }
}

/** Pending attaches, which a signal aborts first. All of them share one set of handlers. */
const underWay = new Set<AbortController>();
let received: (typeof signals)[number] | undefined;

async function interruptible<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  if (underWay.size === 0) for (const signal of signals) process.on(signal, onSignal);
  underWay.add(controller);
  try {
    return await action(controller.signal);
  } finally {
    underWay.delete(controller);
    if (underWay.size === 0) {
      for (const signal of signals) process.off(signal, onSignal);
      if (received !== undefined) dieBySignal(received);
    }
  }
}

function onSignal(signal: NodeJS.Signals): void {
  // A second signal does not wait for the cleanup.
  if (received !== undefined) dieBySignal(received);
  received = signal as (typeof signals)[number];
  for (const controller of underWay) controller.abort();
}
