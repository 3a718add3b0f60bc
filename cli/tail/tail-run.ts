import { setMaxListeners } from "node:events";
import { PortholeError } from "../../src/errors.ts";
import { AT_END, type Identity, identityOf, onTick } from "../../src/follow/index.ts";
import { type PathTarget, parseTarget, type Target, targetName, withPath } from "../../src/target.ts";
import { isPartOfSeveral } from "../elsewhere/part-of-several.ts";
import type { ContainerPattern } from "../targets/container-pattern.ts";
import { type NamedTarget, type SessionPool, selected } from "../targets/session-pool.ts";
import { GlobWatch } from "./glob-watch.ts";
import { Merger } from "./merger.ts";
import { errorReading, printMessage } from "./messages.ts";
import type { TailOptions } from "./options.ts";
import { type OutputSource, Printer } from "./printer.ts";
import { quoted } from "./quote.ts";
import { TailFile } from "./tail-file.ts";
import { TailOutput } from "./tail-output.ts";
import { TailTarget } from "./tail-target.ts";

/** Milliseconds between expansions of a glob. */
const GLOB_MS = 1000;
/** Maximum milliseconds between checks of `--pid`. A kill(2) with signal 0 is cheap. */
const PID_MS = 1000;

type AnyTailed = TailFile | TailOutput;

/** A glob inside a target that may have more matches later. */
interface Glob {
  target: PathTarget;
  /** The pattern of the container; undefined if the container was named in full. */
  pattern: ContainerPattern | undefined;
  watch: GlobWatch;
}

/** A run of tail: its files, their output and their follow. */
export class TailRun {
  readonly #sessions: SessionPool;
  readonly #options: TailOptions;
  readonly #since: number | undefined;
  readonly #failed: (error: unknown) => void;
  readonly #stop = new AbortController();
  readonly #tailTargets = new Map<string, TailTarget>();
  readonly #files: AnyTailed[] = [];
  /** Globs that may have more matches later. */
  #globs: Glob[] = [];
  /** Patterns that may match more containers later, with the names of the current matches. */
  readonly #selections: { pattern: ContainerPattern; names: Set<string> }[] = [];
  readonly #names = new Set<string>();
  readonly #seen = new Map<TailTarget, Set<string>>();
  /** Followed files that may still grow. */
  readonly #live = new Set<AnyTailed>();
  #isNoneLeft = false;
  #looking = false;
  #printer: Printer | undefined;
  #merger: Merger<OutputSource> | undefined;

  /** `failed` receives every error after the error was reported. */
  constructor(
    sessions: SessionPool,
    options: TailOptions,
    since: number | undefined,
    failed: (error: unknown) => void,
  ) {
    this.#sessions = sessions;
    this.#options = options;
    this.#since = since;
    this.#failed = failed;
    // Allows any number of listeners, because each file adds one.
    setMaxListeners(0, this.#stop.signal);
  }

  /** Resolves the targets. Reports errors to `complain`. */
  async name(texts: readonly string[], complain: (error: unknown) => void): Promise<void> {
    const { prefix, merge, headers, delimiter, color, json } = this.#options;
    const targets: NamedTarget[] = [];
    const failed = (error: unknown) => {
      complain(error);
      this.#failed(error);
    };
    for (const text of texts) targets.push(...(await this.#named(text, failed)));
    const several = isPartOfSeveral() || targets.length > 1 || this.#globs.length > 0 || this.#selections.length > 0;
    this.#printer = await Printer.open({
      command: "tail",
      headers: !json && !prefix && !merge && (headers === "always" || (headers === "several" && several)),
      prefix,
      json,
      shared: several,
      delimiter,
      color,
    });
    if (merge) this.#merger = new Merger(this.#printer, delimiter);
    for (const named of targets) this.#add(named);
  }

  async #named(text: string, failed: (error: unknown) => void): Promise<NamedTarget[]> {
    const { follow, retry } = this.#options;
    const isWaiting = follow !== undefined && retry;
    try {
      const pattern = this.#sessions.pattern(text);
      if (pattern === undefined || follow === undefined) {
        if (pattern === undefined) this.#keepGlob({ text, target: parseTarget(text) });
        return await this.#sessions.expand([text], failed);
      }
      const names = new Set<string>();
      if (isWaiting) this.#selections.push({ pattern, names });
      const containers = await this.#sessions.select(pattern);
      if (!isWaiting) this.#selections.push({ pattern, names });
      for (const named of containers) {
        names.add(containerOf(named.target));
        this.#keepGlob(named);
      }
      return await this.#sessions.expand([text], failed);
    } catch (error) {
      failed(error);
      return [];
    }
  }

