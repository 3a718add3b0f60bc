import { type ContainerUsage, containerUsage, type ListedContainer } from "../../../../src/engines/index.ts";
import { isRunning } from "../../connection/state-labels.ts";
import { containerKey } from "./containers-items.ts";

/**
 * Milliseconds that a container must be visible before its usage is requested. Avoids requests
 * during scrolling.
 */
const REST_MS = 200;

/** Maximum number of samples per container. */
const MAX_SAMPLES = 60;

/** True if the engine has statistics of a container. */
export function hasUsage(container: ListedContainer): boolean {
  return isRunning(container) && !container.engine.isCri;
}

/**
 * Watches the usage of the visible containers, with one stream of the engine's statistics for each.
 * A stream ends when its container is no longer visible, or at its own end.
 */
export class UsageWatch {
  /**
   * Streams by {@link runKey}. A failed stream stays in the map, which prevents another request.
   */
  readonly #streams = new Map<string, UsageStream>();
  readonly #ending = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** Sets the visible containers. The array is empty while the list is not on the screen. */
  show(containers: readonly ListedContainer[]): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const wanted = new Map(containers.filter((one) => hasUsage(one) && one.details).map((one) => [runKey(one), one]));
    if (wanted.size === 0) this.#stream(wanted);
    else this.#timer = setTimeout(() => this.#stream(wanted), REST_MS);
  }

  /** The latest samples of a container, oldest first. */
  of(container: ListedContainer): readonly ContainerUsage[] {
    return this.#streams.get(runKey(container))?.samples ?? [];
  }

  /** Resolves when all streams have ended. */
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
        if (samples.length > MAX_SAMPLES) samples.shift();
      }
    } catch {
      // An engine without control groups provides no statistics, and the cells stay empty.
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
