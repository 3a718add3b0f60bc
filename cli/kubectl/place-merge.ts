/** A line of a place, with the time in it. */
export interface PlacedLine<Line> {
  line: Line;
  /** Milliseconds since 1970; undefined: the line belongs to the previous one of its place. */
  time: number | undefined;
  bytes: number;
}

interface Queue<Line> {
  lines: { line: Line; time: number; bytes: number; due: number }[];
  /** Index of the first line that was not taken. */
  at: number;
  latest: number;
  /** Bytes that wait. */
  waiting: number;
}

/**
 * Merges places by time, each of which sends its own lines in order. A line is due as soon as every
 * place has sent a later one, so it waits for the slowest place and no longer; with a place that
 * sends nothing, it waits for the window.
 */
export class PlaceMerge<Place, Line> {
  readonly #queues = new Map<Place, Queue<Line>>();
  readonly #windowMs: number;
  readonly #mostBytes: number;
  #bytes = 0;

  constructor({ windowMs, mostBytes }: { windowMs: number; mostBytes: number }) {
    this.#windowMs = windowMs;
    this.#mostBytes = mostBytes;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of a place that wait. */
  bytesOf(place: Place): number {
    return this.#queues.get(place)?.waiting ?? 0;
  }

  /** Lines wait for this place from now on. */
  open(place: Place): void {
    if (!this.#queues.has(place))
      this.#queues.set(place, { lines: [], at: 0, waiting: 0, latest: Number.NEGATIVE_INFINITY });
  }

  /** Lines wait for the place no longer. Returns its own lines to the order. */
  close(place: Place): void {
    const queue = this.#queues.get(place);
    if (queue === undefined) return;
    if (queue.at === queue.lines.length) this.#queues.delete(place);
    else this.#ended.add(queue);
  }

  readonly #ended = new Set<Queue<Line>>();

  push(place: Place, { line, time, bytes }: PlacedLine<Line>, now: number): void {
    this.open(place);
    const queue = this.#queues.get(place) as Queue<Line>;
    this.#ended.delete(queue);
    queue.latest = Math.max(queue.latest, time ?? queue.latest);
    queue.lines.push({ line, time: queue.latest, bytes, due: now + this.#windowMs });
    queue.waiting += bytes;
    this.#bytes += bytes;
  }

  /** Takes the next line if it is due. */
  take(now: number): Line | undefined {
    const first = this.#first();
    if (first === undefined) return undefined;
    const head = first.queue.lines[first.queue.at] as Queue<Line>["lines"][number];
    if (first.isWaiting && head.due > now && this.#bytes <= this.#mostBytes) return undefined;
    first.queue.waiting -= head.bytes;
    this.#bytes -= head.bytes;
    this.#drop(first.place, first.queue);
    return head.line;
  }

  /** When {@link take} returns a line without another push; undefined if none waits. */
  get due(): number | undefined {
    const first = this.#first();
    return first === undefined ? undefined : first.queue.lines[first.queue.at]?.due;
  }

  /** The earliest line, and whether a place that has sent nothing later may still send an earlier one. */
  #first(): { place: Place; queue: Queue<Line>; isWaiting: boolean } | undefined {
    let found: { place: Place; queue: Queue<Line> } | undefined;
    let best = Number.POSITIVE_INFINITY;
    let isWaiting = false;
    for (const [place, queue] of this.#queues) {
      const head = queue.lines[queue.at];
      if (head === undefined) isWaiting = true;
      else if (found === undefined || head.time < best) {
        found = { place, queue };
        best = head.time;
      }
    }
    return found === undefined ? undefined : { ...found, isWaiting };
  }

  #drop(place: Place, queue: Queue<Line>): void {
    queue.at++;
    if (queue.at === queue.lines.length) {
      queue.lines = [];
      queue.at = 0;
      if (this.#ended.delete(queue)) this.#queues.delete(place);
    } else if (queue.at > 1024 && queue.at * 2 > queue.lines.length) {
      queue.lines.splice(0, queue.at);
      queue.at = 0;
    }
  }
}
