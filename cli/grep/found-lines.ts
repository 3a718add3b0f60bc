import { randomBytes } from "node:crypto";
import { pathText } from "../../src/target.ts";
import { decodeText, visibleBytes } from "../../src/text/index.ts";

/** A piece of a matching line. */
export interface FoundPiece {
  text: string;
  isMatch: boolean;
}

/** A matching line of a file. */
export interface FoundLine {
  /** Path of the file as ripgrep prints it. */
  name: string;
  /** Line number, from 1. */
  line: number;
  /**
   * Offset of the line in the input of ripgrep. For a file whose colours were stripped, that input
   * is shorter than the file.
   */
  offset: number;
  /** The first bytes of the line. */
  head: Buffer;
  /** The text without colours, shortened around the first match. Not sanitised. */
  pieces: FoundPiece[];
}

/** Maximum bytes that ripgrep prints of a line. */
const MAX_COLUMNS = 4096;
/** Maximum characters of a displayed line, and maximum characters before its first match. */
const KEPT = 400;
const KEPT_BEFORE = 60;
/** Maximum bytes of {@link FoundLine.head}. */
const HEAD = 64;
/** Maximum bytes of a path and a line. A longer record is not ripgrep output. */
const MAX_RECORD = 64 * 1024;

const RESET = "\x1b[0m";

/**
 * Decodes ripgrep's output. A random background colour marks matches, so that the content of a file
 * cannot imitate it. A NUL byte ends a path, so that a path can contain newlines.
 */
export class FoundLines {
  /** Options that make ripgrep print this format. */
  readonly flags: readonly string[];
  readonly #mark: string;
  readonly #found: (line: FoundLine) => void;
  #rest = "";

  constructor(found: (line: FoundLine) => void) {
    this.#found = found;
    const rgb = [...randomBytes(3)];
    this.#mark = `${RESET}\x1b[48;2;${rgb.join(";")}m`;
    this.flags = [
      ...["--no-heading", "--with-filename", "--null", "--line-number", "--byte-offset", "--no-column"],
      ...[`--max-columns=${MAX_COLUMNS}`, "--max-columns-preview", "--color=always"],
      ...["path", "line", "column", "match"].map((part) => `--colors=${part}:none`),
      `--colors=match:bg:${rgb.join(",")}`,
    ];
  }

  push(bytes: Buffer): void {
    // Latin-1: one character is one byte.
    const text = this.#rest + bytes.toString("latin1");
    let at = 0;
    for (let end = endOfRecord(text, at); end !== -1; end = endOfRecord(text, at)) {
      this.#record(text.slice(at, end));
      at = end + 1;
    }
    this.#rest = text.length - at > MAX_RECORD ? "" : text.slice(at);
  }

  #record(record: string): void {
    const [, before = "", line, offset, content = ""] =
      /^(.*?)\0(?:\x1b\[0m)?(\d+)(?:\x1b\[0m)?:(?:\x1b\[0m)?(\d+)(?:\x1b\[0m)?:(.*)$/s.exec(record) ?? [];
    if (line === undefined || offset === undefined) return;
    const path = before.replace(NOTICES, "").replaceAll(RESET, "");
    const pieces = this.#pieces(content);
    this.#found({
      name: pathText(Buffer.from(path, "latin1")),
      line: Number(line),
      offset: Number(offset),
      head: Buffer.from(
        pieces
          .map(({ text }) => text)
          .join("")
          .slice(0, HEAD),
        "latin1",
      ),
      pieces: shortened(pieces.map(({ text, isMatch }) => ({ text: shown(text), isMatch }))),
    });
  }

  #pieces(content: string): FoundPiece[] {
    const [first = "", ...marked] = content.split(this.#mark);
    return [
      { text: first, isMatch: false },
      ...marked.flatMap((part) => {
        const end = part.indexOf(RESET);
        if (end === -1) return [{ text: part, isMatch: true }];
        return [
          { text: part.slice(0, end), isMatch: true },
          { text: part.slice(end + RESET.length), isMatch: false },
        ];
      }),
    ].filter(({ text }) => text !== "");
  }
}

/** Matches the notices of ripgrep about files with a NUL byte. */
const NOTICES = /^(?:[^\n]*(?:binary file matches|stopped searching binary file after match) \(found [^\n]*\n)+/;

function endOfRecord(text: string, from: number): number {
  const end = text.indexOf("\0", from);
  return end === -1 ? -1 : text.indexOf("\n", end);
}

function shown(latin1: string): string {
  return decodeText(visibleBytes(Buffer.from(latin1, "latin1"))).replace(/[\t\r]/g, " ");
}

/** Shortens a long line to a part with its first match. Removes indentation. */
function shortened(pieces: readonly FoundPiece[]): FoundPiece[] {
  const kept: FoundPiece[] = [];
  let length = 0;
  for (const { text, isMatch } of pieces) {
    let part = text.slice(0, KEPT - length);
    if (kept.length === 0 && !isMatch) {
      const indented = text.trimStart();
      const isCut = pieces.length > 1 && indented.length > KEPT_BEFORE;
      part = isCut ? `…${indented.slice(-KEPT_BEFORE)}` : indented.slice(0, KEPT);
    }
    length += part.length;
    if (part !== "") kept.push({ text: part, isMatch });
    if (length >= KEPT) break;
  }
  return kept;
}