  /** Stores a glob that may have more matches later. It must be followed by name. */
  #keepGlob({ target, pattern }: NamedTarget): void {
    const { follow, retry } = this.#options;
    if (follow !== "name" || !retry || !isPattern(target)) return;
    this.#globs.push({ target, pattern, watch: new GlobWatch(target.path) });
  }

  /** Opens all files and prints their initial parts. */
  async begin(): Promise<void> {
    const printer = this.#shown;
    if (this.#options.follow !== undefined) printer.watchReader();
    await Promise.all(this.#files.map((file) => file.open(this.#stop.signal)));
    if (this.#merger) await this.#mergeParts(this.#merger);
    else for (const file of this.#files) await this.#showPart(file);
    printer.begunWith(this.#files.at(-1)?.lane);
  }

  /** Follows until no more data can come. Returns the exit status as GNU tail does. */
  async follow(): Promise<number> {
    const { pid } = this.#options;
    const followed = this.#files.filter((file) => !file.isPipedInput);
    const endPid = pid === undefined ? undefined : this.#endWith(pid);
    for (const file of followed) this.#live.add(file);
    const endGlobs = this.#globs.length > 0 ? onTick(GLOB_MS, () => void this.#lookForMore()) : undefined;
    const running = this.#files.map((file) => this.#followOne(file));
    if (this.#selections.length > 0) running.push(this.#watchContainers());
    try {
      if (endGlobs || this.#isWaiting)
        await new Promise<void>((resolve) => this.#stop.signal.addEventListener("abort", () => resolve()));
      await Promise.all(running);
    } finally {
      endPid?.();
      endGlobs?.();
    }
    if ((this.#stop.signal.aborted && !this.#isNoneLeft) || (followed.length === 0 && this.#selections.length === 0))
      return 0;
    printMessage("tail", "no files remaining");
    return 1;
  }

  /** Prints the pending data and closes everything. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#merger?.end();
    await this.#printer?.end();
    for (const file of this.#files) file.close();
    for (const tailTarget of this.#tailTargets.values()) tailTarget.end();
  }

  get #shown(): Printer {
    if (!this.#printer) throw new Error("name() comes first");
    return this.#printer;
  }

  #add(named: NamedTarget): AnyTailed {
    const { target } = named;
    const file =
      target.kind === "output"
        ? new TailOutput(named, target, this.#sessions.engine, this.#shown, this.#options, this.#since)
        : new TailFile(named, this.#tailTarget(target), this.#shown, this.#options, this.#since);
    this.#files.push(file);
    this.#names.add(named.text);
    this.#merger?.add(file.lane, file.timeOf);
    return file;
  }

  #tailTarget(target: Target): TailTarget {
    const key = targetName(target);
    const known = this.#tailTargets.get(key);
    if (known) return known;
    const tailTarget = new TailTarget(this.#sessions, target, this.#options.interval);
    this.#tailTargets.set(key, tailTarget);
    return tailTarget;
  }

  async #showPart(file: AnyTailed): Promise<void> {
    const printer = this.#shown;
    if (file.isOpen) await printer.begin(file.lane);
    if (!this.#complain(file)) {
      try {
        for await (const piece of file.part()) await printer.write(file.lane, piece);
        if (this.#options.follow === undefined) {
          await printer.flush(file.lane);
          file.leaveInput();
        }
      } catch (error) {
        printMessage("tail", errorReading(file.name, error));
        this.#failed(error);
      }
    }
    if (this.#options.follow !== undefined && file.unfollowable !== undefined) printMessage("tail", file.unfollowable);
  }

  async #mergeParts(merger: Merger<OutputSource>): Promise<void> {
    const good = this.#files.filter((file) => !this.#complain(file));
    const goesOn = this.#options.follow !== undefined;
    await merger.show(good.map((file) => ({ lane: file.lane, pieces: file.part(), goesOn })));
  }

  #complain(file: AnyTailed): boolean {
    const failure = file.complaint();
    if (failure !== undefined) this.#failed(failure);
    return failure !== undefined;
  }

  async #followOne(file: AnyTailed): Promise<void> {
    try {
      await file.follow(
        {
          show: (lane, bytes) => this.#merger?.take(lane, bytes) ?? this.#shown.write(lane, bytes),
          endLine: (lane) => this.#merger?.endLine(lane) ?? this.#shown.endLine(lane),
          seen: (tailTarget, identity) => this.#note(tailTarget, identity),
          gone: () => this.#leave(file),
          back: () => void this.#live.add(file),
        },
        this.#stop.signal,
      );
    } catch (error) {
      printMessage("tail", errorReading(file.name, error));
      this.#failed(error);
    } finally {
      this.#leave(file);
      if (file.hasLeft) this.#forget(file);
    }
  }

  /**
   * Called when a container was removed. A new container of that name is followed from the start.
   */
  #forget(file: AnyTailed): void {
    file.close();
    this.#files.splice(this.#files.indexOf(file), 1);
    this.#names.delete(file.named.text);
    this.#printer?.leave(file.lane);
    const key = targetName(file.named.target);
    if (this.#files.some(({ named }) => targetName(named.target) === key)) return;
    this.#tailTargets.get(key)?.end();
    this.#tailTargets.delete(key);
  }

  /**
   * Drops a deleted file. Without `--retry`, waits for the file only while another file is
   * followed.
   */
  #leave(file: AnyTailed): void {
    this.#live.delete(file);
    if (this.#live.size > 0 || this.#globs.length > 0 || this.#isWaiting || this.#stop.signal.aborted) return;
    this.#isNoneLeft = true;
    this.#stop.abort(AT_END);
  }

  /** True with `--retry`: tail then waits for missing containers. */
  get #isWaiting(): boolean {
    return this.#selections.length > 0 && this.#options.retry;
  }

  /** Adds containers that match a pattern now, and drops containers that were removed. */
  async #watchContainers(): Promise<void> {
    const kinds = new Set(this.#selections.map(({ pattern }) => pattern.pods !== undefined));
    await Promise.all([...kinds].map((pods) => this.#watchKind(pods)));
  }

  async #watchKind(pods: boolean): Promise<void> {
    const { watchSelection } = await import("../targets/select-containers.ts");
    await watchSelection({
      ...{ engine: this.#sessions.engine, pods },
      signal: this.#stop.signal,
      changed: (namesOf) => {
        const removed = new Set<string>();
        for (const { pattern, names } of this.#selections) {
          if ((pattern.pods !== undefined) !== pods) continue;
          const now = new Set(namesOf(pattern));
          for (const name of names) {
            if (now.has(name)) continue;
            removed.add(name);
            this.#removed(name, pattern);
          }
          for (const name of now) if (!names.has(name)) this.#joined(selected(pattern, name));
          names.clear();
          for (const name of now) names.add(name);
        }
        for (const name of removed) printMessage("tail", `${name}: the container was removed; no longer following it`);
      },
    });
  }

  #joined(named: NamedTarget): void {
    if (this.#names.has(named.text)) return;
    if (!isPattern(named.target)) return void this.#take(this.#add(named));
    printMessage("tail", `${containerOf(named.target)}: a new container that matches; following it too`);
    // Stores the glob; the next check finds its matches.
    this.#keepGlob(named);
  }

  #removed(name: string, pattern: ContainerPattern): void {
    const isOfIt = (one: { target: Target; pattern?: ContainerPattern | undefined }) =>
      one.pattern === pattern && containerOf(one.target) === name;
    this.#globs = this.#globs.filter((glob) => !isOfIt(glob));
    for (const file of this.#files.filter(({ named }) => isOfIt(named))) file.leave();
  }

  #note(tailTarget: TailTarget, identity: Identity): void {
    const seen = this.#seen.get(tailTarget) ?? new Set();
    this.#seen.set(tailTarget, seen.add(keyOf(identity)));
  }

  #endWith(pid: number): () => void {
    const look = () => {
      try {
        process.kill(pid, 0);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ESRCH") this.#stop.abort(AT_END);
      }
    };
    look();
    const timer = setInterval(look, Math.min(Math.max(50, this.#options.interval), PID_MS));
    return () => clearInterval(timer);
  }

  /**
   * Follows new matches of the globs. Skips a rotated file that was followed under another name.
   */
  async #lookForMore(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      for (const glob of this.#globs) await this.#expand(glob);
    } finally {
      this.#looking = false;
    }
  }

  async #expand({ target, pattern, watch }: Glob): Promise<void> {
    const tailTarget = this.#tailTarget(target);
    try {
      const session = await tailTarget.session();
      if (!(await watch.isDue(session))) return;
      const { expandGlob } = await import("../../src/files/index.ts");
      for await (const path of expandGlob(session, target.path)) {
        const name = `${targetName(target)}:${path}`;
        if (this.#names.has(name)) continue;
        const stat = await session.stat(path);
        const isMade = stat.links === 1 && watch.wasCreated(path);
        if (!isMade && this.#seen.get(tailTarget)?.has(keyOf(identityOf(stat)))) continue;
        const named = { text: name, target: withPath(target, path), isMatch: true, ...(pattern && { pattern }) };
        void this.#take(this.#add(named));
      }
    } catch (error) {
      watch.again();
      // Ignores the error: the target reports an unreachable container, and a missing directory may
      // still be created.
      if (!(error instanceof PortholeError)) throw error;
    }
  }

  async #take(file: AnyTailed): Promise<void> {
    printMessage("tail", `${quoted(file.name)} has appeared;  following new file`);
    file.fromStart();
    await file.open(this.#stop.signal);
    await this.#followOne(file);
  }
}

/** Inode numbers are reused; the birth time distinguishes the files. */
function keyOf({ device, inode, born }: Identity): string {
  return `${device}:${inode}:${born ?? ""}`;
}

/** Returns the name of a container that a pattern matched. */
function containerOf(target: Target): string {
  return "name" in target ? target.name : "";
}

/** True for a glob inside a container. The shell expands globs of local paths. */
function isPattern(target: Target): target is PathTarget {
  return target.kind !== "local" && target.kind !== "output" && /[*?[\\]/.test(target.path);
}
