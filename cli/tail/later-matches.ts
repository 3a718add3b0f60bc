import { PortholeError } from "../../src/errors.ts";
import { type Identity, identityOf, onTick } from "../../src/follow/index.ts";
import { type PathTarget, parseTarget, type Target, targetName, withPath } from "../../src/target.ts";
import { checkContainerName } from "../targets/container-name.ts";
import type { ContainerPattern } from "../targets/container-pattern.ts";
import { type NamedTarget, type SessionPool, selected } from "../targets/session-pool.ts";
import { GlobWatch } from "./glob-watch.ts";
import type { TailOptions } from "./options.ts";
import type { TailTarget } from "./tail-target.ts";

/** Milliseconds between expansions of a glob. */
const GLOB_MS = 1000;

/** A glob inside a target that may have more matches later. */
interface Glob {
  target: PathTarget;
  /** The pattern of the container; undefined if the container was named in full. */
  pattern: ContainerPattern | undefined;
  watch: GlobWatch;
}

/** The followed files, to which later matches are added. */
export interface LaterMatchesHost {
  tailTarget(target: Target): TailTarget;
  isFollowed(name: string): boolean;
  found(named: NamedTarget): void;
  /** Called when a container was removed. `isOfIt`: true for its files and outputs. */
  removed(isOfIt: (named: NamedTarget) => boolean): void;
  /** Receives messages about containers, in one line. */
  tell(text: string): void;
}

/** Finds files and containers that match the patterns of a follow later. */
export class LaterMatches {
  readonly #sessions: SessionPool;
  readonly #options: Pick<TailOptions, "follow" | "retry">;
  #globs: Glob[] = [];
  /** Patterns that may match more containers later, with the names of the current matches. */
  readonly #selections: { pattern: ContainerPattern; names: Set<string> }[] = [];
  readonly #seen = new Map<TailTarget, Set<string>>();
  #looking = false;

  constructor(sessions: SessionPool, options: Pick<TailOptions, "follow" | "retry">) {
    this.#sessions = sessions;
    this.#options = options;
  }

  get hasGlobs(): boolean {
    return this.#globs.length > 0;
  }

  /** True if the follow has a pattern of containers. */
  get hasSelections(): boolean {
    return this.#selections.length > 0;
  }

  /** True with `--retry`: tail then waits for missing containers. */
  get isWaiting(): boolean {
    return this.hasSelections && this.#options.retry;
  }

  /** Returns the targets that match now, and stores the patterns. `failed` receives errors. */
  async now(text: string, report: (error: unknown) => void): Promise<NamedTarget[]> {
    const failed = (error: unknown) => report(this.#willWait(error) ? waiting(error) : error);
    try {
      const pattern = this.#sessions.pattern(text);
      if (pattern === undefined) {
        const named = { text, target: parseTarget(text) };
        if (named.target.kind === "local" && this.#options.retry) {
          // Waits for the file nevertheless.
          await checkContainerName(named.target, this.#sessions.engine).catch(failed);
          return [named];
        }
        this.#keepGlob(named);
      } else if (this.#options.follow !== undefined) await this.#keepPattern(pattern);
      return await this.#sessions.expand([text], failed);
    } catch (error) {
      failed(error);
      return [];
    }
  }

  /** True for a pattern without a match: later matches are followed. */
  #willWait(error: unknown): error is PortholeError {
    if (!(error instanceof PortholeError)) return false;
    return error.code === "TARGET" ? this.isWaiting : error.errno === "ENOENT" && this.hasGlobs;
  }

  /** Stores a glob that may have more matches later. It must be followed by name. */
  #keepGlob({ target, pattern }: NamedTarget): void {
    const { follow, retry } = this.#options;
    if (follow !== "name" || !retry || !isPattern(target)) return;
    this.#globs.push({ target, pattern, watch: new GlobWatch(target.path) });
  }

  /**
   * Stores a pattern of containers and its current matches.
   * @throws PortholeError without a match. With `--retry`, later matches are followed nevertheless.
   */
  async #keepPattern(pattern: ContainerPattern): Promise<void> {
    const names = new Set<string>();
    const { retry } = this.#options;
    if (retry) this.#selections.push({ pattern, names });
    const containers = await this.#sessions.select(pattern);
    if (!retry) this.#selections.push({ pattern, names });
    for (const named of containers) {
      names.add(containerOf(named.target));
      this.#keepGlob(named);
    }
  }

  /** Records a followed file, because a glob may match it under another name after a rotation. */
  note(tailTarget: TailTarget, identity: Identity): void {
    const seen = this.#seen.get(tailTarget) ?? new Set();
    this.#seen.set(tailTarget, seen.add(keyOf(identity)));
  }

