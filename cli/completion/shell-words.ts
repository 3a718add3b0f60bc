/** A word of a command line. */
export interface ShellWord {
  /** The word as typed. */
  raw: string;
  /** The word without quotes and backslashes. */
  text: string;
  /** The quote that is still open at the end of the word. */
  quote: "" | "'" | '"';
}

/**
 * Splits a command line, up to the cursor, into words as a POSIX shell does. The last word is the
 * one at the cursor; it is empty after a blank. Expansions are left unchanged.
 */
export function shellWords(line: string): ShellWord[] {
  const words: ShellWord[] = [];
  let word: ShellWord | undefined;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] as string;
    if (word === undefined || (word.quote === "" && /\s/.test(character))) {
      if (/\s/.test(character)) {
        word = undefined;
        continue;
      }
      word = { raw: "", text: "", quote: "" };
      words.push(word);
    }
    word.raw += character;
    const next = line[at + 1];
    if (character === word.quote) word.quote = "";
    else if (word.quote === "" && (character === "'" || character === '"')) word.quote = character;
    else if (character === "\\" && word.quote !== "'") {
      if (next === undefined) continue;
      at++;
      word.raw += next;
      word.text += word.quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next;
    } else word.text += character;
  }
  if (word === undefined) words.push({ raw: "", text: "", quote: "" });
  return words;
}

/** Quotes text for bash inside the given open quote. Returns undefined if that is impossible. */
export function quoteFor(quote: ShellWord["quote"], text: string): string | undefined {
  if (quote === "'") return text.includes("'") ? undefined : text;
  if (quote === '"') return text.replace(/["\\$`]/g, "\\$&");
  return text.replace(/[^\w@%+=:,./^-]/gu, (character) => (character > "\x7f" ? character : `\\${character}`));
}
