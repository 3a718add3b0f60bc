import { connect, dieOf, PortholeError, type Session, type Target } from "../src/index.ts";
import type { ReachOptions } from "./program/shared.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The sessions of one command: one for each container or process, however many of its files are named. */
export class Reach {
  readonly #options: ReachOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** A session for the target. While an agent is being started, a signal first cleans up what was begun, then ends the process. */
  async session(target: Target): Promise<Session> {
    const key = target.kind === "local" ? "" : target.kind === "process" ? `pid:${target.pid}` : target.name;
    const known = this.#sessions.get(key);
    if (known !== undefined && known.ended === undefined) return known;
    const session = await interruptible((signal) => {
      const { engine, route, user, idle } = this.#options;
      return connect(target, { engine, route, user, idleSeconds: idle, signal });
    });
    this.#sessions.set(key, session);
    return session;
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close();
  }
}

async function interruptible<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let received: (typeof signals)[number] | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    received = signal as (typeof signals)[number];
    controller.abort();
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await action(controller.signal);
  } catch (error) {
    if (received !== undefined && error instanceof PortholeError && error.code === "CANCELLED") dieOf(received);
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    if (received !== undefined) dieOf(received);
  }
}
