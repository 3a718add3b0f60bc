/** Minimum milliseconds between frames: about 60 frames per second. */
const FRAME_MS = 16;

/**
 * Draws at once if the last frame is old enough, otherwise as soon as it is. Combines all requests
 * until then into one frame. While `ready` returns false (the terminal has not accepted the last
 * frame), requests wait for the next call of {@link FrameClock.request}.
 */
export class FrameClock {
  readonly #draw: () => boolean;
  readonly #ready: () => boolean;
  #last = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #stopped = false;

  /** `draw` returns whether it wrote anything. */
  constructor(draw: () => boolean, ready: () => boolean) {
    this.#draw = draw;
    this.#ready = ready;
  }

  request(): void {
    if (this.#timer || this.#immediate || this.#stopped) return;
    const wait = this.#last + FRAME_MS - performance.now();
    // A timer waits for at least a millisecond.
    if (wait > 0) this.#timer = setTimeout(() => this.#drawIfReady(), wait);
    else this.#immediate = setImmediate(() => this.#drawIfReady());
  }

  /**
   * Draws a frame that is due now, without a turn of the event loop. A frame that writes nothing
   * delays no later one: the key of this frame may have an effect in a moment.
   */
  flush(): void {
    if (!this.#immediate) return;
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
    const last = this.#last;
    if (this.#ready() && !this.now()) this.#last = last;
  }

  /** Draws without waiting. Returns whether the frame wrote anything. */
  now(): boolean {
    if (this.#stopped) return false;
    this.#last = performance.now();
    return this.#draw();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  #drawIfReady(): void {
    this.#timer = undefined;
    this.#immediate = undefined;
    if (this.#ready()) this.now();
  }
}
