import { PartVariable } from "../../io/part-of-several.ts";
import { ALL_BEGUN, type PositionRecord, positionsText, type ResumePosition } from "../../tail/positions.ts";
import { type LineRecord, remember } from "./line-record.ts";
import type { Beginning } from "./record-source.ts";

/** Number of bytes before a position that are compared. */
const COMPARED = 64;

/**
 * The position of a place when its connection was lost. Targets that report positions continue at
 * them. For the others, the next run starts at the earliest of the last times, so it repeats lines.
 * This class drops the repeated lines.
 */
export class Resumption {
  readonly #delimiter: Buffer;
  readonly #last = new Map<string, { time: string; count: number }>();
  readonly #untimed = new Set<string>();
  /** The last bytes of targets that have not reported a position, and the positions. */
  readonly #ends = new Map<string, Buffer>();
  readonly #positions = new Map<string, ResumePosition>();
  readonly #moved = new Set<string>();
  #haveAllBegun = false;
  #repeated: Map<string, { time: string; count: number }> | undefined;

  /** @param delimiter the byte at the end of a line */
  constructor(delimiter = 10) {
    this.#delimiter = Buffer.of(delimiter);
  }

  /** Where the next run begins. Undefined if no line has arrived: it begins like the first. */
  beginning(): Beginning | undefined {
    const { text, kept } = positionsText(this.#positions);
    for (const target of this.#positions.keys()) if (!kept.has(target)) this.#positions.delete(target);
    const byTime = [...this.#last].filter(([target]) => !kept.has(target));
    this.#repeated = new Map(byTime.map(([target, last]) => [target, { ...last }]));
    const variables = { [PartVariable.positions]: text };
    const options = this.#options();
    return options && { options, variables };
  }

  #options(): string[] | undefined {
    const times = [...this.#last].flatMap(([target, { time }]) => (this.#positions.has(target) ? [] : [time]));
    const earliest = times.sort()[0];
    const isComplete = this.isComplete;
    // A file without a position is new.
    if (earliest === undefined && isComplete && this.#haveAllBegun) return ["-n", "+1"];
    if (earliest === undefined && isComplete && this.#positions.size === 0) return undefined;
    if (earliest === undefined || !isComplete) return ["-n", "0"];
    return ["--since", earliest.slice(0, 23).replace(/Z?$/, "Z")];
  }

  /**
   * False if lines may be lost: the end of a target's lines without timestamps cannot be found
   * again.
   */
  get isComplete(): boolean {
    return [...this.#untimed].every((target) => this.#positions.has(target));
  }

  /** Notes a position that the place reports. */
  moved({ target, position }: PositionRecord): void {
    if (target === ALL_BEGUN) {
      this.#haveAllBegun = true;
      return;
    }
    const known = this.#positions.get(target);
    const isFirst = known === undefined && !this.#moved.has(target);
    const isSame = known !== undefined && known.file === position?.file && known.at === position.at;
    const before = isSame ? known.before : (isFirst && this.#ends.get(target)) || Buffer.alloc(0);
    this.#moved.add(target);
    this.#ends.delete(target);
    if (position === undefined) this.#positions.delete(target);
    else {
      // The last bytes may include some of an earlier file.
      const start = Math.max(0, before.length - position.at);
      remember(this.#positions, target, { ...position, before: before.subarray(start) });
    }
  }

  /** True unless the line was printed before the connection was lost. */
  isNew(record: LineRecord): boolean {
    this.#advance(record);
    return this.#isNewByTime(record);
  }

  #advance({ target, bytes, isPartial }: LineRecord): void {
    const known = this.#positions.get(target);
    const all = [
      known?.before ?? this.#ends.get(target) ?? Buffer.alloc(0),
      bytes,
      ...(isPartial ? [] : [this.#delimiter]),
    ];
    const joined = bytes.length > COMPARED ? Buffer.concat(all.slice(1)) : Buffer.concat(all);
    const end = Buffer.from(joined.subarray(-COMPARED));
    if (known === undefined && !this.#moved.has(target)) remember(this.#ends, target, end);
    if (known === undefined) return;
    known.before = end;
    known.at += bytes.length + (isPartial ? 0 : 1);
  }

  #isNewByTime({ target, time }: LineRecord): boolean {
    if (time === undefined) {
      this.#untimed.add(target);
      return true;
    }
    const seen = this.#repeated?.get(target);
    if (seen !== undefined) {
      if (time < seen.time) return false;
      if (time === seen.time && seen.count-- > 0) return false;
      if (time > seen.time) this.#repeated?.delete(target);
    }
    const last = this.#last.get(target);
    if (last?.time === time) last.count++;
    else if (last === undefined || last.time < time) remember(this.#last, target, { time, count: 1 });
    return true;
  }
}
