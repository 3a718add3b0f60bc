import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { ByteSource } from "./byte-source.ts";
import type { Pattern } from "./pattern.ts";
import { type SearchRequest, searchLines } from "./search.ts";
import type { SearchJob, SearchReply } from "./search-worker.ts";

/** How a search ended: the offset of the line, nothing found, or cancelled. */
export type SearchOutcome = { kind: "found"; line: number } | { kind: "none" } | { kind: "cancelled" };

/** A worker that is stuck inside one regular expression cannot look at the flag; after this it is stopped. */
const CANCEL_MS = 40;

/** How long a search in this thread (streams: the bytes are here only) runs before it lets keys and frames through. */
const SLICE_MS = 8;

/**
 * Searches without holding up the screen, one search at a time: a new one cancels the one before. With a descriptor the work is done in a worker
 * thread, started by the first search. The descriptor must stay open until {@link cancel} or {@link close} has resolved.
 */
export class Searcher {
  readonly #source: ByteSource;
  readonly #workerUrl: URL;
  readonly #cancelled = new SharedArrayBuffer(4);
  #worker: Worker | undefined;
  #lastId = 0;
  #running: Promise<SearchOutcome> | undefined;

  /** `workerUrl`: the bundled search-worker, beside this module in dist by default. */
  constructor(source: ByteSource, workerUrl = new URL("./search-worker.js", import.meta.url)) {
    this.#source = source;
    this.#workerUrl = workerUrl;
  }

  find(pattern: Pattern, request: SearchRequest, onProgress: (position: number) => void): Promise<SearchOutcome> {
    const before = this.cancel();
    const id = ++this.#lastId;
    const search = before.then(() => this.#start(id, pattern, request, onProgress));
    this.#running = search;
    const over = () => {
      if (this.#running === search) this.#running = undefined;
    };
    search.then(over, over);
    return search;
  }

  /** Ends the running search, within CANCEL_MS. Resolves when nothing reads the source any more. */
  async cancel(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    Atomics.store(new Int32Array(this.#cancelled), 0, this.#lastId);
    const stuck = setTimeout(() => void this.#worker?.terminate(), CANCEL_MS);
    await running.catch(() => {});
    clearTimeout(stuck);
  }

  async close(): Promise<void> {
    await this.cancel();
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  async #start(
    id: number,
    pattern: Pattern,
    request: SearchRequest,
    onProgress: (position: number) => void,
  ): Promise<SearchOutcome> {
    if (Atomics.load(new Int32Array(this.#cancelled), 0) >= id) return { kind: "cancelled" };
    const { fd } = this.#source;
    if (fd === undefined) return this.#findHere(id, pattern, request, onProgress);
    return this.#findInWorker({ ...request, id, fd, pattern: pattern.source, cancelled: this.#cancelled }, onProgress);
  }

  async #findHere(
    id: number,
    pattern: Pattern,
    request: SearchRequest,
    onProgress: (position: number) => void,
  ): Promise<SearchOutcome> {
    const cancelled = new Int32Array(this.#cancelled);
    const search = searchLines(this.#source, pattern, request);
    let sliceEnd = performance.now() + SLICE_MS;
    for (;;) {
      const step = search.next();
      if (step.done) return outcome(step.value);
      if (performance.now() < sliceEnd) continue;
      onProgress(step.value);
      await setImmediate();
      if (Atomics.load(cancelled, 0) >= id) return { kind: "cancelled" };
      sliceEnd = performance.now() + SLICE_MS;
    }
  }

  #findInWorker(job: SearchJob, onProgress: (position: number) => void): Promise<SearchOutcome> {
    this.#worker ??= new Worker(this.#workerUrl);
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const onMessage = (reply: SearchReply) => {
        if (reply.id !== job.id) return;
        if (reply.kind === "progress") return onProgress(reply.position);
        settle();
        if (reply.kind === "failed") return reject(new Error(reply.message));
        resolve(reply.cancelled ? { kind: "cancelled" } : outcome(reply.line));
      };
      const onError = (error: Error) => {
        this.#worker = undefined;
        settle();
        reject(error);
      };
      const onExit = () => {
        this.#worker = undefined;
        settle();
        resolve({ kind: "cancelled" });
      };
      const settle = () => {
        worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      };
      worker.on("message", onMessage).on("error", onError).on("exit", onExit);
      worker.postMessage(job);
    });
  }
}

function outcome(line: number | undefined): SearchOutcome {
  return line === undefined ? { kind: "none" } : { kind: "found", line };
}