  /**
   * Expands the globs periodically, including those of containers that appear later. Returns a
   * function that stops this; undefined if there will be no globs.
   */
  watchGlobs(host: LaterMatchesHost): (() => void) | undefined {
    if (!this.hasGlobs && !this.isWaiting) return undefined;
    const endTicks = onTick(GLOB_MS, () => void this.#lookForMore(host));
    return () => {
      endTicks();
      for (const { watch } of this.#globs.splice(0)) watch.end();
    };
  }

  /** Reports containers that match a pattern now, and removed ones, until the signal aborts. */
  async watchContainers(host: LaterMatchesHost, signal: AbortSignal): Promise<void> {
    const kinds = new Set(this.#selections.map(({ pattern }) => pattern.pods !== undefined));
    await Promise.all([...kinds].map((pods) => this.#watchKind(pods, host, signal)));
  }

  async #watchKind(pods: boolean, host: LaterMatchesHost, signal: AbortSignal): Promise<void> {
    const { watchSelection } = await import("../targets/select-containers.ts");
    await watchSelection({
      ...{ engine: this.#sessions.engine, pods, signal },
      changed: (namesOf) => {
        const removed = new Set<string>();
        for (const { pattern, names } of this.#selections) {
          if ((pattern.pods !== undefined) !== pods) continue;
          const now = new Set(namesOf(pattern));
          for (const name of names) {
            if (now.has(name)) continue;
            removed.add(name);
            this.#removed(name, pattern, host);
          }
          for (const name of now) if (!names.has(name)) this.#joined(selected(pattern, name), host);
          names.clear();
          for (const name of now) names.add(name);
        }
        for (const name of removed) host.tell(`${name}: the container was removed; no longer following it`);
      },
    });
  }

  #joined(named: NamedTarget, host: LaterMatchesHost): void {
    if (host.isFollowed(named.text)) return;
    if (!isPattern(named.target)) {
      host.found(named);
      return;
    }
    host.tell(`${containerOf(named.target)}: a new container that matches; following it too`);
    // Stores the glob; the next check finds its matches.
    this.#keepGlob(named);
  }

  #removed(name: string, pattern: ContainerPattern, host: LaterMatchesHost): void {
    const isOfIt = (one: { target: Target; pattern?: ContainerPattern | undefined }) =>
      one.pattern === pattern && containerOf(one.target) === name;
    for (const { watch } of this.#globs.filter(isOfIt)) watch.end();
    this.#globs = this.#globs.filter((glob) => !isOfIt(glob));
    host.removed(isOfIt);
  }

  async #lookForMore(host: LaterMatchesHost): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      for (const glob of this.#globs) await this.#expand(glob, host);
    } finally {
      this.#looking = false;
    }
  }

  /** Reports new matches. Skips a rotated file that was followed under another name. */
  async #expand({ target, pattern, watch }: Glob, host: LaterMatchesHost): Promise<void> {
    const tailTarget = host.tailTarget(target);
    try {
      const session = await tailTarget.session();
      if (!watch.isDue(session)) return;
      const { expandGlob } = await import("../../src/files/index.ts");
      for await (const path of expandGlob(session, target.path)) {
        const name = `${targetName(target)}:${path}`;
        if (host.isFollowed(name)) continue;
        const stat = await session.stat(path);
        const isMade = stat.links === 1 && watch.wasCreated(path);
        if (!isMade && this.#seen.get(tailTarget)?.has(keyOf(identityOf(stat)))) continue;
        host.found({ text: name, target: withPath(target, path), isMatch: true, ...(pattern && { pattern }) });
      }
    } catch (error) {
      watch.again();
      // Ignores the error: the target reports an unreachable container, and a missing directory may
      // still be created.
      if (!(error instanceof PortholeError)) throw error;
    }
  }
}

function waiting(error: PortholeError): PortholeError {
  const { code, message, errno, hint } = error;
  return new PortholeError(code, `${message}; waiting for it`, { errno, hint, cause: error });
}

/** Inode numbers are reused; the birth time distinguishes the files. */
function keyOf({ device, inode, born }: Identity): string {
  return `${device}:${inode}:${born ?? ""}`;
}

function containerOf(target: Target): string {
  return "name" in target ? target.name : "";
}

/** True for a glob inside a container. The shell expands globs of local paths. */
function isPattern(target: Target): target is PathTarget {
  return target.kind !== "local" && target.kind !== "output" && /[*?[\\]/.test(target.path);
}
