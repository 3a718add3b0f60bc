import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { PortholeError } from "../../errors.ts";
import { type ChunkReport, type ReadAt, type ScanOptions, scanChunk } from "./chunks.ts";
import type { MatchOptions } from "./compile.ts";
import { Matcher } from "./matcher.ts";

/** Chunks that are looked through ahead of what is shown, for each thread. */
const AHEAD = 8;
/** Chunks that a helper has been given at a time: the next one is there when it is done with one. */
const QUEUE = 2;
/** After this a helper that was told nothing more is stopped: it may be inside an expression that takes for ever. */
const PATIENCE_MS = 40;

/** Given to a helper. It borrows the descriptor until it has answered. */
export interface ScanJob extends ScanOptions {
  file: number;
  fd: number;
  match: MatchOptions;
  chunk: number;
}

export interface ScanReply {
  file: number;
  chunk: number;
  report: ChunkReport;
}

interface Helper {
  worker: Worker;
  jobs: number;
}

/** Looks through large files with several threads, this one included. Helpers are started by the first file and kept for the next. */
export class Scanner {
  readonly #match: MatchOptions;
  readonly #matcher: Matcher;
  readonly #threads: number;
  readonly #workerUrl: URL;
  readonly #helpers: Helper[] = [];
  #file = 0;
  /** Resolves when the helpers that were told to end have ended. */
  #ending: Promise<void> = Promise.resolve();
  #onReply: ((reply: ScanReply) => void) | undefined;
  #onFailure: ((error: unknown) => void) | undefined;

  /** `threads`: 2 by default. `workerUrl`: the bundled worker, beside this module in dist by default. */
  constructor(match: MatchOptions, threads = 2, workerUrl = new URL("./grep-worker.js", import.meta.url)) {
    this.#match = match;
    this.#matcher = new Matcher(match);
    this.#threads = threads;
    this.#workerUrl = workerUrl;
  }

  /**
   * Reports of the first `chunks` chunks of a file, in their order. The descriptor must stay open until the generator has ended (broken off
   * or not).
   */
  async *reports(fd: number, read: ReadAt, chunks: number, options: ScanOptions): AsyncGenerator<ChunkReport> {
    const file = ++this.#file;
    const done = new Map<number, ChunkReport>();
    let wake = () => {};
    let failure: unknown;
    this.#onReply = (reply) => {
      if (reply.file === file) done.set(reply.chunk, reply.report);
      wake();
    };
    this.#onFailure = (error) => {
      failure = error;
      wake();
    };
    let given = 0;
    const mayGive = (shown: number) => given < Math.min(chunks, shown + AHEAD * this.#threads);
    const reply = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });
    this.#start();
    try {
      for (let next = 0; next < chunks; ) {
        for (const helper of this.#helpers) {
          for (; helper.jobs < QUEUE && mayGive(next); helper.jobs++) {
            const job: ScanJob = { ...options, file, fd, match: this.#match, chunk: given++ };
            helper.worker.postMessage(job);
          }
        }
        const report = done.get(next);
        if (report !== undefined) {
          done.delete(next++);
          yield report;
          continue;
        }
        if (mayGive(next)) {
          const chunk = given++;
          done.set(chunk, scanChunk(this.#matcher, read, chunk, options));
          await setImmediate(); // replies come in
        } else await reply();
        if (failure !== undefined) throw failure;
      }
    } finally {
      this.#onFailure = () => wake();
      // Nobody may read from the descriptor when its owner closes it.
      const stuck = setTimeout(() => void this.close(), PATIENCE_MS);
      while (this.#helpers.some(({ jobs }) => jobs > 0)) await reply();
      clearTimeout(stuck);
      this.#onFailure = undefined;
      await this.#ending;
    }
  }

  /** Ends the helpers, and a search that goes on with CANCELLED. */
  async close(): Promise<void> {
    const helpers = this.#helpers.splice(0);
    const before = this.#ending;
    this.#ending = before.then(async () => {
      await Promise.all(helpers.map(({ worker }) => worker.terminate()));
    });
    this.#onFailure?.(new PortholeError("CANCELLED", "the search was ended"));
    await this.#ending;
  }

  #start(): void {
    while (this.#helpers.length < this.#threads - 1) {
      const helper: Helper = { worker: new Worker(this.#workerUrl), jobs: 0 };
      helper.worker.on("message", (reply: ScanReply) => {
        helper.jobs--;
        this.#onReply?.(reply);
      });
      helper.worker.on("error", (error) => this.#onFailure?.(error));
      this.#helpers.push(helper);
    }
  }
}
