import { PortholeError } from "../../src/errors.ts";
import { type Identity, isSameFile, onTick } from "../../src/follow/index.ts";
import type { Session } from "../../src/sessions/index.ts";
import { type Target, targetName } from "../../src/target.ts";
import { systemZone, targetZone, utc, type Zone } from "../../src/times/index.ts";
import { errorText, isNewCause } from "../io/fail.ts";
import { printMessage, reasonOf } from "./messages.ts";

const TICK_MS = 250;
/** Milliseconds of failed reconnects after which reconnects become less frequent. */
const PATIENT_AFTER_MS = 10_000;
const PATIENT_MS = 1000;
/**
 * Maximum number of protocol violations. Each violation may leak descriptors that cannot be closed.
 */
const MAX_BREACHES = 3;

/**
 * Provides a session for a target: a live session, or a new one. With `runningOnly`, rejects for
 * the files of a stopped container.
 */
export interface SessionProvider {
  session(target: Target, options?: { runningOnly?: boolean }): Promise<Session>;
}

/**
 * A container, process or this machine while files in it are followed. Holds the current session,
 * and the next one after a restart. Reports events once for all files in it.
 */
export class TailTarget {
  readonly #sessions: SessionProvider;
  readonly #target: Target;
  readonly #goneMs: number;
  readonly #say: (text: string) => void;
  readonly #byName: boolean;
  readonly #listeners = new Set<() => void>();
  /** The file that each follow by name currently reads, by the reader. */
  readonly #readers = new Map<object, { path: string; identity: Identity }>();
  /** The same by inode number. */
  readonly #readersOfInode = new Map<string, Set<object>>();
  #session: Session | undefined;
  #asking: Promise<Session> | undefined;
  #failure: { error: unknown; since: number; at: number; reported: boolean } | undefined;
  #endTicks: (() => void) | undefined;
  #breaches = 0;
  #zone: Zone;
  #learnsZone = false;
  readonly #over = new AbortController();

  /**
   * `tell` receives the notices; by default they go to standard error. `byName` is false if files
   * stay followed by their descriptors, which a new container does not have.
   */
  constructor(
    sessions: SessionProvider,
    target: Target,
    goneMs: number,
    tell = (text: string) => printMessage("tail", text),
    byName = true,
  ) {
    this.#sessions = sessions;
    this.#target = target;
    this.#goneMs = goneMs;
    this.#zone = target.kind === "local" ? systemZone : utc;
    this.#say = tell;
    this.#byName = byName;
  }

  /** The zone of timestamps without a zone. Valid after {@link learnZone} and the first session. */
  readonly zone: Zone = { name: "target", offsetAt: (instant) => this.#zone.offsetAt(instant) };

  /**
   * Records the file that a follow of `path` reads from now on; undefined at the end of the follow.
   */
  reads(identity: Identity | undefined, path: string, reader: object): void {
    const before = this.#readers.get(reader);
    if (before) this.#readersOf(before.identity).delete(reader);
    if (before && this.#readersOf(before.identity).size === 0) this.#readersOfInode.delete(`${before.identity.inode}`);
    if (identity === undefined) return void this.#readers.delete(reader);
    this.#readers.set(reader, { path, identity });
    this.#readersOfInode.set(`${identity.inode}`, this.#readersOf(identity).add(reader));
  }

  #readersOf({ inode }: Identity): Set<object> {
    return this.#readersOfInode.get(`${inode}`) ?? new Set();
  }

  /** True if a follow of another path reads the file. */
  isReadElsewhere(identity: Identity, path: string): boolean {
    for (const reader of this.#readersOf(identity)) {
      const one = this.#readers.get(reader);
      if (one && one.path !== path && isSameFile(one.identity, identity)) return true;
    }
    return false;
  }

  /** Makes each new session request the zone. */
  learnZone(): void {
    this.#learnsZone = true;
  }

  /**
   * Returns the current session. Rejects while there is no session. Reconnects are rate-limited.
   */
  session = (): Promise<Session> => {
    const now = this.#session;
    if (now !== undefined && now.ended === undefined) return Promise.resolve(now);
    if (now?.ended?.errno === "EPROTO" && this.#asking === undefined) this.#breach(now.ended);
    if (this.#over.signal.aborted) return Promise.reject(this.#over.signal.reason);
    const failure = this.#failure;
    if (failure !== undefined && performance.now() < failure.at + this.#pauseMs(failure.since))
      return Promise.reject(failure.error);
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  };

  /** Monitors the session. Calls `back` whenever there is a new session. */
  keep(back: () => void): void {
    this.#listeners.add(back);
    if (this.#target.kind !== "local") this.#endTicks ??= onTick(TICK_MS, () => this.#look());
  }

  end(): void {
    this.#endTicks?.();
    this.#listeners.clear();
  }

  /** Aborts after repeated protocol violations of the agent, which are reported. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  #look(): void {
    if (this.#session !== undefined && this.#session.ended === undefined) return;
    this.session().catch(() => undefined);
  }

  #breach(error: PortholeError): void {
    this.#session = undefined;
    if (++this.#breaches < MAX_BREACHES || this.#over.signal.aborted) return;
    this.#say(`${this.#name}: ${error.message}, ${MAX_BREACHES} times; giving up on it`);
    this.#endTicks?.();
    this.#over.abort(error);
  }

  async #ask(): Promise<Session> {
    const before = this.#session;
    try {
      // Waits for the next running container: no process writes files in a stopped one.
      const runningOnly = before !== undefined && before.offline === undefined;
      const session = await this.#sessions.session(this.#target, { runningOnly });
      if (this.#learnsZone) this.#zone = await targetZone(session);
      this.#session = session;
      this.#failure = undefined;
      if (before !== undefined && session.instance !== before.instance) this.#tell(before, session);
      if (before !== session) for (const back of this.#listeners) back();
      return session;
    } catch (error) {
      const now = performance.now();
      this.#failure ??= { error, since: now, at: now, reported: before === undefined };
      Object.assign(this.#failure, { error, at: now });
      if (!this.#failure.reported && now - this.#failure.since >= this.#goneMs) {
        this.#failure.reported = true;
        const waits = this.#target.kind === "process" || !this.#byName ? "" : "; waiting for it";
        const reason = error instanceof PortholeError ? errorText(error).message : reasonOf(error);
        if (isNewCause(error)) this.#say(`${this.#name}: ${reason}${waits}`);
      }
      throw error;
    }
  }

  #tell(before: Session, after: Session): void {
    const same = before.instance.split(".")[0] === after.instance.split(".")[0];
    const began =
      before.offline === undefined
        ? "was restarted"
        : after.offline === undefined
          ? "was started"
          : "has stopped again";
    if (same) this.#say(`${this.#name}: the container ${began}; continuing`);
    else if (this.#byName) this.#say(`${this.#name}: another container has this name now; continuing`);
    else this.#say(`${this.#name}: another container has this name now; it is not followed (use tail -F)`);
  }

  get #name(): string {
    return targetName(this.#target);
  }

  #pauseMs(since: number): number {
    return performance.now() - since > PATIENT_AFTER_MS ? PATIENT_MS : TICK_MS - 10;
  }
}
