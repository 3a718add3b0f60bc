/**
 * The time up to which a follow has read a file. A consumer of several follows uses it to order
 * their lines: only a file with unread bytes can still have an earlier line.
 */
export class FollowProgress {
  #hasUnread: ((drained: Set<object> | undefined) => boolean) | undefined;
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
   * @param drained checks a watched file by its events instead, which costs no system call. It has
   * the sessions whose queued events were read for this check; the same set serves several files
   */
  check(drained?: Set<object>): boolean {
    const now = performance.now();
    if (this.#hasUnread?.(drained) === true) return false;
    this.reached(now);
    return true;
  }

  /** Called by the follow at its start. `hasUnread` does what {@link check} says. */
  begin(hasUnread: (drained: Set<object> | undefined) => boolean): void {
    this.#hasUnread = hasUnread;
  }

  /** Called by the follow when it has passed on all bytes that it found at `time`. */
  reached(time: number): void {
    this.#readUntil = Math.max(this.#readUntil, time);
  }
}
