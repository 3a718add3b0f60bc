import { setTimeout } from "node:timers/promises";
import { anySignal } from "../../src/descriptors/index.ts";
import {
  isNotFound,
  type OutputContainer,
  type OutputEvent,
  OutputFollower,
  type OutputRecord,
  outputContainer,
} from "../../src/engines/index.ts";
import { AT_END, StreamEnd, StreamStart } from "../../src/follow/index.ts";
import type { Target } from "../../src/target.ts";
import type { NamedTarget } from "../targets/session-pool.ts";
import { printFailure, printMessage, reasonOf } from "./messages.ts";
import type { TailOptions } from "./options.ts";
import { OutputLines } from "./output-lines.ts";
import { outputNotice } from "./output-notice.ts";
import type { OutputSource, Printer } from "./printer.ts";
import type { TailSink } from "./tail-file.ts";

/** Tries to find a container that matched a pattern, and the milliseconds between them. */
const [RETRIES, RETRY_MS] = [20, 100];

/** Follows the output of a container, as a target of tail. */
export class TailOutput {
  readonly name: string;
  readonly source: OutputSource;
  readonly isDirectory = false;
  readonly isPipedInput = false;
  readonly unfollowable = undefined;
  readonly position = undefined;
  readonly beginning = undefined;
  readonly progress = undefined;
  readonly timeOf: (line: Uint8Array) => number | undefined;
  readonly named: NamedTarget;
  hasLeft = false;
  readonly #target: Target & { kind: "output" };
  readonly #engine: string | undefined;
  readonly #options: TailOptions;
  readonly #since: bigint | undefined;
  readonly #lines = new OutputLines();
  readonly #abort = new AbortController();
  #follower: OutputFollower | undefined;
  #failure: unknown;

  constructor(
    named: NamedTarget,
    target: Target & { kind: "output" },
    engine: string | undefined,
    printer: Printer,
    options: TailOptions,
    since: number | undefined,
  ) {
    this.name = named.text;
    this.named = named;
    this.#target = target;
    this.#engine = engine;
    this.#options = options;
    this.#since = since === undefined ? undefined : BigInt(Math.floor(since)) * 1_000_000n;
    this.timeOf = this.#lines.timeOf;
    this.source = printer.source(named.text, this.#lines.timeOf, this.#lines.originOf);
  }

  async open(stop: AbortSignal): Promise<void> {
    try {
      const { name, path } = this.#target;
      const container = await this.#found(name, stop);
      this.#follower = new OutputFollower(container, name, this.#engine, path);
    } catch (error) {
      this.#failure = error;
    }
  }

  /**
   * Finds the container. Docker 20.10 lists a new container for some milliseconds before it finds
   * it by its name.
   */
  async #found(name: string, signal: AbortSignal): Promise<OutputContainer> {
    for (let retries = this.named.pattern ? RETRIES : 0; ; retries -= 1) {
      try {
        return await outputContainer(name, this.#engine, signal);
      } catch (error) {
        if (retries === 0 || this.hasLeft || !isNotFound(error)) throw error;
        await setTimeout(RETRY_MS, undefined, { signal });
      }
    }
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** Reports and returns the error of the open; undefined if the open succeeded. */
  complaint(): unknown {
    if (this.#failure !== undefined) printFailure("tail", `${this.name}: ${reasonOf(this.#failure)}`, this.#failure);
    return this.#failure;
  }

  /** Yields the initial part. Each chunk is a line, except with -c. */
  async *part(): AsyncGenerator<Buffer> {
    const { unit, count, sign } = this.#options.amount;
    if (this.#since !== undefined && !this.#options.hasAmount) return yield* this.#all({ since: this.#since });
    if (unit === "bytes" || this.#options.delimiter !== 10) return yield* this.#bytes();
    if (sign === "+") {
      let skipped = 1;
      for await (const line of this.#all({})) if (skipped++ >= count) yield line;
      return;
    }
    yield* await this.#last(count);
  }

  leaveInput(): void {}

  fromStart(): void {}

  /** Called when the container was removed. Prints the stored output, then ends the follow. */
  leave(): void {
    this.hasLeft = true;
    this.#follower?.leave();
  }

  /**
   * Follows the output until the container ends. With a follow by name, continues until `stop`
   * aborts.
   */
  async follow(sink: TailSink, stop: AbortSignal): Promise<void> {
    const follower = this.#follower;
    if (follower === undefined) return;
    const { follow, retry } = this.#options;
    const show = async (lines: readonly Buffer[]) => {
      for (const line of lines) await sink.show(this.source, line);
    };
    const signal = anySignal([stop, this.#abort.signal]);
    for await (const event of follower.follow(follow === "name" || retry, signal)) {
      if (event.kind === "record") await show(this.#lines.push(event.record));
      else {
        await show(this.#lines.end());
        const text = this.#notice(event);
        if (text !== undefined) printMessage("tail", `${this.name}: ${text}`);
      }
    }
    if (stop.reason !== AT_END) await show(this.#lines.end());
  }

  close(): void {
    this.#abort.abort();
  }

  #notice(event: Exclude<OutputEvent, { kind: "record" }>): string | undefined {
    // A container that matched a pattern is reported as removed.
    if (event.kind === "unreachable" && this.named.pattern && isNotFound(event.error)) return undefined;
    return outputNotice(event);
  }

  async *#all(options: { since?: bigint }): AsyncGenerator<Buffer> {
    for await (const record of this.#records(options)) yield* this.#lines.push(record);
    if (this.#options.follow === undefined) yield* this.#lines.end();
  }

  /**
   * Returns the last lines. Engines count parts of lines, and Docker counts both streams together.
   * So it requests more records, and all of them if that is not enough.
   */
  async #last(count: number): Promise<Buffer[]> {
    // Only the last records show where the stored records end.
    if (count === 0) {
      await this.#lastOf(count, 64);
      this.#lines.end();
      return [];
    }
    const lines = await this.#lastOf(count, 2 * count + 1);
    return lines.length >= count + 1 ? lines.slice(-count) : (await this.#lastOf(count, undefined)).slice(-count);
  }

  async #lastOf(count: number, tail: number | undefined): Promise<Buffer[]> {
    this.#lines.end();
    const lines: Buffer[] = [];
    const since = this.#since;
    for await (const record of this.#records({ ...(tail !== undefined && { tail }), ...(since && { since }) })) {
      lines.push(...this.#lines.push(record));
      // Keeps one more line than requested, to detect whether there are more.
      if (lines.length > 2 * count + 1024) lines.splice(0, lines.length - count - 1);
    }
    if (this.#options.follow === undefined) lines.push(...this.#lines.end());
    return lines;
  }

  async *#bytes(): AsyncGenerator<Buffer> {
    const { amount, delimiter } = this.#options;
    const by = amount.unit === "lines" ? delimiter : undefined;
    if (amount.sign === "+") {
      const skipped = new StreamStart(Math.max(0, amount.count - 1), by);
      for await (const { bytes } of this.#records({})) {
        const { rest } = skipped.push(bytes);
        if (rest.length > 0) yield rest;
      }
      return;
    }
    const kept = new StreamEnd(amount.count, by);
    for await (const { bytes } of this.#records({})) kept.push(bytes);
    yield kept.finish().end;
  }

  #records(options: { since?: bigint; tail?: number }): AsyncGenerator<OutputRecord, void, void> {
    if (this.#follower === undefined) throw new Error("nothing is open");
    return this.#follower.existing({ ...options, signal: this.#abort.signal });
  }
}
