import { resolve } from "node:path";
import { PortholeError } from "../../../src/errors.ts";
import { connect, type Session } from "../../../src/sessions/index.ts";
import { placeName, type Target } from "../../../src/target.ts";
import type { Zone } from "../../../src/times/index.ts";
import { TailTarget } from "../../tail/tail-target.ts";
import type { ConnectionOptions } from "../../targets/options.ts";

/** How long what is followed must be out of reach before a row says so. */
export const GONE_MS = 1000;

/** The absolute path of a target, so that parent directories can be opened. */
export function absolutePath(target: Target): string {
  return target.kind === "local" ? resolve(target.path) : target.path;
}

/** Refuses a time zone that there is not, before a screen is drawn. Throws USAGE. */
export async function checkZone({ tz }: ConnectionOptions): Promise<void> {
  if (tz !== undefined) (await import("../../../src/times/index.ts")).parseZone(tz);
}

/**
 * What the browser shows: a container, the namespaces of a process, or this machine. Holds one
 * session and replaces it after its end.
 */
export class BrowserTarget {
  readonly target: Target;
  readonly #options: ConnectionOptions;
  readonly #signal: AbortSignal;
  #session: Session | undefined;
  #isOwn = true;
  #connecting: Promise<Session> | undefined;

  constructor(target: Target, options: ConnectionOptions, signal: AbortSignal) {
    this.target = target;
    this.#options = options;
    this.#signal = signal;
  }

  /** A place whose session is there already, and stays the caller's. */
  static with(session: Session, target: Target, options: ConnectionOptions, signal: AbortSignal): BrowserTarget {
    const place = new BrowserTarget(target, options, signal);
    place.#session = session;
    place.#isOwn = false;
    return place;
  }

  /** The target's part before the colon; empty for this machine. */
  get name(): string {
    return placeName(this.target);
  }

  /** The engine to ask; undefined: every one. */
  get engine(): string | undefined {
    return this.#options.engine;
  }

  /** A path here, as a target that any command takes. */
  text(path: string): string {
    return this.name === "" ? path : `${this.name}:${path}`;
  }

  /** The session that there was has ended. */
  get isEnded(): boolean {
    return this.#session?.ended !== undefined;
  }

  /** The route of the session, when there is one. */
  get route(): string {
    return this.#session?.route ?? "";
  }

  /**
   * The session, connected when there is none or when it has ended. Rejects as {@link connect}
   * does.
   */
  session(options: { runningOnly?: boolean } = {}): Promise<Session> {
    if (this.#session !== undefined && this.#session.ended === undefined) return Promise.resolve(this.#session);
    this.#connecting ??= this.#connect(options).finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /**
   * Asks something of the session; once more, of a new one, when it ended over the question: its
   * agent may have been restarted.
   */
  async use<T>(action: (session: Session) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const session = await this.session();
      try {
        return await action(session);
      } catch (error) {
        if (attempt > 0 || session.ended === undefined || !(error instanceof PortholeError)) throw error;
      }
    }
  }

  /** What times without a zone mean here. */
  async zone(): Promise<Zone> {
    const { parseZone, targetZone } = await import("../../../src/times/index.ts");
    const { tz } = this.#options;
    return tz === undefined ? this.use(targetZone) : parseZone(tz);
  }

  /**
   * The place as the follow engine asks it: `tell` hears that the container was restarted, or is
   * gone. End it when nothing is followed any more.
   */
  followed(tell: (text: string) => void): TailTarget {
    return new TailTarget({ session: (_, options) => this.session(options) }, this.target, GONE_MS, tell);
  }

  /** Ends the session that was connected here. */
  close(): void {
    if (this.#isOwn) this.#session?.close();
  }

  async #connect({ runningOnly }: { runningOnly?: boolean }): Promise<Session> {
    const { engine, route, user, idle } = this.#options;
    const how = { engine, route, user, idleSeconds: idle, signal: this.#signal, runningOnly };
    const session = await connect(this.target, how);
    if (this.#signal.aborted) session.close();
    this.#session = session;
    this.#isOwn = true;
    return session;
  }
}
