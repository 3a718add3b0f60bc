import type { OutputRecord } from "../../src/engines/index.ts";
import type { RecordOrigin } from "./line-record.ts";

/** Maximum bytes of a line. Longer lines are split. */
const MAX_LINE = 1024 * 1024;

/**
 * Joins the records of an engine to lines: a long line has several records. Stores the stream and
 * time of each line by the line's buffer.
 */
export class OutputLines {
  readonly #origins = new WeakMap<ArrayBufferLike, RecordOrigin>();
  readonly #open = new Map<string, { origin: RecordOrigin; parts: Uint8Array[]; length: number }>();

  /** Returns the stream and time of a line from this object, or of a part of such a line. */
  readonly originOf = (line: Uint8Array): RecordOrigin | undefined => this.#origins.get(line.buffer);

  /** Returns milliseconds since 1970. */
  readonly timeOf = (line: Uint8Array): number | undefined => {
    const time = this.originOf(line)?.time;
    return time === undefined ? undefined : Number(time) / 1e6;
  };

  push({ stream, time, bytes }: OutputRecord): Buffer[] {
    const lines: Buffer[] = [];
    for (let from = 0; from < bytes.length; ) {
      const newline = bytes.indexOf(10, from);
      const end = newline === -1 ? bytes.length : newline + 1;
      const open = this.#open.get(stream) ?? { origin: { stream, time }, parts: [], length: 0 };
      open.parts.push(bytes.subarray(from, end));
      open.length += end - from;
      if (newline === -1 && open.length < MAX_LINE) this.#open.set(stream, open);
      else {
        this.#open.delete(stream);
        lines.push(this.#line(open));
      }
      from = end;
    }
    return lines;
  }

  /** Returns the unfinished lines. */
  end(): Buffer[] {
    const rest = [...this.#open.values()].map((open) => this.#line(open));
    this.#open.clear();
    return rest;
  }

  #line({ origin, parts, length }: { origin: RecordOrigin; parts: Uint8Array[]; length: number }): Buffer {
    // Does not use Buffer's shared pool, because the key is the ArrayBuffer.
    const buffer = new ArrayBuffer(length);
    const line = Buffer.from(buffer);
    let at = 0;
    for (const part of parts) {
      line.set(part, at);
      at += part.length;
    }
    this.#origins.set(buffer, origin);
    return line;
  }
}
