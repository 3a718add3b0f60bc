import { fstatSync } from "node:fs";
import type { ByteSource, NextData, SourcePart } from "./byte-source.ts";
import { readParts } from "./regular-source.ts";

/** Earlier generations that stay readable. An unlinked one occupies storage while it is open. */
const KEPT = 3;

/** An inserted line that reports an event, such as a rotation. */
export interface Note {
  at: number;
  end: number;
}

interface Stretch {
  at: number;
  /** The open file; undefined for notes. */
  generation: number | undefined;
  fd: number;
  from: number;
  bytes: Uint8Array | undefined;
}

/**
 * The generations of a followed file in sequence with notes between them. Offsets continue over all
 * of them, so everything based on offsets works across a rotation. Dropping truncated or old
 * generations raises {@link start}. The caller owns the descriptors; {@link takeDropped} returns
 * those no longer read.
 */
export class ChainSource implements ByteSource {
  #stretches: Stretch[] = [];
  /** Ends of all stretches but the last, which ends with its file. */
  #ends: number[] = [];
  #generation = 0;
  readonly #dropped: number[] = [];
  /** Hole lookup by descriptor. */
  readonly #holes = new Map<number, NextData>();
  readonly #encode: (text: string) => Uint8Array;

  /** `encode` encodes a note in the file's encoding. */
  constructor(fd: number, encode: (text: string) => Uint8Array = (text) => Buffer.from(text), holes?: NextData) {
    this.#encode = encode;
    if (holes) this.#holes.set(fd, holes);
    this.#stretches = [{ at: 0, generation: 0, fd, from: 0, bytes: undefined }];
  }

  start(): number {
    return this.#stretches[0]?.at ?? 0;
  }

  end(): number {
    const { at, from, fd } = this.#last;
    return at + Math.max(0, fstatSync(fd).size - from);
  }

  read(position: number, buffer: Uint8Array): number {
    const { at, fd, from } = this.#last;
    if (position >= at) return readParts([{ at, end: Number.POSITIVE_INFINITY, fd, from }], position, buffer);
    return readParts(this.parts(), position, buffer);
  }

  nextData(position: number): number {
    const index = this.#stretches.findLastIndex(({ at }) => at <= position);
    const stretch = this.#stretches[index];
    const holes = stretch && this.#holes.get(stretch.fd);
    if (!holes) return position;
    const end = this.#ends[index] ?? this.end();
    const inFile = holes(stretch.from + position - stretch.at);
    const next = inFile === undefined ? end : Math.min(end, stretch.at + inFile - stretch.from);
    return Math.max(position, next);
  }

