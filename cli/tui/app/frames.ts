/** A frame every 16 ms is what a screen can show. */
const FRAME_MS = 16;

/**
 * Draws at once when nothing was drawn just before, else when the frame's time has come; any number
 * of requests meanwhile make one frame. While `ready` says no (the terminal is still taking the
 * last frame), requests wait for {@link FrameClock.request} to be called again.
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
