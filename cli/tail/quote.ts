/**
 * Quotes a name as coreutils do in messages: for a shell, with escaped control characters
 * (`'a'$'\n''b'`).
 */
export function quoted(name: string): string {
  if (!UNPRINTABLE.test(name))
    return name.includes("'") && !/["$`\\!]/.test(name) ? `"${name}"` : `'${name.replace(/'/g, "'\\''")}'`;
  const pieces = name.split(SPLIT).filter((piece) => piece !== "");
  const shown = pieces.map((piece) =>
    UNPRINTABLE.test(piece) ? `$'${escaped(piece)}'` : `'${piece.replace(/'/g, "'\\''")}'`,
  );
  // Like coreutils, opens a quote before and after an escaped part.
  return (UNPRINTABLE.test(pieces[0] ?? "") ? "''" : "") + shown.join("");
}

/** Quotes a name as {@link quoted} does, but only if the name needs quotes. */
export function quotedIfNeeded(name: string): string {
  return /^[A-Za-z0-9_@%+=:,./-][A-Za-z0-9_@%+=:,./~#-]*$/.test(name) ? name : quoted(name);
}

/** Quotes a word in a usage message: with typographic quotes if the locale is UTF-8. */
export function quotedArgument(text: string): string {
  const { env } = process;
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  const shown = text.replace(new RegExp(UNPRINTABLE, "gu"), escaped);
  return /utf-?8/i.test(locale) ? `‘${shown}’` : `'${shown}'`;
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const SPLIT = /([\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+)/u;

const letters: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
};

function escaped(text: string): string {
  return [...text].map((character) => letters[character] ?? octal(character)).join("");
}

function octal(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const bytes = code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character);
  return [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
