import { anySignal, seekTo } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import {
  AT_END,
  Fingerprint,
  type FollowEvent,
  FollowProgress,
  follow,
  followRelayed,
  type Generation,
  type Identity,
  identityOf,
  type PolledFile,
  type SessionFile,
} from "../../src/follow/index.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import { TimestampReader } from "../../src/text/index.ts";
import { openTarget } from "../targets/open-target.ts";
import type { NamedTarget } from "../targets/session-pool.ts";
import { initialPart } from "./initial-part.ts";
import { type Input, pieces, standardInput } from "./input.ts";
import { cannotOpen, errorReading, printFailure, printMessage } from "./messages.ts";
import { Notices } from "./notices.ts";
import type { TailOptions } from "./options.ts";
import { continuesAt, fileId, type Position, resumePosition } from "./positions.ts";
import type { OutputSource, Printer } from "./printer.ts";
import { quotedIfNeeded } from "./quote.ts";
import { tailSource } from "./tail-source.ts";
import type { TailTarget } from "./tail-target.ts";

type Events<File extends Generation> = AsyncGenerator<FollowEvent<File>, void, void>;

/** Receives the data and events of a followed file. */
export interface TailSink {
  show(source: OutputSource, bytes: Uint8Array): Promise<void>;
  /** Ends an unfinished line: the next chunk belongs to another generation. */
  endLine(source: OutputSource): Promise<void>;
  /** Called before bytes that do not follow the last ones: see {@link Printer.position}. */
  moved(position: Position | undefined): void;
  /**
   * Called with the identity of every file that is read, so that a glob does not report the file as
   * new.
   */
  seen(tailTarget: TailTarget, identity: Identity): void;
  /** Called when the file is deleted, without --retry. */
  gone(): void;
  /** Called when the file exists again. */
  back(): void;
}

/** A target of tail, from its opening to the end of its follow. */
export class TailFile {
  readonly name: string;
  readonly source: OutputSource;
  readonly tailTarget: TailTarget;
  readonly named: NamedTarget;
  readonly progress = new FollowProgress();
  readonly #own = new AbortController();
  readonly #options: TailOptions;
  readonly #since: number | undefined;
  readonly #timestamps: TimestampReader;
  #input: Input | undefined;
  #failure: unknown;
  /** The error of the first read. */
  #unreadable: unknown;
  /** The offset at which the initial part ends and the follow begins. */
  #size = 0;
  #wholly = false;
  /** The offset of the initial part: where this run continues after another one, or begins. */
  #from: number | undefined;
  /** Fingerprint of the data read from a relayed file, which cannot seek. */
  readonly #relayed = new Fingerprint();
  /** True for a file of /proc or similar: it is read once to its end. */
  #pseudo = false;
  #events: Events<SessionFile> | undefined;
  #first: Promise<IteratorResult<FollowEvent<SessionFile>, void>> | undefined;

  constructor(
    named: NamedTarget,
    tailTarget: TailTarget,
    printer: Printer,
    options: TailOptions,
    since: number | undefined,
  ) {
    this.named = named;
    this.name = named.text === "-" ? "standard input" : named.text;
    this.source = printer.source(options.json ? named.text : this.name, this.timeOf);
    this.tailTarget = tailTarget;
    this.#options = options;
    this.#since = since;
    if (options.zone === undefined && (options.json || options.merge || since !== undefined)) tailTarget.learnZone();
    this.#timestamps = new TimestampReader({ now: Date.now(), zone: options.zone ?? tailTarget.zone });
  }

  readonly timeOf = (line: Uint8Array): number | undefined => this.#timestamps.read(line);

  /** True for a standard input that is a pipe: POSIX ignores -f for it. */
  get isPipedInput(): boolean {
    return this.#input?.isStdin === true && this.#input.file === undefined;
  }

