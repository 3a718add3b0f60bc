import { setMaxListeners } from "node:events";
import { AT_END } from "../../src/follow/index.ts";
import { type Target, targetName } from "../../src/target.ts";
import { isPartOfSeveral } from "../io/part-of-several.ts";
import { LOOKAHEAD } from "../targets/open-ahead.ts";
import type { NamedTarget, SessionPool } from "../targets/session-pool.ts";
import { LaterMatches, type LaterMatchesHost } from "./later-matches.ts";
import { MARK_SIGNAL } from "./line-record.ts";
import { Merger } from "./merger.ts";
import { errorReading, printFailure, printMessage } from "./messages.ts";
import type { TailOptions } from "./options.ts";
import { ALL_BEGUN } from "./positions.ts";
import { type OutputSource, Printer } from "./printer.ts";
import { quoted } from "./quote.ts";
import { TailFile } from "./tail-file.ts";
import { TailOutput } from "./tail-output.ts";
import { TailTarget } from "./tail-target.ts";

/** Maximum milliseconds between checks of `--pid`. A kill(2) with signal 0 is cheap. */
const PID_MS = 1000;

type AnyTailed = TailFile | TailOutput;

/** A run of tail: its files, their output and their follow. */
export class TailRun {
  readonly #sessions: SessionPool;
  readonly #options: TailOptions;
  readonly #since: number | undefined;
  readonly #failed: (error: unknown) => void;
  readonly #stop = new AbortController();
  readonly #tailTargets = new Map<string, TailTarget>();
  readonly #files: AnyTailed[] = [];
  readonly #later: LaterMatches;
  readonly #names = new Set<string>();
  /** Followed files that may still grow. */
  readonly #live = new Set<AnyTailed>();
  #isNoneLeft = false;
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
    this.#later = new LaterMatches(sessions, options);
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
    for (const text of texts) targets.push(...(await this.#later.now(text, failed)));
    const several = isPartOfSeveral() || targets.length > 1 || this.#later.hasGlobs || this.#later.hasSelections;
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
    if (this.#options.follow === undefined && this.#merger === undefined) await this.#showInTurn();
    else {
      await Promise.all(this.#files.map((file) => file.open(this.#stop.signal)));
      if (this.#merger) await this.#mergeParts(this.#merger);
      else for (const file of this.#files) await this.#showPart(file);
      if (!this.#merger) await printer.position(ALL_BEGUN, undefined);
    }
    printer.begunWith(this.#files.at(-1)?.source);
  }

  /** Follows until no more data can come. Returns the exit status as GNU tail does. */
  async follow(): Promise<number> {
    const { pid } = this.#options;
    const followed = this.#files.filter((file) => !file.isPipedInput);
    const endPid = pid === undefined ? undefined : this.#endWith(pid);
    for (const file of followed) this.#live.add(file);
    const matches = this.#matches();
    const endGlobs = this.#later.watchGlobs(matches);
    const running = this.#files.map((file) => this.#followOne(file));
    if (this.#later.hasSelections) running.push(this.#later.watchContainers(matches, this.#stop.signal));
    const onMark = () => this.#merger?.mark();
    if (this.#options.json) process.on(MARK_SIGNAL, onMark);
    try {
      if (endGlobs || this.#later.isWaiting)
        await new Promise<void>((resolve) => this.#stop.signal.addEventListener("abort", () => resolve()));
      await Promise.all(running);
    } finally {
      process.off(MARK_SIGNAL, onMark);
      endPid?.();
      endGlobs?.();
    }
    if ((this.#stop.signal.aborted && !this.#isNoneLeft) || (followed.length === 0 && !this.#later.hasSelections))
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
    this.#merger?.add(file.source, file.timeOf, file.progress);
    return file;
  }

  #tailTarget(target: Target): TailTarget {
    const key = targetName(target);
    const known = this.#tailTargets.get(key);
    if (known) return known;
    const tailTarget = new TailTarget(
      this.#sessions,
      target,
      this.#options.interval,
      undefined,
      this.#options.follow === "name",
    );
    this.#tailTargets.set(key, tailTarget);
    return tailTarget;
  }

  /** Shows and closes the files in order, and opens some of them ahead. */
  async #showInTurn(): Promise<void> {
    const opening: Promise<void>[] = [];
    for (const [turn, file] of this.#files.entries()) {
      for (let next = opening.length; next < this.#files.length && next <= turn + LOOKAHEAD; next++)
        opening.push((this.#files[next] as AnyTailed).open(this.#stop.signal));
      await opening[turn];
      await this.#showPart(file);
      file.close();
    }
  }

  async #showPart(file: AnyTailed): Promise<void> {
    const printer = this.#shown;
    if (file.isOpen) await printer.begin(file.source);
    if (!this.#complain(file)) {
      try {
        let hasBegun = false;
        for await (const piece of file.part()) {
          // The connection may be lost before the end of the part.
          if (!hasBegun && file.beginning !== undefined) await printer.position(file.name, file.beginning);
          hasBegun = true;
          await printer.write(file.source, piece);
        }
        if (!hasBegun) await printer.isEmpty(file.source);
        if (this.#options.follow === undefined) {
          await printer.flush(file.source);
          file.leaveInput();
        }
      } catch (error) {
        printFailure("tail", errorReading(file.name, error), error);
        this.#failed(error);
      }
    }
    if (this.#options.follow !== undefined && file.position !== undefined)
      await printer.position(file.name, file.position, file.source);
    if (this.#options.follow !== undefined && file.unfollowable !== undefined) printMessage("tail", file.unfollowable);
  }

  async #mergeParts(merger: Merger<OutputSource>): Promise<void> {
    const good = this.#files.filter((file) => !this.#complain(file));
    const goesOn = this.#options.follow !== undefined;
    await merger.show(good.map((file) => ({ source: file.source, pieces: file.part(), goesOn })));
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
          show: (source, bytes) => this.#merger?.take(source, bytes) ?? this.#shown.write(source, bytes),
          endLine: (source) => this.#merger?.endLine(source) ?? this.#shown.endLine(source),
          moved: (position) => {
            if (!this.#merger) void this.#shown.position(file.name, position, file.source);
          },
          seen: (tailTarget, identity) => this.#later.note(tailTarget, identity),
          gone: () => this.#leave(file),
          back: () => void this.#live.add(file),
        },
        this.#stop.signal,
      );
    } catch (error) {
      printFailure("tail", errorReading(file.name, error), error);
      this.#failed(error);
    } finally {
      try {
        await this.#merger?.leave(file.source);
      } finally {
        this.#leave(file);
        if (file.hasLeft) this.#forget(file);
      }
    }
  }

  /**
   * Called when a container was removed. A new container of that name is followed from the start.
   */
  #forget(file: AnyTailed): void {
    file.close();
    this.#files.splice(this.#files.indexOf(file), 1);
    this.#names.delete(file.named.text);
    this.#printer?.leave(file.source);
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
    if (this.#live.size > 0 || this.#later.hasGlobs || this.#later.isWaiting || this.#stop.signal.aborted) return;
    this.#isNoneLeft = true;
    this.#stop.abort(AT_END);
  }

  #matches(): LaterMatchesHost {
    return {
      tailTarget: (target) => this.#tailTarget(target),
      isFollowed: (name) => this.#names.has(name),
      found: (named) => void this.#take(this.#add(named)),
      removed: (isOfIt) => {
        for (const file of this.#files.filter(({ named }) => isOfIt(named))) file.leave();
      },
      tell: (text) => printMessage("tail", text),
    };
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

  async #take(file: AnyTailed): Promise<void> {
    printMessage("tail", `${quoted(file.name)} has appeared;  following new file`);
    file.fromStart();
    await file.open(this.#stop.signal);
    await this.#followOne(file);
  }
}
