import { Worker } from "node:worker_threads";
import { JobState, type ScanJob, type ScanReply } from "./scan-job.ts";

/**
 * Number of scanning threads. More threads would only compete for memory bandwidth on a typical
 * machine.
 */
export const THREADS = 2;

interface Pending {
  job: ScanJob;
  resolve(reply: ScanReply): void;
}

interface Thread {
  worker: Worker;
  pending: Map<number, Pending>;
}

let shared: ScanPool | undefined;

/**
 * Threads that scan files in the background. Started by the first job, shared by all open files.
 */
export class ScanPool {
  readonly #workerUrl: URL;
  readonly #threads: Thread[] = [];
  #lastId = 0;

  /** `workerUrl`: the bundled scan-worker, by default beside this module in dist. */
  constructor(workerUrl = new URL("./scan-worker.js", import.meta.url)) {
    this.#workerUrl = workerUrl;
  }

  static shared(): ScanPool {
    shared ??= new ScanPool();
    return shared;
  }

  /** Resolves with the result. The id is for {@link revoke} and {@link interrupt}. */
  run(job: Omit<ScanJob, "id" | "state">): { id: number; reply: Promise<ScanReply> } {
    const id = ++this.#lastId;
    const state = new SharedArrayBuffer(4);
    const reply = new Promise<ScanReply>((resolve) => this.#assign({ job: { ...job, id, state }, resolve }));
    return { id, reply };
  }

  /** Cancels jobs that no thread has started: starting a thread takes time. */
  revoke(ids: ReadonlySet<number>): void {
    for (const { pending } of this.#threads) {
      for (const [id, { job, resolve }] of pending) {
        const state = new Int32Array(job.state);
        if (!ids.has(id) || Atomics.compareExchange(state, 0, JobState.waits, JobState.revoked) !== JobState.waits)
          continue;
        pending.delete(id);
        resolve({ id, kind: "cancelled" });
      }
    }
  }

  /**
   * Terminates the threads that run these jobs, because a backtracking expression checks no flag.
   * The jobs count as cancelled.
   */
  interrupt(ids: ReadonlySet<number>): void {
    for (const thread of [...this.#threads]) {
      if (![...thread.pending.keys()].some((id) => ids.has(id))) continue;
      this.#threads.splice(this.#threads.indexOf(thread), 1);
      const pending = [...thread.pending.values()];
      thread.pending.clear();
      void thread.worker.terminate().then(() => {
        for (const { job, resolve } of pending) if (ids.has(job.id)) resolve({ id: job.id, kind: "cancelled" });
        for (const one of pending) {
          if (ids.has(one.job.id)) continue;
          Atomics.store(new Int32Array(one.job.state), 0, JobState.waits);
          this.#assign(one);
        }
      });
    }
  }

  /** Terminates all threads. Running jobs count as cancelled. */
  async close(): Promise<void> {
    const threads = this.#threads.splice(0);
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
    for (const { pending } of threads)
      for (const { job, resolve } of pending.values()) resolve({ id: job.id, kind: "cancelled" });
  }

  #assign(pending: Pending): void {
    let thread = this.#threads.reduce<Thread | undefined>(
      (idlest, one) => (idlest && idlest.pending.size <= one.pending.size ? idlest : one),
      undefined,
    );
    if (!thread || (thread.pending.size > 0 && this.#threads.length < THREADS)) thread = this.#start();
    thread.pending.set(pending.job.id, pending);
    thread.worker.postMessage(pending.job);
  }

  #start(): Thread {
    const thread: Thread = {
      // The strings of a thread are short-lived: a larger young generation would only waste memory.
      worker: new Worker(this.#workerUrl, { resourceLimits: { maxYoungGenerationSizeMb: 4 } }),
      pending: new Map(),
    };
    // Threads must not keep the process alive. The event "online" makes them do so again (Node 20).
    thread.worker.unref();
    thread.worker.once("online", () => thread.worker.unref());
    thread.worker.on("message", (reply: ScanReply) => {
      thread.pending.get(reply.id)?.resolve(reply);
      thread.pending.delete(reply.id);
    });
    thread.worker.on("error", ({ message }) => {
      const at = this.#threads.indexOf(thread);
      if (at !== -1) this.#threads.splice(at, 1);
      for (const { job, resolve } of thread.pending.values()) resolve({ id: job.id, kind: "failed", message });
      thread.pending.clear();
    });
    this.#threads.push(thread);
    return thread;
  }
}
