import { OutputFollower, outputContainer } from "../../../../src/engines/index.ts";
import { PortholeError } from "../../../../src/errors.ts";
import type { OutputPath } from "../../../../src/target.ts";
import { OutputLines } from "../../../tail/output-lines.ts";
import { outputNotice } from "../../../tail/output-notice.ts";

/** Receives the output of a container, and events of the container. */
export interface OutputSink {
  line(line: Buffer): Promise<void>;
  /** Called when the unfinished line will not be continued. */
  lineEnded(): Promise<void>;
  notice(text: string): Promise<void>;
}

/** A container's own output as a part of a merged follow: lines with the engine's times. */
export class FollowedOutput {
  readonly timeOf: (line: Uint8Array) => number | undefined;
  readonly #name: string;
  readonly #path: OutputPath;
  readonly #engine: string | undefined;
  readonly #lines = new OutputLines();
  #follower: OutputFollower | undefined;
  #isRunning = false;

  constructor(name: string, path: OutputPath, engine: string | undefined) {
    this.#name = name;
    this.#path = path;
    this.#engine = engine;
    this.timeOf = this.#lines.timeOf;
  }

  /**
   * Finds the container, running or stopped.
   * @throws PortholeError TARGET
   */
  async open(signal: AbortSignal): Promise<void> {
    const container = await outputContainer(this.#name, this.#engine, signal);
    this.#isRunning = container.isRunning;
    this.#follower = new OutputFollower(container, this.#name, this.#engine, this.#path);
  }

  /**
   * Yields the last stored lines, at most `count`. Yields none if the engine does not provide them;
   * {@link follow} then reports the reason.
   */
  async *lastLines(count: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const last: Buffer[] = [];
    // Docker counts the records of both streams together.
    const options = { tail: 2 * count, signal };
    try {
      for await (const record of this.#follower?.existing(options) ?? []) last.push(...this.#lines.push(record));
    } catch (error) {
      if (!(error instanceof PortholeError)) throw error;
    }
    if (!this.#isRunning) last.push(...this.#lines.end());
    yield* last.slice(-count);
  }

  /**
   * Passes the lines after {@link lastLines} to the sink, through restarts, until `signal` aborts.
   */
  async follow(sink: OutputSink, signal: AbortSignal): Promise<void> {
    for await (const event of this.#follower?.follow(true, signal) ?? []) {
      const lines = event.kind === "record" ? this.#lines.push(event.record) : this.#lines.end();
      for (const line of lines) await sink.line(line);
      if (event.kind === "record") continue;
      await sink.lineEnded();
      await sink.notice(outputNotice(event));
    }
  }
}
