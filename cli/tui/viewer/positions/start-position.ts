/** Initial display of a file. */
export interface ViewerStart {
  startAtEnd: boolean;
  /** Starts to follow; implies the last page. */
  follow: boolean;
  /** Starts with a hex dump. */
  hex?: boolean | undefined;
  /** Starts at a destination, as typed after `:` (`123`, `50%`). */
  goto?: string | undefined;
  search?: string | undefined;
  /** Starts with this match. */
  match?: FoundMatch | undefined;
}

/** A match that ripgrep has found. */
export interface FoundMatch {
  /** Line number, from 1. */
  line: number;
  /** Offset of the line, and its first bytes. The file may have changed since the search. */
  offset: number;
  head: Buffer;
  /** Regular expression of the search, for the next match. */
  pattern: string;
}

/**
 * Parses the start position of `porthole open`, which follows the target: `+G`, `+123`, `+50%`,
 * `+/regex`, `+F`. Undefined for any other text.
 */
export function parseStart(text: string): Partial<ViewerStart> | undefined {
  if (!text.startsWith("+")) return undefined;
  const rest = text.slice(1);
  if (rest === "G") return { startAtEnd: true };
  if (rest === "F") return { follow: true };
  if (rest.startsWith("/") && rest.length > 1) return { search: rest.slice(1) };
  if (/^\d+%?$|^b?0x[\da-f]+$|^b\d+$/i.test(rest)) return { goto: rest };
  return undefined;
}
