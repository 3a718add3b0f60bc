import { type Engine, RESPONSE_TIMEOUT_MS } from "../api/engine.ts";
import { type EngineRequest, Json } from "../api/engine-json.ts";
import { httpLines } from "../api/http.ts";

/** Resource usage of a container at one time. */
export interface ContainerUsage {
  /** CPU time per elapsed time since the previous sample: 1.5 is one and a half cores. */
  cores: number;
  /**
   * Bytes, without the page cache that the kernel can drop; undefined if the engine does not report
   * it.
   */
  memory: number | undefined;
  /** Bytes; the machine's memory if the container has no limit. */
  memoryLimit: number | undefined;
}

/**
 * Streams the resource usage of a running container (GET /containers/ID/stats) from the second
 * sample on. Docker sends one sample per second, Podman one every five. The stream may outlast the
 * container: Docker then sends samples without numbers.
 * @throws PortholeError TARGET with the engine's message, or for an invalid sample; CANCELLED
 */
export async function* containerUsage(
  engine: Engine,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ContainerUsage, void, void> {
  const request = { socketPath: engine.socketPath, path: `/containers/${id}/stats` };
  let previous: UsageSample | undefined;
  const options = { timeoutMs: RESPONSE_TIMEOUT_MS, signal };
  for await (const lines of httpLines(engine.socketPath, `${request.path}?stream=true`, options)) {
    for (const line of lines) {
      const sample = decodeUsage(parsed(line, request), request);
      const usage = previous && usageBetween(previous, sample);
      if (usage) yield usage;
      previous = sample;
    }
  }
}

/** The fields of a sample that porthole reads. */
export interface UsageSample {
  /** Milliseconds since 1970. */
  time: number;
  /** Nanoseconds of CPU time since the container's start; undefined without a control group. */
  processor: number | undefined;
  memory: number | undefined;
  memoryLimit: number | undefined;
}

/**
 * Decodes one sample. Engines differ: every field may be missing.
 * @throws PortholeError TARGET for a field of the wrong type, with its name
 */
export function decodeUsage(body: unknown, request: EngineRequest): UsageSample {
  const json = new Json(body, request);
  const memory = json.get("memory_stats");
  const used = memory.get("usage").number();
  const cache = memory.get("stats");
  // `docker stats` does the same: cgroup v1 reports the total of a hierarchy.
  const inactive = cache.get("total_inactive_file").number() ?? cache.get("inactive_file").number() ?? 0;
  return {
    time: Date.parse(json.get("read").text() ?? ""),
    processor: json.get("cpu_stats").get("cpu_usage").get("total_usage").number(),
    memory: used === undefined ? undefined : Math.max(0, used - (inactive < used ? inactive : 0)),
    memoryLimit: memory.get("limit").number(),
  };
}

/** Undefined if no time has passed, or if the container reports no CPU time. */
export function usageBetween(previous: UsageSample, sample: UsageSample): ContainerUsage | undefined {
  const elapsed = (sample.time - previous.time) * 1_000_000;
  if (!(elapsed > 0) || sample.processor === undefined || previous.processor === undefined) return undefined;
  const cores = Math.max(0, sample.processor - previous.processor) / elapsed;
  return { cores, memory: sample.memory, memoryLimit: sample.memoryLimit };
}

function parsed(line: string, request: EngineRequest): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Json(line, request).typeError("JSON");
  }
}
