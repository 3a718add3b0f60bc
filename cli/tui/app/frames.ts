/** Minimum milliseconds between frames: about 60 frames per second. */
const FRAME_MS = 16;

/**
 * Draws at once if the last frame is old enough, otherwise when it is. All requests meanwhile make
 * one frame. While `ready` returns false (the terminal has not taken the last frame), requests wait
 * for the next call of {@link FrameClock.request}.
 */
export class FrameClock {
  readonly #draw: () => void;
  readonly #ready: () => boolean;
  #last = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(draw: () => void, ready: () => boolean) {
    this.#draw = draw;
    this.#ready = ready;
  }

  request(): void {
    if (this.#timer || this.#stopped) return;
    const wait = Math.max(0, this.#last + FRAME_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#ready()) this.now();
    }, wait);
  }

  /** Draws without waiting. */
  now(): void {
    if (this.#stopped) return;
    this.#last = performance.now();
    this.#draw();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
