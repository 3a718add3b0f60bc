import { inspectContainer } from "../../../src/engines/index.ts";
import { relativeTime } from "./durations.ts";
import { stateLabels } from "./state-labels.ts";

/** Milliseconds between redraws of the age. */
const AGES_MS = 30_000;
/** Milliseconds that a title waits for the engine. */
const PATIENCE_MS = 1_000;

/** How a container ended, for titles: `exited 137, OOM killed, 3 min ago`. */
export class LastExit {
  readonly #name: string;
  readonly #engine: string | undefined;
  readonly #listeners = new Set<() => void>();
  #exit: { labels: string; finished: number } | undefined;
  #ages: NodeJS.Timeout | undefined;
  /** Number of requests and clears: the result of an earlier request is dropped. */
  #turn = 0;

  constructor(name: string, engine: string | undefined) {
    this.#name = name;
    this.#engine = engine;
  }

  /** Empty if the container runs, or if the engine does not tell. */
  get text(): string {
    return this.#exit ? `${this.#exit.labels}, ${relativeTime(this.#exit.finished, Date.now())}` : "";
  }

  /** Calls `changed` when the text has changed. */
  watch(changed: () => void): void {
    this.#listeners.add(changed);
  }

  /** Asks the engine how the container ended. Resolves when the text is known, or will not be. */
  async ask(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const { answer } = await inspectContainer(this.#name, this.#engine, AbortSignal.timeout(PATIENCE_MS));
      const finished = Date.parse(answer.finishedAt);
      if (turn !== this.#turn || answer.isRunning || !(finished > 0)) return;
      const details = { ...answer, started: undefined, finished, pid: 0, route: undefined, obstacles: [] };
      const labels = stateLabels({ state: answer.status || "exited", status: "", details });
      this.#exit = { labels: labels.map(({ text }) => text).join(", "), finished };
      this.#ages ??= setInterval(() => this.#changed(), AGES_MS).unref();
      this.#changed();
    } catch {
      // The container was removed meanwhile, or is one of a pod: the text stays empty.
    }
  }

  /** The container runs again. */
  clear(): void {
    this.#turn++;
    this.#exit = undefined;
    clearInterval(this.#ages);
    this.#ages = undefined;
    this.#changed();
  }

  close(): void {
    this.#listeners.clear();
    this.clear();
  }

  #changed(): void {
    for (const changed of this.#listeners) changed();
  }
}
