/** The quality of a match of a query. */
export interface FuzzyMatch {
  /** Greater is better. */
  score: number;
  /** Indexes in code points of the matching characters of the name. */
  matched: readonly number[];
}

/** Scores of one word of a query. A subsequence loses a point for each skipped character. */
const WHOLE = 1000;
const PREFIX = 800;
const WORD_START = 600;
const INSIDE = 400;
const SUBSEQUENCE = 300;
/** A match in the detail scores less than any match in the name. */
const IN_DETAIL = 100;

/**
 * Matches each word of the query with a name, case-insensitively, as a substring or a subsequence
 * (`opfi` finds `open-files`). A word may also match a substring of the detail. Undefined if a word
 * matches neither. An empty query matches everything with equal score.
 */
export function fuzzyMatch(query: string, name: string, detail = ""): FuzzyMatch | undefined {
  const characters = folded(name);
  const matched = new Set<number>();
  let score = 0;
  for (const word of query.split(/\s+/).filter(Boolean)) {
    const found = inName(folded(word), characters);
    if (found) {
      score += found.score;
      for (const index of found.matched) matched.add(index);
    } else if (detail.toLowerCase().includes(word.toLowerCase())) score += IN_DETAIL;
    else return undefined;
  }
  return { score, matched: [...matched].sort((a, b) => a - b) };
}

/** One element per code point: lower case may be longer, and indexes must stay valid. */
function folded(text: string): string[] {
  return Array.from(text, (character) => character.toLowerCase());
}

function inName(word: readonly string[], name: readonly string[]): FuzzyMatch | undefined {
  const at = indexOf(word, name);
  if (at === undefined) return subsequence(word, name);
  const matched = word.map((_, index) => at + index);
  if (at > 0) return { score: isWordStart(name, at) ? WORD_START : INSIDE, matched };
  return { score: word.length === name.length ? WHOLE : PREFIX, matched };
}

/** Returns the index of a query's word, preferably at the start of a word in the name. */
function indexOf(word: readonly string[], name: readonly string[]): number | undefined {
  let inside: number | undefined;
  for (let at = 0; at + word.length <= name.length; at++) {
    if (!word.every((character, index) => name[at + index] === character)) continue;
    if (isWordStart(name, at)) return at;
    inside ??= at;
  }
  return inside;
}

/** The first character must begin a word in the name: otherwise too much matches. */
function subsequence(word: readonly string[], name: readonly string[]): FuzzyMatch | undefined {
  let best: FuzzyMatch | undefined;
  for (let start = 0; start < name.length; start++) {
    if (name[start] !== word[0] || !isWordStart(name, start)) continue;
    const matched = [start];
    for (let at = start + 1; at < name.length && matched.length < word.length; at++)
      if (name[at] === word[matched.length]) matched.push(at);
    if (matched.length < word.length) continue;
    const score = Math.max(IN_DETAIL + 1, SUBSEQUENCE - ((matched.at(-1) ?? start) - start + 1 - word.length));
    if (!best || score > best.score) best = { score, matched };
  }
  return best;
}

function isWordStart(name: readonly string[], at: number): boolean {
  return at === 0 || /[^\p{L}\p{N}]/u.test(name[at - 1] ?? "");
}
