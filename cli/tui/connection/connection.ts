import { resolve } from "node:path";
import { PortholeError } from "../../../src/errors.ts";
import { connect, type Session } from "../../../src/sessions/index.ts";
import { type Target, targetName } from "../../../src/target.ts";
import type { Zone } from "../../../src/times/index.ts";
import { shownName } from "../../io/part-of-several.ts";
import { TailTarget } from "../../tail/tail-target.ts";
import type { ConnectionOptions } from "../../targets/options.ts";
import { LastExit } from "./last-exit.ts";
import { Reconnection } from "./reconnection.ts";

/** Milliseconds that a followed file must be unreachable before a row reports it. */
export const GONE_MS = 1000;

/** Returns the absolute path of a target, so that parent directories can be opened. */
export function absolutePath(target: Target): string {
  return target.kind === "local" ? resolve(target.path) : target.path;
}

/** How to choose a session: {@link Connection.session}. */
export interface SessionChoice {
  /** Rejects for the files of a stopped container. */
  runningOnly?: boolean;
}

/**
 * The target of a browser: a container, the namespaces of a process, or this machine. Holds one
 * session and replaces it after its end.
 */
export class Connection {
  readonly target: Target;
  /** Replaces an ended session while lists show the target. */
  readonly reconnection: Reconnection;
  /** How the container ended, if its files are those of a stopped one. */
  readonly lastExit: LastExit;
  readonly #options: ConnectionOptions;
  readonly #signal: AbortSignal;
  #session: Session | undefined;
  #isOwn = true;
  #connecting: { session: Promise<Session>; runningOnly: boolean } | undefined;

  constructor(target: Target, options: ConnectionOptions, signal: AbortSignal) {
    this.target = target;
    this.#options = options;
    this.#signal = signal;
    this.lastExit = new LastExit("name" in target ? target.name : "", options.engine);
    const session = (choice: SessionChoice) => this.session(choice);
    const current = () => this.#session;
    this.reconnection = new Reconnection({
      name: this.name,
      isProcess: target.kind === "process",
      get current() {
        return current();
      },
      session,
    });
  }

  /**
   * Creates a connection for a target with an existing session. The caller keeps ownership of the
   * session.
   */
  static with(session: Session, target: Target, options: ConnectionOptions, signal: AbortSignal): Connection {
    const connection = new Connection(target, options, signal);
    connection.#session = session;
    connection.#isOwn = false;
    void connection.#learnExit(session);
    return connection;
  }

  /** The part of the target before the colon; empty for this machine. */
  get name(): string {
    return shownName(targetName(this.target));
  }

  /** The engine to use; undefined for all engines. */
  get engine(): string | undefined {
    return this.#options.engine;
  }

  /** Formats a path of this target as a target for any command. */
  text(path: string): string {
    return this.name === "" ? path : `${this.name}:${path}`;
  }

  /** True if there was a session and it has ended. */
  get isEnded(): boolean {
    return this.#session?.ended !== undefined;
  }

  /** The route of the session; empty without a session. */
  get route(): string {
    return this.#session?.route ?? "";
  }

  /** The route of the session, for titles; says if the container is stopped, and how it ended. */
  get routeText(): string {
    if (this.#session?.offline !== "stopped") return this.route;
    return `${this.route}, ${this.lastExit.text || "container is stopped"}`;
  }

  /**
   * Returns the session. Connects if there is none or if it has ended. Rejects as {@link connect}
   * does.
   */
  session({ runningOnly = false }: SessionChoice = {}): Promise<Session> {
    const now = this.#session;
    if (now !== undefined && now.ended === undefined && !(runningOnly && now.offline === "stopped"))
      return Promise.resolve(now);
    const going = this.#connecting;
    if (going !== undefined) {
      if (going.runningOnly === runningOnly) return going.session;
      const again = () => this.session({ runningOnly });
      return going.session.then(again, again);
    }
    const session = this.#connect(runningOnly).finally(() => {
      this.#connecting = undefined;
    });
    this.#connecting = { session, runningOnly };
    return session;
  }

  /**
   * Runs an action on the session. Retries once on a new session if the session ended meanwhile,
   * because its agent may have been restarted. With `onlyLive`, rejects instead: for actions that
   * the user has not requested, which would connect to the files of a stopped container.
   */
  async use<T>(action: (session: Session) => Promise<T>, { onlyLive = false } = {}): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const { ended } = this.#session ?? {};
      if (onlyLive && ended !== undefined) throw ended;
      const session = await this.session();
      try {
        return await action(session);
      } catch (error) {
        if (attempt > 0 || session.ended === undefined || !(error instanceof PortholeError)) throw error;
      }
    }
  }

  /** The zone of times without a zone. */
  async zone(): Promise<Zone> {
    const { parseZone, targetZone } = await import("../../../src/times/index.ts");
    const { tz } = this.#options;
    return tz === undefined ? this.use(targetZone) : parseZone(tz);
  }

  /**
   * The target for the follow engine. `tell` is called when the container is restarted or removed.
   * End it after the last follow.
   */
  followed(tell: (text: string) => void): TailTarget {
    return new TailTarget({ session: (_, options) => this.session(options) }, this.target, GONE_MS, tell);
  }

  /** Ends the session, if this object connected it. */
  close(): void {
    this.lastExit.close();
    if (this.#isOwn) this.#session?.close();
  }

  async #connect(runningOnly: boolean): Promise<Session> {
    const { engine, route, user, idle } = this.#options;
    const how = { engine, route, user, idleSeconds: idle, signal: this.#signal, runningOnly };
    const session = await connect(this.target, how);
    if (this.#signal.aborted) session.close();
    this.#session = session;
    this.#isOwn = true;
    await this.#learnExit(session);
    return session;
  }

  async #learnExit({ offline }: Session): Promise<void> {
    if (offline === "stopped") await this.lastExit.ask();
    else this.lastExit.clear();
  }
}
