import { fstatSync } from "node:fs";
import type { ByteSource, NextData, SourcePart } from "./byte-source.ts";
import { readParts } from "./regular-source.ts";

/** Default number of earlier generations that stay readable. */
export const KEPT = 3;

/** Bytes at the end of a generation that stay readable after {@link ChainSource.release}. */
const KEPT_BYTES = 1024 * 1024;

/** Minimum bytes of a removed part for which a note is added. */
const MIN_CUT = 4096;

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
  /** Content in memory: of a note, or of a file that was released. */
  bytes: Uint8Array | undefined;
  /** True for a note, and for the newline that ends an unfinished line before it. */
  isInserted?: true;
  /** True for the note before the first generation, which stays as long as that generation. */
  isTitle?: true;
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
  readonly #kept: number;
  readonly #dropped: number[] = [];
  /** Hole lookup by descriptor. */
  readonly #holes = new Map<number, NextData>();
  readonly #encode: (text: string) => Uint8Array;

  /**
   * `encode` encodes a note in the file's encoding. `kept`: earlier generations that stay readable.
   */
  constructor(
    fd: number,
    encode: (text: string) => Uint8Array = (text) => Buffer.from(text),
    holes?: NextData,
    kept = KEPT,
  ) {
    this.#encode = encode;
    this.#kept = kept;
    if (holes) this.#holes.set(fd, holes);
    this.#stretches = [{ at: 0, generation: 0, fd, from: 0, bytes: undefined }];
  }

  /** Inserts a note before the first file, which moves its offsets. Call it before other uses. */
  beginWith(text: string): void {
    const [first] = this.#stretches;
    if (first === undefined) return;
    const bytes = this.#encode(`${text}\n`);
    const title = { at: 0, generation: undefined, fd: -1, from: 0, bytes, isInserted: true, isTitle: true } as const;
    this.#stretches = [title, { ...first, at: bytes.length }];
    this.#ends = [bytes.length];
  }

  start(): number {
    return this.#stretches[0]?.at ?? 0;
  }

  end(): number {
    const { at, from, fd, bytes } = this.#last;
    return at + (bytes ? bytes.length : Math.max(0, fstatSync(fd).size - from));
  }

  read(position: number, buffer: Uint8Array): number {
    const { at, fd, from, bytes } = this.#last;
    if (position >= at && !bytes) return readParts([{ at, end: Number.POSITIVE_INFINITY, fd, from }], position, buffer);
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

  /** Appends a note. The file continues after the note. */
  note(text: string): void {
    const { fd, from, at, generation, bytes } = this.#last;
    const next = this.#close(text);
    const rest = bytes && new Uint8Array(0);
    this.#stretches.push({ at: next.at, generation, fd, from: from + next.read - at, bytes: rest });
  }

  /**
   * Returns where the part begins that {@link release} keeps. `isCut`: the file has more bytes
   * before it. Undefined if the file is not read.
   */
  keptBy(fd: number): { from: number; isCut: boolean } | undefined {
    const begins = this.#stretches.find((stretch) => stretch.fd === fd)?.at;
    if (begins === undefined) return undefined;
    const last = this.#stretches.findLastIndex((stretch) => stretch.fd === fd);
    const from = (this.#ends[last] ?? this.end()) - KEPT_BYTES;
    return from - begins > MIN_CUT ? { from: this.#lineStart(from), isCut: true } : { from: begins, isCut: false };
  }

  /**
   * Copies the end of a file into memory and no longer reads its descriptor; {@link takeDropped}
   * returns it. A note replaces the earlier content.
   */
  release(fd: number): void {
    const kept = this.keptBy(fd);
    if (kept === undefined) return;
    const ends = this.#stretches.map((_stretch, index) => this.#ends[index] ?? this.end());
    const stretches = this.#stretches.flatMap((stretch, index): Stretch[] => {
      const end = ends[index] ?? 0;
      if (kept.isCut && end <= kept.from) return [];
      return [stretch.fd === fd ? this.#inMemory(stretch, Math.max(stretch.at, kept.from), end) : stretch];
    });
    if (kept.isCut) {
      const bytes = this.#encode("deleted: earlier content was dropped to free its storage\n");
      stretches.unshift({
        at: kept.from - bytes.length,
        generation: undefined,
        fd: -1,
        from: 0,
        bytes,
        isInserted: true,
      });
    }
    const before = new Set(this.#stretches.map((stretch) => stretch.fd));
    this.#stretches = stretches;
    this.#ends = stretches.slice(1).map(({ at }) => at);
    for (const one of before) if (one >= 0 && !stretches.some((stretch) => stretch.fd === one)) this.#forget(one);
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
    const oldest = this.#generation - this.#kept;
    while (this.#isPast(oldest)) this.#dropFirst();
  }

  /**
   * Starts the file again after a note: it was truncated, so no earlier bytes are readable.
   * `known`: its last known end.
   */
  restart(text: string, known: number): void {
    const { fd } = this.#last;
    const end = Math.max(known, this.start());
    while (this.#stretches.length > 1) this.#dropFirst();
    this.#stretches = [];
    this.#ends = [];
    const bytes = this.#encode(`${text}\n`);
    this.#stretches.push({ at: end, generation: undefined, fd: -1, from: 0, bytes, isInserted: true });
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
    const stretch = this.#stretches.findLast(({ at, isInserted }) => at <= offset && !isInserted) ?? this.#last;
    return Math.max(0, offset - stretch.at + stretch.from);
  }

  /** Converts an offset in the newest file to the nearest one shown in the chain. */
  offsetOf(inFile: number): number {
    const own = this.#stretches.filter(({ generation }) => generation === this.#generation);
    const stretch = own.findLast(({ from }) => from <= inFile) ?? own[0] ?? this.#last;
    return Math.max(stretch.at, stretch.at + inFile - stretch.from);
  }

  /**
   * The start of the file that contains `offset`, and the number of inserted newlines between the
   * two, for line numbers. `isCut`: that start is no longer readable.
   */
  fileAt(offset: number): { begins: number; foreign: number; isCut: boolean } {
    const index = Math.max(
      0,
      this.#stretches.findLastIndex(({ at, isInserted }) => at <= offset && !isInserted),
    );
    const { generation } = this.#stretches[index] ?? this.#last;
    const first = this.#stretches.findIndex((stretch) => stretch.generation === generation);
    const foreign = this.#stretches.slice(first, index).filter(({ isInserted }) => isInserted).length;
    const { at = 0, from = 0, bytes } = this.#stretches[first] ?? {};
    return { begins: at, foreign, isCut: bytes !== undefined && from > 0 };
  }

  /**
   * The end of the file that contains `offset`, as an offset in that file. `end`: the end of the
   * chain.
   */
  fileEnd(offset: number, end: number): number {
    const index = this.#stretches.findLastIndex(({ at, isInserted }) => at <= offset && !isInserted);
    const { generation } = this.#stretches[Math.max(0, index)] ?? this.#last;
    const last = this.#stretches.findLastIndex((stretch) => stretch.generation === generation && !stretch.isInserted);
    const { at, from } = this.#stretches[last] ?? this.#last;
    return (this.#ends[last] ?? end) - at + from;
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

  /** Returns the same stretch from `at` to `end`, read into memory. */
  #inMemory({ at: begins, generation, from }: Stretch, at: number, end: number): Stretch {
    const bytes = Buffer.alloc(Math.max(0, end - at));
    for (let done = 0; done < bytes.length; ) {
      const read = this.read(at + done, bytes.subarray(done));
      if (read === 0) break;
      done += read;
    }
    return { at, generation, fd: -1, from: from + at - begins, bytes };
  }

  /** The start of the next line after `offset`; `offset` itself inside a very long line. */
  #lineStart(offset: number): number {
    const piece = Buffer.alloc(64 * 1024);
    const newline = this.#encode("\n");
    const found = piece.subarray(0, this.read(offset, piece)).indexOf(newline);
    return found < 0 ? offset : offset + found + newline.length;
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
    // The newline after an unfinished line is part of that line, not of the note.
    if (gap.length > 0) {
      this.#stretches.push({
        at: end,
        generation: this.#last.generation,
        fd: -1,
        from: 0,
        bytes: gap,
        isInserted: true,
      });
      this.#ends.push(end + gap.length);
    }
    const at = end + gap.length;
    this.#stretches.push({
      at,
      generation: undefined,
      fd: -1,
      from: 0,
      bytes: bytes.subarray(gap.length),
      isInserted: true,
    });
    this.#ends.push(end + bytes.length);
    return { at: end + bytes.length, read: end };
  }

  /** True if the first stretch belongs to a generation before `oldest`. */
  #isPast(oldest: number): boolean {
    const [first, second] = this.#stretches;
    const generation = first?.isTitle ? second?.generation : first?.generation;
    return generation === undefined || generation < oldest;
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
