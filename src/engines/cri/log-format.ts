import type { OutputPath } from "../../target.ts";
import type { OutputRecord } from "../containers/output-record.ts";

/**
 * Splits a log file of the CRI into records. A line is `TIME STREAM TAG MESSAGE`. The tag `F` ends
 * a line of the container; `P` marks a part of a long line (kubernetes/design-proposals,
 * kubelet-cri-logging). Passes other lines on unchanged.
 */
export class LogCutter {
  readonly #path: OutputPath;
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: OutputPath) {
    this.#path = path;
  }

  push(piece: Buffer): OutputRecord[] {
    const all = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const records: OutputRecord[] = [];
    let from = 0;
    for (let end = all.indexOf(NEWLINE); end !== -1; end = all.indexOf(NEWLINE, from)) {
      this.#add(records, all.subarray(from, end), true);
      from = end + 1;
    }
    // Copies the rest: the caller may reuse the buffer of `piece`.
    this.#rest = Buffer.from(all.subarray(from));
    return records;
  }

  /** Returns the last line, which its writer has not finished. */
  end(): OutputRecord[] {
    const records: OutputRecord[] = [];
    if (this.#rest.length > 0) this.#add(records, this.#rest, false);
    this.#rest = Buffer.alloc(0);
    return records;
  }

  #add(records: OutputRecord[], line: Buffer, isWhole: boolean): void {
    const record = parseRecord(line, isWhole);
    if (this.#path === "@logs" || this.#path === `@${record.stream}`) records.push(record);
  }
}

const NEWLINE = 10;
const LF = Buffer.from("\n");
const HEAD =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) (stdout|stderr) ([FP])(?:[:\w]*)(?: |$)/;
/** Longer than any prefix of a line. */
const HEAD_BYTES = 128;

function parseRecord(line: Buffer, isWhole: boolean): OutputRecord {
  const head = HEAD.exec(line.toString("latin1", 0, HEAD_BYTES));
  if (head === null) return { stream: "stdout", time: undefined, bytes: ended(line, isWhole) };
  const [whole, seconds, fraction = "", zone, stream, tag] = head;
  return {
    stream: stream as OutputRecord["stream"],
    time: BigInt(Date.parse(`${seconds}${zone}`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0")),
    bytes: ended(line.subarray(whole.length), isWhole && tag === "F"),
  };
}

/** Copies the message, and adds a newline if the container wrote one. */
function ended(message: Buffer, hasNewline: boolean): Buffer {
  return hasNewline ? Buffer.concat([message, LF]) : Buffer.from(message);
}