  parts(): SourcePart[] {
    return this.#stretches.map(({ at, fd, from, bytes }, index) => {
      const end = this.#ends[index] ?? this.end();
      return bytes ? { at, end, bytes } : { at, end, fd, from };
    });
  }

  /** Appends a note; the file continues after it. */
  note(text: string): void {
    const { fd, from, at, generation } = this.#last;
    const next = this.#close(text);
    this.#stretches.push({ at: next.at, generation, fd, from: from + next.read - at, bytes: undefined });
  }

  /**
   * Continues with another open file from its offset `from`, after a note unless `text` is empty.
   */
  continueWith(fd: number, from: number, text: string, holes?: NextData): void {
    if (holes) this.#holes.set(fd, holes);
    else this.#holes.delete(fd);
    const at = text === "" ? this.end() : this.#close(text).at;
    if (text === "") this.#ends.push(at);
    this.#stretches.push({ at, generation: ++this.#generation, fd, from, bytes: undefined });
    const oldest = this.#generation - KEPT;
    while ((this.#stretches[0]?.generation ?? oldest) < oldest || this.#stretches[0]?.generation === undefined)
      this.#dropFirst();
  }

  /**
   * The file was truncated, so nothing earlier is readable. Starts it again after a note. `known`:
   * its last known end.
   */
  restart(text: string, known: number): void {
    const { fd } = this.#last;
    const end = Math.max(known, this.start());
    while (this.#stretches.length > 1) this.#dropFirst();
    this.#stretches = [];
    this.#ends = [];
    const bytes = this.#encode(`${text}\n`);
    this.#stretches.push({ at: end, generation: undefined, fd: -1, from: 0, bytes });
    this.#ends.push(end + bytes.length);
    this.#stretches.push({ at: end + bytes.length, generation: ++this.#generation, fd, from: 0, bytes: undefined });
  }

  /** Positions of the notes, ascending. */
  notes(): Note[] {
    return this.#stretches.flatMap(({ at, generation }, index) =>
      generation === undefined ? [{ at, end: this.#ends[index] ?? at }] : [],
    );
  }

  /** Converts an offset of the chain to an offset in its file. */
  offsetInFile(offset: number): number {
    const stretch = this.#stretches.findLast(({ at, bytes }) => at <= offset && !bytes) ?? this.#last;
    return Math.max(0, offset - stretch.at + stretch.from);
  }

  /** Converts an offset in the newest file to the nearest one shown in the chain. */
  offsetOf(inFile: number): number {
    const own = this.#stretches.filter(({ generation }) => generation === this.#generation);
    const stretch = own.findLast(({ from }) => from <= inFile) ?? own[0] ?? this.#last;
    return Math.max(stretch.at, stretch.at + inFile - stretch.from);
  }

  /**
   * The beginning of the file that contains `offset`, and the number of inserted newlines between
   * the two, for line numbers.
   */
  fileAt(offset: number): { begins: number; foreign: number } {
    const index = Math.max(
      0,
      this.#stretches.findLastIndex(({ at, bytes }) => at <= offset && !bytes),
    );
    const { generation } = this.#stretches[index] ?? this.#last;
    const first = this.#stretches.findIndex((stretch) => stretch.generation === generation);
    const foreign = this.#stretches.slice(first, index).filter(({ bytes }) => bytes).length;
    return { begins: this.#stretches[first]?.at ?? 0, foreign };
  }

  /** The end of the file that contains `offset`, as an offset in that file. */
  fileEnd(offset: number): number {
    const index = this.#stretches.findLastIndex(({ at, bytes }) => at <= offset && !bytes);
    const { generation } = this.#stretches[Math.max(0, index)] ?? this.#last;
    const last = this.#stretches.findLastIndex((stretch) => stretch.generation === generation && !stretch.bytes);
    const { at, from } = this.#stretches[last] ?? this.#last;
    return (this.#ends[last] ?? this.end()) - at + from;
  }

  /** The descriptor of the newest file. */
  get fd(): number {
    return this.#last.fd;
  }

  /** Descriptors dropped since the last call. */
  takeDropped(): number[] {
    return this.#dropped.splice(0);
  }

  get #last(): Stretch {
    const last = this.#stretches.at(-1);
    if (!last) throw new Error("a chain has a file");
    return last;
  }

  /** Ends the last stretch at its current end and appends a note on its own line. */
  #close(text: string): { at: number; read: number } {
    const end = this.end();
    const newline = this.#encode("\n");
    const tail = Buffer.alloc(newline.length);
    const isWhole =
      end === this.#last.at ||
      (this.read(end - tail.length, tail) === tail.length && tail.equals(Buffer.from(newline)));
    const gap = isWhole ? new Uint8Array(0) : newline;
    const bytes = Buffer.concat([gap, this.#encode(`${text}\n`)]);
    this.#ends.push(end);
    // The newline after an unfinished line belongs to that line, not to the note.
    if (gap.length > 0) {
      this.#stretches.push({ at: end, generation: this.#last.generation, fd: -1, from: 0, bytes: gap });
      this.#ends.push(end + gap.length);
    }
    const at = end + gap.length;
    this.#stretches.push({ at, generation: undefined, fd: -1, from: 0, bytes: bytes.subarray(gap.length) });
    this.#ends.push(end + bytes.length);
    return { at: end + bytes.length, read: end };
  }

  #dropFirst(): void {
    const stretch = this.#stretches.shift();
    this.#ends.shift();
    if (stretch && !stretch.bytes && !this.#stretches.some(({ fd }) => fd === stretch.fd)) this.#forget(stretch.fd);
  }

  #forget(fd: number): void {
    this.#dropped.push(fd);
    this.#holes.delete(fd);
  }
}
