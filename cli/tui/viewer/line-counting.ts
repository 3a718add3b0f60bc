import type { Document } from "./document.ts";

/**
 * Lines of a smaller file are counted at once, those of a larger one when a line number is first
 * needed.
 */
const COUNTED_AT_ONCE = 256 * 1024 * 1024;

/** When a document's lines are counted. */
export class LineCounting {
  readonly #document: Document;
  #isReady = false;
  /** One has cancelled it: it does not begin by itself again. */
  #isEnded = false;
  #isAsked = false;

  constructor(document: Document) {
    this.#document = document;
  }

  /** Counted part of the file, while the count runs. */
  get progress(): number | undefined {
    const { scan } = this.#document.index;
    return scan.isRunning && !scan.isComplete ? scan.progress : undefined;
  }

  /** One wanted a number. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** Somebody stays here: it may begin by itself. */
  ready(): void {
    this.#isReady = true;
  }

  /** Counts them, if that does not go on already. */
  go(): void {
    this.#isEnded = false;
    this.#isAsked = true;
    this.#document.index.scan.go();
  }

  /** Counts what came, where the rest is counted. */
  grown(): void {
    const { scan } = this.#document.index;
    if (!scan.isCancelled) scan.go();
  }

  /** Called once a frame: starts to count a small file. */
  look(): void {
    const { scan } = this.#document.index;
    const isSmall = this.#document.source.end() < COUNTED_AT_ONCE;
    if (this.#isReady && scan.isCancelled && !this.#isEnded && isSmall) scan.go();
  }

  /** Ends what is under way. True when something was. */
  cancel(): boolean {
    const { scan } = this.#document.index;
    if (!scan.isRunning) return false;
    this.#isEnded = true;
    void scan.cancel();
    return true;
  }

  /** Resolves with the function that resumes, once nothing reads the source. */
  async pause(): Promise<() => void> {
    const { scan } = this.#document.index;
    const goesOn = !scan.isCancelled;
    await scan.cancel();
    return () => {
      if (goesOn) scan.go();
    };
  }
}
