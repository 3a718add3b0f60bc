import { utc } from "../../times/zone.ts";
import { visibleText } from "../rows/hidden-sequences.ts";
import { findLevel, type Level } from "./levels.ts";
import { TimestampReader } from "./timestamp.ts";

/** Bytes of a line that {@link RecordHeads.begins} needs. */
export const HEAD_BYTES = 512;
/** Bytes of a JSON object that are needed, whose level may be anywhere in it. */
const OBJECT_BYTES = 8192;

/** The level of a record; `none` if its first line has no level. */
export type RecordLevel = Level | "none";

/**
 * Maximum characters before the time or level of a record. A later one is a part of the message.
 */
const TIME_WITHIN = 80;
const LEVEL_WITHIN = 24;

/** Minimum share of lines that begin a record in a log. */
const MIN_SHARE = 0.6;

/** `textOf` returns the decoded beginning of a record's first line, of so many bytes. */
export function levelOf(textOf: (bytes: number) => string): RecordLevel {
  const head = textOf(HEAD_BYTES);
  const text = head.includes('{"') ? textOf(OBJECT_BYTES) : head;
  return findLevel(visibleText(text).text)?.level ?? "none";
}

/** Matches the name of a source before a line, as merged logs and Docker Compose write it. */
const SOURCE = /^\S+ +\| /;
/** Matches the beginning of most log lines. Tried first because it is cheap. */
const USUAL = /^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/;
/**
 * Matches lines that belong to the line before, even if they contain a time or level: stack traces,
 * exceptions, closing brackets.
 */
const CONTINUATION =
  /^(?:$|\t| {3}|at |Caused by|Suppressed: |\.\.\. ?\d|Traceback \(|During handling |The above exception |[)\]}]|[\w.$]+(?:Error|Exception|Throwable)(?::|$))/;

/**
 * Distinguishes the first line of a log record from its continuation lines, such as a stack trace.
 * The first line has a time or a level near its beginning.
 */
export class RecordHeads {
  readonly #times = new TimestampReader({ now: Date.now(), zone: utc });

  /** `line`: the decoded beginning of a line, of which {@link HEAD_BYTES} are enough. */
  begins(line: string): boolean {
    if (USUAL.test(line)) return true;
    const text = shown(line);
    if (text.startsWith('{"')) return true;
    if (CONTINUATION.test(text)) return false;
    const isIndented = text.startsWith(" ");
    if (!isIndented && this.#times.read(Buffer.from(text.slice(0, TIME_WITHIN), "latin1")) !== undefined) return true;
    const level = findLevel(text);
    // A level may be padded to a width.
    return level !== undefined && level.start <= (isIndented ? 2 : LEVEL_WITHIN);
  }

  /**
   * True if most of these lines begin a record, so that the others are continuation lines. Lines
   * that look like continuation lines do not count.
   */
  areMost(lines: readonly string[]): boolean {
    const candidates = lines.filter((line) => isCandidate(shown(line)));
    const heads = candidates.filter((line) => this.begins(line)).length;
    return heads > 0 && heads >= MIN_SHARE * candidates.length;
  }
}

function shown(line: string): string {
  return visibleText(line).text.replace(SOURCE, "").trimEnd();
}

function isCandidate(text: string): boolean {
  return !CONTINUATION.test(text) && !text.startsWith("  ");
}
