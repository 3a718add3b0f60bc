/**
 * End of the first match at or after `from`, -1 if there is none, in text with one byte per
 * character. Matches contain no newline, so the end is in the line of the match's start.
 */
export function endOfMatch(regex: RegExp, text: string, from: number): number {
  regex.lastIndex = from;
  return regex.test(text) ? regex.lastIndex : -1;
}

/** Index of the first match at or after `from`, -1 if there is none. */
export function matchFrom(regex: RegExp, text: string, from: number): number {
  regex.lastIndex = from;
  return nextMatch(regex, text)?.index ?? -1;
}

/**
 * Finds the first match that does not begin inside a surrogate pair. V8 also tries inside a pair if
 * an expression begins with a lookbehind, such as that of `^`.
 */
export function nextMatch(regex: RegExp, text: string): RegExpExecArray | null {
  for (;;) {
    const match = regex.exec(text);
    if (match === null || match.index === 0 || (text.codePointAt(match.index - 1) ?? 0) <= 0xffff) return match;
    regex.lastIndex = match.index + 1;
  }
}