  /**
   * Opens the file and keeps an error for later. Starts the follow at once, so that no event is
   * lost while other files are printed.
   */
  async open(stop: AbortSignal): Promise<void> {
    try {
      this.#input =
        this.named.text === "-"
          ? await standardInput()
          : {
              file: await openTarget(await this.tailTarget.session(), this.named, this.#options),
              start: 0,
              isStdin: false,
              passed: (piece) => this.#relayed.advance(piece),
            };
    } catch (error) {
      this.#failure = error;
    }
    const file = this.#input?.file;
    if (file?.isSeekable) {
      this.#size = file.size();
      try {
        this.#pseudo =
          this.#size === 0 && file.kind === "file" && file.read(new Uint8Array(1), 0) > 0 && file.size() === 0;
      } catch (error) {
        this.#unreadable = error;
      }
    }
    if (this.#options.follow === undefined || !this.#followable(file)) return;
    if (!this.#pseudo) this.#resume(file as OpenFile);
    this.#begin(file, this.#until(stop));
  }

  /** Continues after a lost connection, or begins with a file that has replaced the other one. */
  #resume(file: OpenFile): void {
    const position = resumePosition(this.name);
    if (position === undefined) return;
    const isSame = continuesAt(file, this.#size, position);
    this.#from = isSame ? position.at : 0;
    if (!isSame)
      printMessage(
        "tail",
        `${quotedIfNeeded(this.name)} was replaced while the connection was lost: the last lines of the old file may be missing`,
      );
  }

  /** The position at the start of the initial part, once its first chunk was read. */
  get beginning(): Position | undefined {
    const { position } = this;
    return position === undefined || this.#from === undefined ? undefined : { ...position, at: this.#from };
  }

  /** The position at the end of the initial part; undefined for a file that is not followed by it. */
  get position(): Position | undefined {
    const file = this.#input?.file;
    if (file === undefined || this.#events === undefined || this.#pseudo || this.#input?.isStdin) return undefined;
    return { file: fileId(identityOf(file.stat)), at: this.#size };
  }

  /** Reads the available data, then ends the follow. */
  leave(): void {
    this.#own.abort(AT_END);
  }

  get hasLeft(): boolean {
    return this.#own.signal.aborted;
  }

  /** Makes the follow start at the beginning of a new file. */
  fromStart(): void {
    this.#wholly = true;
  }

  /** Reports and returns the error of the open; undefined if the open succeeded. */
  complaint(): unknown {
    if (this.#failure !== undefined) {
      printFailure("tail", cannotOpen(this.name, this.#failure), this.#failure);
      return this.#failure;
    }
    if (this.#unreadable !== undefined) {
      printFailure("tail", errorReading(this.name, this.#unreadable), this.#unreadable);
      return this.#unreadable;
    }
    if (this.#input?.file?.kind !== "directory") return undefined;
    const error = new PortholeError("FILE", "Is a directory", { errno: "EISDIR" });
    printMessage("tail", errorReading(this.name, error));
    return error;
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  get isDirectory(): boolean {
    return this.#input?.file?.kind === "directory";
  }

  /**
   * GNU's message for a file that cannot be followed, because it is not a regular file, FIFO or
   * character device.
   */
  get unfollowable(): string | undefined {
    const file = this.#input?.file;
    if (file === undefined || !(this.isDirectory || file.kind === "block device")) return undefined;
    const gives = this.#options.retry ? "" : "; giving up on this name";
    return `${quotedIfNeeded(this.name)}: cannot follow end of this type of file${gives}`;
  }

  /** Yields the initial part. */
  part(): AsyncGenerator<Buffer> {
    const input = this.#input;
    if (input === undefined) throw new Error("nothing is open");
    const since = this.#since;
    const bounded = this.#events !== undefined && !this.#pseudo;
    if (this.#from !== undefined) return pieces(input, this.#from, this.#size);
    return initialPart(
      input,
      this.#options,
      since === undefined
        ? undefined
        : {
            time: since,
            timeOf: this.timeOf,
            none: () =>
              printMessage("tail", `${quotedIfNeeded(this.name)}: no recognised timestamp; --since has no effect`),
          },
      bounded ? this.#size : undefined,
      (from) => {
        this.#from = from;
      },
    );
  }

  /** Moves the offset of a shared standard input to its end, as GNU tail does. */
  leaveInput(): void {
    if (this.#input?.isStdin && this.#input.file) seekTo(0, Math.max(this.#input.start, this.#input.file.size()));
  }

  /** Follows the file and reports its events. Ends when `ended` aborts or no more data can come. */
  async follow(sink: TailSink, ended: AbortSignal): Promise<void> {
    const stop = this.#until(ended);
    const input = this.#input;
    if (this.#events !== undefined) return this.#followEvents(this.#events, sink, stop);
    if (this.#failure !== undefined && !this.#options.retry) return;
    if (input === undefined || this.isDirectory) {
      if (!this.#options.retry) return;
      this.#begin(undefined, stop);
      if (this.#events !== undefined) return this.#followEvents(this.#events, sink, stop);
    }
    if (input?.file?.relayed) return this.#followEvents(this.#followRelayed(input.file, stop), sink, stop);
    if (input !== undefined && !input.isStdin && this.unfollowable === undefined)
      await this.#followStream(input, sink, stop);
  }

  close(): void {
    this.#input?.file?.close();
  }

  #until(ended: AbortSignal): AbortSignal {
    return anySignal([ended, this.#own.signal]);
  }

  #followable(file: OpenFile | undefined): boolean {
    return file?.kind === "file" && file.isSeekable;
  }

  #begin(file: OpenFile | undefined, stop: AbortSignal): void {
    const { follow: how, interval } = this.#options;
    this.#events = follow(tailSource(this.tailTarget, this.named.target.path, file), {
      position: this.#pseudo || this.#wholly ? 0 : this.#size,
      byName: how === "name" ? true : file === undefined ? "first" : false,
      goneMs: interval,
      takesFile: how === "name" && !this.#input?.isStdin,
      isFollowedElsewhere: (identity) => this.tailTarget.isReadElsewhere(identity, this.named.target.path),
      signal: anySignal([stop, this.tailTarget.over]),
      progress: this.progress,
    });
    this.#first = this.#events.next();
    // Prevents an unhandled rejection: the caller handles it where the promise is awaited.
    this.#first.catch(() => undefined);
  }

  /** Follows a relayed file. `file`: the open file; undefined if the file is new. */
  #followRelayed(file: OpenFile | undefined, stop: AbortSignal): Events<PolledFile> {
    const identity = file && identityOf(file.stat);
    // Closes the file, because the follow opens it itself.
    file?.close();
    printMessage(
      "tail",
      `${quotedIfNeeded(this.name)}: relayed by the agent, because its file system may not answer; polled by name`,
    );
    return followRelayed(this.tailTarget.session, this.named.target.path, {
      identity,
      read: this.#relayed,
      intervalMs: this.#options.interval,
      signal: stop,
    });
  }

  async #followEvents(
    events: Events<SessionFile> | Events<PolledFile>,
    sink: TailSink,
    stop: AbortSignal,
  ): Promise<void> {
    const { retry, follow: how } = this.#options;
    const notices = new Notices(
      this.name,
      { retries: retry, keepsName: retry && how === "name" },
      this.#failure ?? (this.isDirectory ? new Error("a directory") : undefined),
    );
    const first = this.#input?.file;
    const reads = (identity: Identity) => {
      this.tailTarget.reads(identity, this.named.target.path, this);
      sink.seen(this.tailTarget, identity);
    };
    if (first) reads(identityOf(first.stat));
    let wasLate = false;
    let lateEnd = -1;
    let current = first && fileId(identityOf(first.stat));
    let expected = this.#pseudo || this.#wholly ? -1 : this.#size;
    try {
      for (let next = await (this.#first ?? events.next()); !next.done; next = await events.next()) {
        const event = next.value;
        if (event.kind === "data") {
          // Ends the line when the data switches between generations of the file.
          const isLate = event.late === true;
          if (isLate !== wasLate || (isLate && event.position !== lateEnd)) await sink.endLine(this.source);
          const isMoved = isLate ? !wasLate : wasLate || event.position !== expected;
          if (isMoved) sink.moved(isLate || current === undefined ? undefined : { file: current, at: event.position });
          wasLate = isLate;
          if (!isLate) expected = event.position + event.bytes.length;
          if (isLate) lateEnd = event.position + event.bytes.length;
          await sink.show(this.source, event.bytes);
        } else if (event.kind === "unreachable" && isRelayed(event.error)) {
          await events.return();
          events = this.#followRelayed(undefined, stop);
        } else {
          const begins = "file" in event && event.file !== undefined && !event.continues;
          if (begins || event.kind === "truncated") await sink.endLine(this.source);
          const text = notices.of(event);
          if ("file" in event && event.file) {
            reads(event.file.identity);
            current = fileId(event.file.identity);
          }
          if (begins) expected = -1;
          if (text !== undefined) printMessage("tail", text);
          if (event.kind === "deleted" && !retry) sink.gone();
          else if (event.kind === "returned" || event.kind === "rotated") sink.back();
          if (notices.hasGivenUp) return;
        }
      }
    } finally {
      this.tailTarget.reads(undefined, this.named.target.path, this);
      await events.return();
    }
  }

  /** Reopens a FIFO for its next writer. A device is read once to its end. */
  async #followStream(input: Input, sink: TailSink, stop: AbortSignal): Promise<void> {
    let file = input.file;
    while (file?.kind === "fifo" && !stop.aborted) {
      const next: OpenFile = await openTarget(await this.tailTarget.session(), this.named, this.#options);
      file.close();
      file = next;
      input.file = next;
      try {
        for await (const bytes of file.stream({ signal: stop })) await sink.show(this.source, bytes);
      } catch (error) {
        if (!stop.aborted) throw error;
      }
    }
    if (!stop.aborted) await new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve()));
  }
}

/** True if a relayed file now has this name: see followSource. */
function isRelayed(error: unknown): boolean {
  return error instanceof PortholeError && error.errno === "ESPIPE";
}
