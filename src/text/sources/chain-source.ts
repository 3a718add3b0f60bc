import { fstatSync } from "node:fs";
import type { ByteSource, NextData, SourcePart } from "./byte-source.ts";
import { readParts } from "./regular-source.ts";

/** Generations before the newest that stay readable. An unlinked one keeps its room on the disk as long as it is open. */
const KEPT = 3;

/** A row that is no file's: what happened between two others. */
export interface Note {
  at: number;
  end: number;
}

interface Stretch {
  at: number;
  /** Which open file; notes have none. */
  generation: number | undefined;
  fd: number;
  from: number;
  bytes: Uint8Array | undefined;
}

/**
 * The generations of a followed file, one after the other, with notes between them. Offsets go on through all of them, so that everything which works
 * by offsets works over a rotation too. What is dropped, for it was cut or is too old, raises {@link start}. The caller owns the
 * descriptors and is told by {@link takeDropped} which are no longer read.
 */
export class ChainSource implements ByteSource {
  #stretches: Stretch[] = [];
  /** Ends of all stretches but the last, whose end is the file's. */
  #ends: number[] = [];
  #generation = 0;
  readonly #dropped: number[] = [];
  /** Who knows of holes, by descriptor. */
  readonly #holes = new Map<number, NextData>();
  readonly #encode: (text: string) => Uint8Array;

  /** `encode` makes the bytes of a note, in the file's encoding. */
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

  /** Adds a note at the end; the file goes on after it. */
  note(text: string): void {
    const { fd, from, at, generation } = this.#last;
    const next = this.#close(text);
    this.#stretches.push({ at: next.at, generation, fd, from: from + next.read - at, bytes: undefined });
  }

  /** Goes on with another open file, from its offset `from`, after a note; without one when that is empty. */
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

  /** The file was cut: nothing of what there was can be read any more. Begins it again, after a note. `known`: its end when last looked at. */
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

  /** Where the notes are, ascending. */
  notes(): Note[] {
    return this.#stretches.flatMap(({ at, generation }, index) =>
      generation === undefined ? [{ at, end: this.#ends[index] ?? at }] : [],
    );
  }

  /** The offset in its own file of what is at `offset` here. */
  offsetInFile(offset: number): number {
    const stretch = this.#stretches.findLast(({ at, bytes }) => at <= offset && !bytes) ?? this.#last;
    return Math.max(0, offset - stretch.at + stretch.from);
  }

  /** Where offset `inFile` of the newest file is here: the nearest to it that is still shown. */
  offsetOf(inFile: number): number {
    const own = this.#stretches.filter(({ generation }) => generation === this.#generation);
    const stretch = own.findLast(({ from }) => from <= inFile) ?? own[0] ?? this.#last;
    return Math.max(stretch.at, stretch.at + inFile - stretch.from);
  }

  /** Where the file that `offset` is in begins, and how many newlines before `offset` are not its own: to count its lines. */
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

  /** The end of the file that `offset` is in, as an offset in that file. */
  fileEnd(offset: number): number {
    const index = this.#stretches.findLastIndex(({ at, bytes }) => at <= offset && !bytes);
    const { generation } = this.#stretches[Math.max(0, index)] ?? this.#last;
    const last = this.#stretches.findLastIndex((stretch) => stretch.generation === generation && !stretch.bytes);
    const { at, from } = this.#stretches[last] ?? this.#last;
    return (this.#ends[last] ?? this.end()) - at + from;
  }

  /** The descriptor that is read at the end, and its last offset. */
  get fd(): number {
    return this.#last.fd;
  }

  /** Descriptors that are not read any more since this was last asked. */
  takeDropped(): number[] {
    return this.#dropped.splice(0);
  }

  get #last(): Stretch {
    const last = this.#stretches.at(-1);
    if (!last) throw new Error("a chain has a file");
    return last;
  }

  /** Ends the last stretch where it ends now and puts a note behind it, on a line of its own. */
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
    // The newline that ends an unfinished line belongs to that line, not to the note.
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
