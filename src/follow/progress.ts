/**
 * The time up to which a follow has read a file. A consumer of several follows uses it to order
 * their lines: only a file with unread bytes can still have an earlier line.
 */
export class FollowProgress {
  #hasUnread: (() => boolean) | undefined;
  #readUntil = Number.NEGATIVE_INFINITY;

  /** True while a follow reports to this object. A file that cannot seek has no such follow. */
  get isKnown(): boolean {
    return this.#hasUnread !== undefined;
  }

  /**
   * The time up to which all bytes of the file were passed to the consumer, in milliseconds of
   * performance.now().
   */
  get readUntil(): number {
    return this.#readUntil;
  }

  /**
   * Compares the position with the file's size (fstat(2)). If there are unread bytes, wakes the
   * follow and returns false.
   */
  check(): boolean {
    const now = performance.now();
    if (this.#hasUnread?.() === true) return false;
    this.reached(now);
    return true;
  }

  /** Called by the follow at its start. `hasUnread` wakes it if there are unread bytes. */
  begin(hasUnread: () => boolean): void {
    this.#hasUnread = hasUnread;
  }

  /** Called by the follow when it has passed on all bytes that it found at `time`. */
  reached(time: number): void {
    this.#readUntil = Math.max(this.#readUntil, time);
  }
}
