import { type PositionRecord, parsePosition } from "../../tail/positions.ts";
import { type LineRecord, parseChunkHead, parseMark, parseRecord, type TimeMark } from "./line-record.ts";

/** What a place sends: a line or a chunk of a file, a time mark or a position. */
export type PlaceRecord = LineRecord | TimeMark | PositionRecord;

/** Splits the output of a place into records. Ignores lines that are not records. */
export class RecordSplitter {
  /** The beginning of a record. */
  #parts: Buffer[] = [];
  #length = 0;
  /** The target of the last chunk, and the number of its bytes that have not arrived. */
  #target = "";
  #missing = 0;

  *push(piece: Buffer): Generator<PlaceRecord> {
    for (let at = 0; at < piece.length; ) {
      if (this.#missing > 0) {
        const bytes = piece.subarray(at, at + this.#missing);
        this.#missing -= bytes.length;
        at += bytes.length;
        yield chunkOf(this.#target, bytes);
        continue;
      }
      const newline = piece.indexOf(NEWLINE, at);
      const end = newline === -1 ? piece.length : newline + 1;
      this.#hold(piece.subarray(at, end));
      at = end;
      const record = newline === -1 ? undefined : this.#record();
      if (record !== undefined) yield record;
    }
  }

  #hold(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length > MAX_RECORD) this.#parts = [];
    else this.#parts.push(bytes);
  }

  /** Takes the record that has arrived. A chunk's bytes follow its record. */
  #record(): PlaceRecord | undefined {
    const bytes = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    const head = parseChunkHead(bytes);
    if (head === undefined) return parseRecord(bytes) ?? parseMark(bytes) ?? parsePosition(bytes);
    this.#target = head.target;
    this.#missing = head.length;
    return head.length === 0 ? chunkOf(head.target, Buffer.alloc(0)) : undefined;
  }
}

function chunkOf(target: string, bytes: Buffer): LineRecord {
  return { target, bytes, isPartial: true, time: undefined, json: bytes };
}

const NEWLINE = 10;
/** Maximum bytes of a record. `tail --json` divides lines above 128 KiB. */
const MAX_RECORD = 4 * 1024 * 1024;
