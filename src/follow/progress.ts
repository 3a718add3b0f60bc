/**
 * How far a follow has read. A consumer of several follows uses it to order their lines: a line can
 * be followed by an earlier one only from a file that has unread bytes.
 */
export class FollowProgress {
  #hasUnread: (() => boolean) | undefined;
  #readUntil = Number.NEGATIVE_INFINITY;

  /** True while a follow reports to this object. A file that cannot seek has no such follow. */
  get isKnown(): boolean {
    return this.#hasUnread !== undefined;
  }

  /**
   * All bytes that the file had at this time were passed to the consumer. Milliseconds of
   * performance.now().
   */
  get readUntil(): number {
    return this.#readUntil;
  }

  /**
   * Compares the position with the file's size (fstat(2)). Wakes the follow for unread bytes, and
   * then returns false.
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
