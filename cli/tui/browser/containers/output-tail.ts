import { setTimeout as pause } from "node:timers/promises";
import { anySignal } from "../../../../src/descriptors/index.ts";
import {
  engineAddress,
  type ListedContainer,
  type OutputContainer,
  outputContainer,
  outputRecords,
} from "../../../../src/engines/index.ts";
import { failureLine } from "../../connection/failure-lines.ts";
import { LastLines } from "./last-lines.ts";

/** Number of stored records in the first request. */
const TAIL = 60;

/**
 * A container that writes more records than this per second is not followed record by record: its
 * last records are requested once per second.
 */
const MAX_RECORDS = 200;
const FLOOD_MS = 1_000;

/** Milliseconds without a record after which a stream is replaced, because it may have stalled. */
const STALL_MS = 30_000;

/** Milliseconds between two updates of the panel. */
const UPDATE_MS = 250;

/** The last lines of a container's output, live while it runs. */
export class OutputTail {
  readonly #abort = new AbortController();
  readonly #changed: () => void;
  readonly #done: Promise<void>;
  #lines: readonly string[] | undefined;
  #failure = "";
  #update: NodeJS.Timeout | undefined;

  constructor(container: ListedContainer, changed: () => void) {
    this.#changed = changed;
    this.#done = this.#run(container).catch((error) => {
      if (this.#abort.signal.aborted) return;
      this.#failure = failureLine(error);
      changed();
    });
  }

  /** The last lines; undefined until the engine has responded. */
  get lines(): readonly string[] | undefined {
    return this.#lines;
  }

  /** The reason why there are no lines; empty if there is no reason. */
  get failure(): string {
    return this.#failure;
  }

  /** Resolves when no request is in progress. */
  async close(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#update);
    await this.#done;
  }

  async #run(container: ListedContainer): Promise<void> {
    const { signal } = this.#abort;
    const { engine, id } = container;
    const address = engineAddress(engine);
    // Uses the id: another container may have taken the name. A pod's container has no address but
    // its name.
    const name = engine.isCri ? container.name : id;
    for (;;) {
      const output = await outputContainer(name, address, signal);
      const last = new LastLines();
      for await (const { bytes } of outputRecords(output, { path: "@logs", tail: TAIL, signal })) last.add(bytes);
      this.#show(last);
      if (!output.isRunning) return;
      await this.#follow(output);
      await pause(FLOOD_MS, undefined, { signal });
    }
  }

  /**
   * Shows records until the stream ends, has too many of them, or may have stalled. The stream
   * repeats the stored records: with a start time the engine would read its whole log.
   */
  async #follow(output: OutputContainer): Promise<void> {
    const { signal } = this.#abort;
    const end = new AbortController();
    const options = { path: "@logs", tail: TAIL, follow: true, signal: anySignal([signal, end.signal]) } as const;
    const last = new LastLines();
    let [records, since] = [0, performance.now()];
    // Docker's streams may stall when it rotates the log.
    const stall = output.rotatesLog ? setTimeout(() => end.abort(), STALL_MS) : undefined;
    try {
      for await (const { bytes } of outputRecords(output, options)) {
        stall?.refresh();
        last.add(bytes);
        this.#update ??= setTimeout(() => this.#show(last), UPDATE_MS);
        if (performance.now() - since > FLOOD_MS) [records, since] = [0, performance.now()];
        if (++records > MAX_RECORDS) end.abort();
      }
    } catch (error) {
      if (!end.signal.aborted || signal.aborted) throw error;
    } finally {
      clearTimeout(stall);
    }
  }

  #show(last: LastLines): void {
    clearTimeout(this.#update);
    this.#update = undefined;
    this.#lines = last.lines();
    this.#changed();
  }
}
