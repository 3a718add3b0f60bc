import { existsSync } from "node:fs";
import { dieBySignal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { connect, type Session } from "../../src/sessions/index.ts";
import { parseTarget, pathBytes, placeName, type Target } from "../../src/target.ts";
import type { ConnectionOptions } from "./options.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A target and how it is written. */
export interface NamedTarget {
  text: string;
  target: Target;
  /** True where a glob matched it: it was not named in full. */
  isMatch?: boolean;
}

/** The sessions of one command: one for each container or process, however many of its files are named. */
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

  /** A session for the target. While an agent is being started, a signal first cleans up what was begun, then ends the process. */
  async session(target: Target, { runningOnly = false } = {}): Promise<Session> {
    const key = placeName(target);
    const known = this.#sessions.get(key);
    if (known !== undefined && known.ended === undefined) return known;
    const session = await interruptible((signal) => {
      const { engine, route, user, idle } = this.#options;
      return connect(target, { engine, route, user, idleSeconds: idle, signal, runningOnly });
    }).catch((error: unknown) => {
      throw ofThisMachine(target, error);
    });
    this.#sessions.set(key, session);
    return session;
  }

  /**
   * Parses targets; a glob in a path inside becomes its matches there (globs of this machine's paths are the shell's business). A path that exists as it
   * is written is taken so; `text` of a match is the target written out.
   * @param failed told of a target that is wrong or matches nothing, then the others go on; without it the first such error is thrown.
   * @throws PortholeError USAGE; FILE where nothing matches; as {@link session}
   */
  async expand(texts: readonly string[], failed?: (error: unknown) => void): Promise<NamedTarget[]> {
    const found: NamedTarget[] = [];
    for (const text of texts) {
      try {
        const target = parseTarget(text);
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

/** Names the local file that a target is too, where no container was found by it: `test:111.json`. */
function ofThisMachine(target: Target, error: unknown): unknown {
  if (target.kind !== "container" || !(error instanceof PortholeError) || error.code !== "TARGET") return error;
  const file = `${target.name}:${target.path}`;
  if (!existsSync(pathBytes(file))) return error;
  const { code, message, errno } = error;
  return new PortholeError(code, message, {
    errno,
    cause: error,
    hint: `for the file of this machine write ./${file}`,
  });
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

/** What is under way and a signal cleans up first. One set of handlers, however many containers are being attached to. */
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
  // Who asks twice will not wait for the clean-up.
  if (received !== undefined) dieBySignal(received);
  received = signal as (typeof signals)[number];
  for (const controller of underWay) controller.abort();
}
