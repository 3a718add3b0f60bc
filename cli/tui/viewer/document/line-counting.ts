import type { Document } from "./document.ts";

/**
 * A smaller file is counted immediately. A larger file is counted when a line number is first
 * needed.
 */
const COUNTED_AT_ONCE = 256 * 1024 * 1024;

/**
 * Minimum bytes of a count whose progress is shown. A file that is written constantly always has
 * some uncounted bytes.
 */
const WORTH_TELLING = 1024 * 1024;

/** Decides when a document's lines are counted. */
export class LineCounting {
  readonly #document: Document;
  #isReady = false;
  /** True after the user has cancelled the count: it does not start by itself again. */
  #isEnded = false;
  #isAsked = false;

  constructor(document: Document) {
    this.#document = document;
  }

  /** Fraction of the file that is counted, during a long count. */
  get progress(): number | undefined {
    const { source, index } = this.#document;
    const { scan } = index;
    const left = source.end() - source.start() - scan.counts.knownBytes;
    return scan.isRunning && left > WORTH_TELLING ? scan.progress : undefined;
  }

  /** True if the user needs a line number. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** Called a moment after the viewer was opened. A count may then start by itself. */
  ready(): void {
    this.#isReady = true;
  }

  /** Starts a count, unless one is in progress. */
  go(): void {
    this.#isEnded = false;
    this.#isAsked = true;
    this.#document.index.scan.go();
  }

  /** Counts new lines after a complete count. */
  grown(): void {
    const { scan } = this.#document.index;
    if (!scan.isCancelled) scan.go();
  }

  /** Called once per frame. Starts to count a small file. */
  look(): void {
    const { scan } = this.#document.index;
    const isSmall = this.#document.source.end() < COUNTED_AT_ONCE;
    if (this.#isReady && scan.isCancelled && !this.#isEnded && isSmall) scan.go();
  }

  /** Cancels the count. True if one was in progress. */
  cancel(): boolean {
    const { scan } = this.#document.index;
    if (!scan.isRunning) return false;
    this.#isEnded = true;
    void scan.cancel();
    return true;
  }

  /** Resolves once nothing reads the source. The result is a function that resumes the count. */
  async pause(): Promise<() => void> {
    const { scan } = this.#document.index;
    const goesOn = !scan.isCancelled;
    await scan.cancel();
    return () => {
      if (goesOn) scan.go();
    };
  }
}
