import { setMaxListeners } from "node:events";
import { PortholeError } from "../../src/errors.ts";
import { AT_END, type Identity, identityOf, onTick } from "../../src/follow/index.ts";
import { parseTarget, placeName, type Target } from "../../src/target.ts";
import type { NamedTarget, SessionPool } from "../targets/session-pool.ts";
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
/** Maximum milliseconds between checks of `--pid`: a kill(2) with signal 0 is cheap. */
const PID_MS = 1000;

type AnyTailed = TailFile | TailOutput;

/** A run of tail: its files, their output and their follow. */
export class TailRun {
  readonly #sessions: SessionPool;
  readonly #options: TailOptions;
  readonly #since: number | undefined;
  readonly #failed: (error: unknown) => void;
  readonly #stop = new AbortController();
  readonly #places = new Map<string, TailTarget>();
  readonly #files: AnyTailed[] = [];
  /** Globs that may match more files later. */
  readonly #globs: { text: string; target: Target; watch: GlobWatch }[] = [];
  readonly #names = new Set<string>();
  readonly #seen = new Map<TailTarget, Set<string>>();
  /** Followed files that may still grow. */
  readonly #live = new Set<AnyTailed>();
  #isNoneLeft = false;
  #looking = false;
  #printer: Printer | undefined;
  #merger: Merger<OutputSource> | undefined;

  /** `failed` receives every error after it was reported. */
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
    // Each file adds a listener.
    setMaxListeners(0, this.#stop.signal);
  }

  /** Resolves the targets. Reports errors to `complain`. */
  async name(texts: readonly string[], complain: (error: unknown) => void): Promise<void> {
    const { follow, retry, prefix, merge, headers, delimiter, color, json } = this.#options;
    const targets: NamedTarget[] = [];
    for (const text of texts) {
      const isGlob = follow === "name" && retry && isPattern(text);
      if (isGlob) {
        const target = parseTarget(text);
        this.#globs.push({ text, target, watch: new GlobWatch(target.path) });
      }
      targets.push(
        ...(await this.#sessions.expand([text], (error) => {
          complain(error);
          this.#failed(error);
        })),
      );
    }
    const several = targets.length > 1 || this.#globs.length > 0;
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

  /** Opens all files and prints their initial parts. */
  async begin(): Promise<void> {
    const printer = this.#shown;
    if (this.#options.follow !== undefined) printer.watchReader();
    await Promise.all(this.#files.map((file) => file.open(this.#stop.signal)));
    if (this.#merger) await this.#mergeParts(this.#merger);
    else for (const file of this.#files) await this.#showPart(file);
    printer.begunWith(this.#files.at(-1)?.lane);
  }

  /** Follows until no more data can come. Returns the exit status of GNU tail. */
  async follow(): Promise<number> {
    const { pid } = this.#options;
    const followed = this.#files.filter((file) => !file.isPipedInput);
    const endPid = pid === undefined ? undefined : this.#endWith(pid);
    for (const file of followed) this.#live.add(file);
    const endGlobs = this.#globs.length > 0 ? onTick(GLOB_MS, () => void this.#lookForMore()) : undefined;
    const running = this.#files.map((file) => this.#followOne(file));
    try {
      if (endGlobs) await new Promise<void>((resolve) => this.#stop.signal.addEventListener("abort", () => resolve()));
      await Promise.all(running);
    } finally {
      endPid?.();
      endGlobs?.();
    }
    if ((this.#stop.signal.aborted && !this.#isNoneLeft) || followed.length === 0) return 0;
    printMessage("tail", "no files remaining");
    return 1;
  }

  /** Prints the pending data and closes everything. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#merger?.end();
    await this.#printer?.end();
    for (const file of this.#files) file.close();
    for (const place of this.#places.values()) place.end();
  }

  get #shown(): Printer {
    if (!this.#printer) throw new Error("name() comes first");
    return this.#printer;
  }

  #add(named: NamedTarget): AnyTailed {
    const { target } = named;
    const file =
      target.kind === "output"
        ? new TailOutput({ ...named, target }, this.#sessions.engine, this.#shown, this.#options, this.#since)
        : new TailFile(named, this.#place(named.target), this.#shown, this.#options, this.#since);
    this.#files.push(file);
    this.#names.add(named.text);
    this.#merger?.add(file.lane, file.timeOf);
    return file;
  }

  #place(target: Target): TailTarget {
    const key = placeName(target);
    const known = this.#places.get(key);
    if (known) return known;
    const place = new TailTarget(this.#sessions, target, this.#options.interval);
    this.#places.set(key, place);
    return place;
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
          seen: (place, identity) => this.#note(place, identity),
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
    }
  }

  /** Without `--retry`, waits for a deleted file only while another file is followed. */
  #leave(file: AnyTailed): void {
    this.#live.delete(file);
    if (this.#live.size > 0 || this.#globs.length > 0 || this.#stop.signal.aborted) return;
    this.#isNoneLeft = true;
    this.#stop.abort(AT_END);
  }

  #note(place: TailTarget, identity: Identity): void {
    const seen = this.#seen.get(place) ?? new Set();
    this.#seen.set(place, seen.add(keyOf(identity)));
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
   * Follows new matches of the globs, except a rotated file that was followed under another name.
   */
  async #lookForMore(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      for (const { text, target, watch } of this.#globs) await this.#expand(text, target, watch);
    } finally {
      this.#looking = false;
    }
  }

  async #expand(text: string, target: Target, watch: GlobWatch): Promise<void> {
    const place = this.#place(target);
    try {
      const session = await place.session();
      if (!(await watch.isDue(session))) return;
      const { expandGlob } = await import("../../src/files/index.ts");
      for await (const path of expandGlob(session, target.path)) {
        const name = text.slice(0, text.length - target.path.length) + path;
        if (this.#names.has(name)) continue;
        const stat = await session.stat(path);
        const isMade = stat.links === 1 && watch.wasCreated(path);
        if (!isMade && this.#seen.get(place)?.has(keyOf(identityOf(stat)))) continue;
        this.#take(this.#add({ text: name, target: { ...target, path } as Target }));
      }
    } catch (error) {
      watch.again();
      // The target reports a container that is away; a missing directory may be created.
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

/** True for a glob inside a container; the shell expands globs of local paths. */
function isPattern(text: string): boolean {
  try {
    const target = parseTarget(text);
    return target.kind !== "local" && /[*?[\\]/.test(target.path);
  } catch {
    return false;
  }
}
