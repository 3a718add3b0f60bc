import { type ContainerUsage, containerUsage, type ListedContainer } from "../../../src/engines/index.ts";
import { isRunning } from "./container-state.ts";
import { containerKey } from "./containers-items.ts";

/** Milliseconds that a container has to be shown before its usage is asked for: not while scrolling. */
const REST_MS = 200;

/** Samples that are kept of each container. */
export const MOST_SAMPLES = 60;

/**
 * What the shown containers use: one stream of the engine's statistics for each. A stream ends when
 * its container is not shown any more, or ends itself.
 */
export class UsageWatch {
  /** By {@link runKey}. A stream that failed stays, so that it is not asked for again. */
  readonly #streams = new Map<string, UsageStream>();
  readonly #ending = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** Sets which containers are shown. None: the list is not on the screen. */
  show(containers: readonly ListedContainer[]): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const wanted = new Map(
      containers.filter((one) => isRunning(one) && one.details && !one.engine.isCri).map((one) => [runKey(one), one]),
    );
    if (wanted.size === 0) this.#stream(wanted);
    else this.#timer = setTimeout(() => this.#stream(wanted), REST_MS);
  }

  /** The latest samples of a container, oldest first. */
  of(container: ListedContainer): readonly ContainerUsage[] {
    return this.#streams.get(runKey(container))?.samples ?? [];
  }

  /** Resolves when no stream is left. */
  async close(): Promise<void> {
    this.show([]);
    this.#isClosed = true;
    await Promise.all(this.#ending);
  }

  #stream(wanted: ReadonlyMap<string, ListedContainer>): void {
    for (const [key, stream] of this.#streams) {
      if (wanted.has(key)) continue;
      stream.abort.abort();
      this.#streams.delete(key);
    }
    for (const [key, container] of wanted) {
      if (this.#streams.has(key)) continue;
      const stream: UsageStream = { abort: new AbortController(), samples: [] };
      this.#streams.set(key, stream);
      const done = this.#read(container, stream).finally(() => this.#ending.delete(done));
      this.#ending.add(done);
    }
  }

  async #read({ engine, id }: ListedContainer, { abort, samples }: UsageStream): Promise<void> {
    try {
      for await (const usage of containerUsage(engine, id, abort.signal)) {
        samples.push(usage);
        if (samples.length > MOST_SAMPLES) samples.shift();
      }
    } catch {
      // Without control groups of its own, an engine has no statistics: the cells stay empty.
    }
  }
}

interface UsageStream {
  abort: AbortController;
  samples: ContainerUsage[];
}

/** Identifies one run of a container. */
function runKey(container: ListedContainer): string {
  return `${containerKey(container)} ${container.details?.started}`;
}
