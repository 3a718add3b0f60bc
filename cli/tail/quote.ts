/**
 * A name as coreutils put it into a message: in quotes that a shell understands, control characters escaped (`'a'$'\n''b'`), so that no name can
 * write on the terminal anything but itself.
 */
export function quoted(name: string): string {
  if (!UNPRINTABLE.test(name))
    return name.includes("'") && !/["$`\\!]/.test(name) ? `"${name}"` : `'${name.replace(/'/g, "'\\''")}'`;
  const pieces = name.split(SPLIT).filter((piece) => piece !== "");
  const shown = pieces.map((piece) =>
    UNPRINTABLE.test(piece) ? `$'${escaped(piece)}'` : `'${piece.replace(/'/g, "'\\''")}'`,
  );
  // A quote is always open before and after what is escaped, as coreutils do it.
  return (UNPRINTABLE.test(pieces[0] ?? "") ? "''" : "") + shown.join("");
}

/** As {@link quoted}, but a name that needs no quotes has none. */
export function quotedIfNeeded(name: string): string {
  return /^[A-Za-z0-9_@%+=:,./-][A-Za-z0-9_@%+=:,./~#-]*$/.test(name) ? name : quoted(name);
}

/** A word in a message about usage: typographic quotes where the locale has them. */
export function quotedWord(text: string, env: NodeJS.ProcessEnv = process.env): string {
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
