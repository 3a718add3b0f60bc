import { type MessagePort, parentPort } from "node:worker_threads";
import { messageOf } from "../../errors.ts";
import { partsSource } from "../sources/regular-source.ts";
import { type ChunkCounter, chunkCounter } from "./chunk-counter.ts";
import { JobState, type ScanJob, type ScanReply } from "./scan-job.ts";

/** Milliseconds after which a job replies with what it has, so that its results are shown. */
const REPLY_MS = 50;

// Serves jobs only as a worker's entry point.
if (parentPort) serve(parentPort);

function serve(port: MessagePort): void {
  port.on("message", (job: ScanJob) => {
    const state = new Int32Array(job.state);
    if (Atomics.compareExchange(state, 0, JobState.waits, JobState.taken) !== JobState.waits) return;
    try {
      port.postMessage(run(job));
    } catch (error) {
      port.postMessage({ id: job.id, kind: "failed", message: messageOf(error) });
    }
  });
}

let prepared: { scan: number; end: number; counter: ChunkCounter } | undefined;

function run({ id, scan, query, wanted, parts, from, to, cancelled }: ScanJob): ScanReply {
  const source = partsSource(parts);
  const flag = new Int32Array(cancelled);
  if (prepared?.scan !== scan || prepared.end !== source.end())
    prepared = { scan, end: source.end(), counter: chunkCounter(source, query) };
  const { counter } = prepared;
  if (wanted === "positions") {
    if (Atomics.load(flag, 0) !== 0) return { id, kind: "cancelled" };
    return { id, kind: "located", positions: Float64Array.from(counter.positions(from)) };
  }
  const counts = new Uint32Array(to - from);
  const until = performance.now() + REPLY_MS;
  let chunk = from;
  do {
    if (Atomics.load(flag, 0) !== 0) return { id, kind: "cancelled" };
    counts[chunk - from] = counter.count(chunk);
    chunk++;
  } while (chunk < to && performance.now() < until);
  return { id, kind: "counted", counts: counts.slice(0, chunk - from) };
}
