/** A line of a place, with the timestamp that it contains. */
export interface PlacedLine<Line> {
  line: Line;
  /** Milliseconds since 1970; undefined if the line belongs to the previous line of its place. */
  time: number | undefined;
  bytes: number;
}

interface Queue<Place, Line> {
  place: Place;
  /** Sequence number, which orders lines with equal times. */
  number: number;
  /** Waiting lines and marks; a mark has no line. */
  lines: { line: Line | undefined; time: number; bytes: number; due: number }[];
  /** Index of the next line to return. */
  at: number;
  latest: number;
  /** Total bytes of the waiting lines. */
  waiting: number;
  /** True after the end of the place. The queue is removed once its last line is taken. */
  hasEnded: boolean;
}

/**
 * Merges places by time; each place sends its own lines in order. A line is due when every place
 * has sent a later line or a later mark, so it waits only for the slowest place. If a place sends
 * neither, the line waits for the window. The cost of a line is logarithmic in the number of
 * places.
 */
export class PlaceMerge<Place, Line> {
  readonly #queues = new Map<Place, Queue<Place, Line>>();
  /** Binary heap of the queues that have lines. The queue with the earliest line is first. */
  readonly #heap: Queue<Place, Line>[] = [];
  readonly #windowMs: number;
  readonly #maxBytes: number;
  #bytes = 0;
  #opened = 0;

  constructor({ windowMs, maxBytes }: { windowMs: number; maxBytes: number }) {
    this.#windowMs = windowMs;
    this.#maxBytes = maxBytes;
  }

  /** Total bytes of all waiting lines. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the waiting lines of one place. */
  bytesOf(place: Place): number {
    return this.#queues.get(place)?.waiting ?? 0;
  }

  /** Adds a place: lines of other places now wait for it. */
  open(place: Place): void {
    this.#queueOf(place).hasEnded = false;
  }

  /** Removes a place: lines no longer wait for it. Its own remaining lines keep their order. */
  close(place: Place): void {
    const queue = this.#queues.get(place);
    if (queue === undefined) return;
    if (isEmpty(queue)) this.#queues.delete(place);
    else queue.hasEnded = true;
  }

  push(place: Place, { line, time, bytes }: PlacedLine<Line>, now: number): void {
    const queue = this.#queueOf(place);
    queue.hasEnded = false;
    queue.latest = Math.max(queue.latest, time ?? queue.latest);
    queue.lines.push({ line, time: queue.latest, bytes, due: now + this.#windowMs });
    queue.waiting += bytes;
    this.#bytes += bytes;
    if (queue.lines.length === queue.at + 1) this.#enter(queue);
  }

  /** Records that a place has sent all its lines before this time. */
  mark(place: Place, before: number): void {
    const queue = this.#queueOf(place);
    // Sorts behind a line of the same millisecond.
    const time = before + 0.001;
    const last = queue.lines.at(-1);
    // One mark is enough after the last line. The first entry keeps its time: the heap is sorted by
    // it.
    if (last !== undefined && last.line === undefined && queue.lines.length > queue.at + 1) {
      last.time = Math.max(last.time, time);
      return;
    }
    queue.lines.push({ line: undefined, time, bytes: 0, due: Number.NEGATIVE_INFINITY });
    if (queue.lines.length === queue.at + 1) this.#enter(queue);
  }

  /** Yields the places without a line. The next line waits for them. */
  *awaited(): Generator<Place> {
    if (this.#heap.length === 0) return;
    for (const queue of this.#queues.values()) if (isEmpty(queue)) yield queue.place;
  }

  /** Takes the next line if it is due. */
  take(now: number): Line | undefined {
    this.#dropMarks();
    const [queue] = this.#heap;
    const head = queue?.lines[queue.at];
    if (queue === undefined || head === undefined) return undefined;
    // A place without a line may still send an earlier one.
    const isWaiting = this.#heap.length < this.#queues.size;
    if (isWaiting && head.due > now && this.#bytes <= this.#maxBytes) return undefined;
    queue.waiting -= head.bytes;
    this.#bytes -= head.bytes;
    this.#drop(queue);
    return head.line;
  }

  /**
   * The time at which {@link take} returns a line without another push; undefined if no line waits.
   */
  get due(): number | undefined {
    const [queue] = this.#heap;
    return queue?.lines[queue.at]?.due;
  }

  #queueOf(place: Place): Queue<Place, Line> {
    const known = this.#queues.get(place);
    if (known !== undefined) return known;
    const number = this.#opened++;
    const queue = { place, number, lines: [], at: 0, waiting: 0, latest: Number.NEGATIVE_INFINITY, hasEnded: false };
    this.#queues.set(place, queue);
    return queue;
  }

  /** Removes marks that no waiting line needs: all waiting lines are later. */
  #dropMarks(): void {
    for (let [queue] = this.#heap; queue !== undefined; [queue] = this.#heap) {
      if (queue.lines[queue.at]?.line !== undefined) return;
      this.#drop(queue);
    }
  }

  #drop(queue: Queue<Place, Line>): void {
    queue.at++;
    if (isEmpty(queue)) {
      queue.lines = [];
      queue.at = 0;
      if (queue.hasEnded) this.#queues.delete(queue.place);
      const last = this.#heap.pop() as Queue<Place, Line>;
      if (last === queue) return;
      this.#heap[0] = last;
    } else if (queue.at > 1024 && queue.at * 2 > queue.lines.length) {
      queue.lines.splice(0, queue.at);
      queue.at = 0;
    }
    this.#sink();
  }

  #enter(queue: Queue<Place, Line>): void {
    const heap = this.#heap;
    let at = heap.push(queue) - 1;
    for (let above = (at - 1) >> 1; at > 0; above = (at - 1) >> 1) {
      const parent = heap[above] as Queue<Place, Line>;
      if (!isBefore(queue, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = queue;
  }

  /** Moves the first queue to its position in the heap. */
  #sink(): void {
    const heap = this.#heap;
    const queue = heap[0] as Queue<Place, Line>;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      const [left, right] = [heap[below] as Queue<Place, Line>, heap[below + 1]];
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!isBefore(child, queue)) break;
      heap[at] = child;
      at = isRight ? below + 1 : below;
    }
    heap[at] = queue;
  }
}

function isEmpty({ at, lines }: Queue<unknown, unknown>): boolean {
  return at === lines.length;
}

function isBefore(a: Queue<unknown, unknown>, b: Queue<unknown, unknown>): boolean {
  const [first, second] = [a.lines[a.at]?.time ?? 0, b.lines[b.at]?.time ?? 0];
  return first < second || (first === second && a.number < b.number);
}
