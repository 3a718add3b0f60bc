import { type MessagePort, parentPort } from "node:worker_threads";
import { compilePattern } from "./pattern.ts";
import { regularSource } from "./regular-source.ts";
import { type SearchRequest, searchLines } from "./search.ts";

/** Sent to the worker; the descriptor stays the sender's, who waits for the answer before closing it. */
export interface SearchJob extends SearchRequest {
  id: number;
  fd: number;
  pattern: string;
  /** One int32 in shared memory: the job whose id is written there or is below it stops at its next chunk. */
  cancelled: SharedArrayBuffer;
}

export type SearchReply =
  | { id: number; kind: "progress"; position: number }
  | { id: number; kind: "done"; line: number | undefined; cancelled: boolean }
  | { id: number; kind: "failed"; message: string };

const PROGRESS_MS = 50;

// A module that runs only as a worker's entry; without a parent there is nobody to serve.
if (parentPort) serve(parentPort);

function serve(port: MessagePort): void {
  port.on("message", (job: SearchJob) => {
    try {
      port.postMessage(run(job, (reply) => port.postMessage(reply)));
    } catch (error) {
      port.postMessage({ id: job.id, kind: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  });
}

function run(job: SearchJob, report: (reply: SearchReply) => void): SearchReply {
  const cancelled = new Int32Array(job.cancelled);
  const search = searchLines(regularSource(job.fd), compilePattern(job.pattern), job);
  let reported = performance.now();
  for (;;) {
    if (Atomics.load(cancelled, 0) >= job.id) return { id: job.id, kind: "done", line: undefined, cancelled: true };
    const step = search.next();
    if (step.done) return { id: job.id, kind: "done", line: step.value, cancelled: false };
    if (performance.now() - reported < PROGRESS_MS) continue;
    reported = performance.now();
    report({ id: job.id, kind: "progress", position: step.value });
  }
}
