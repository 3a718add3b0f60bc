/**
 * Where the first match at or after `from` ends, -1 for none; of text of one byte a character.
 * Matches hold no newline, so it is in the line of its beginning.
 */
export function endOfMatch(regex: RegExp, text: string, from: number): number {
  regex.lastIndex = from;
  return regex.test(text) ? regex.lastIndex : -1;
}

/** Index of the first match at or after `from`, -1 for none. */
export function matchFrom(regex: RegExp, text: string, from: number): number {
  regex.lastIndex = from;
  return nextMatch(regex, text)?.index ?? -1;
}

/**
 * V8 looks between the halves of a surrogate pair too when an expression begins with a lookbehind,
 * as that of `^` does.
 */
export function nextMatch(regex: RegExp, text: string): RegExpExecArray | null {
  for (;;) {
    const match = regex.exec(text);
    if (match === null || match.index === 0 || (text.codePointAt(match.index - 1) ?? 0) <= 0xffff) return match;
    regex.lastIndex = match.index + 1;
  }
}
