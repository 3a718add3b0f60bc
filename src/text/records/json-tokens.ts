/** The tokens of a JSON object in order: punctuation, quoted strings, numbers as written, words. */
export type JsonTokens = readonly string[];

/** A member of a JSON object. */
export interface JsonField {
  name: string;
  value: unknown;
  /** For display: a string's characters, or the tokens of any other value. */
  text: string;
}

/** Maximum depth of an object that is parsed: each level adds indentation. */
const MAX_DEPTH = 64;
/** Matches a token of text that JSON.parse accepts. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * Tokenises a JSON object; undefined for any other text. JavaScript values would lose precision
 * above 2^53 and of decimals, the order of numeric names, and duplicate names.
 */
export function jsonTokens(text: string): JsonTokens | undefined {
  if (!text.startsWith("{") || !isJson(text)) return undefined;
  const tokens = text.match(TOKEN) ?? [];
  let depth = 0;
  for (const token of tokens) {
    if (isOpening(token)) depth++;
    if (isClosing(token)) depth--;
    if (depth > MAX_DEPTH) return undefined;
  }
  return tokens;
}

/** The members of the object, duplicates included. */
export function jsonFields(tokens: JsonTokens): JsonField[] {
  const fields: JsonField[] = [];
  for (let at = 1; at < tokens.length - 1; ) {
    const end = valueEnd(tokens, at + 2);
    const text = tokens
      .slice(at + 2, end)
      .map(readable)
      .join("");
    const value: unknown = JSON.parse(text);
    fields.push({ name: unquoted(tokens[at]), value, text: typeof value === "string" ? value : text });
    at = end + 1;
  }
  return fields;
}

/** Pretty-prints like JSON.stringify with an indent of 2. */
export function jsonLines(tokens: JsonTokens): string[] {
  const lines: string[] = [];
  let line = "";
  let depth = 0;
  const breakLine = () => {
    lines.push(line);
    line = "  ".repeat(depth);
  };
  tokens.forEach((token, index) => {
    if (isClosing(token)) {
      depth--;
      if (!isOpening(tokens[index - 1])) breakLine();
    }
    line += token === ":" ? ": " : readable(token);
    if (isOpening(token)) {
      depth++;
      if (!isClosing(tokens[index + 1])) breakLine();
    } else if (token === ",") breakLine();
  });
  return [...lines, line];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function valueEnd(tokens: JsonTokens, from: number): number {
  let at = from;
  let depth = 0;
  do {
    if (isOpening(tokens[at])) depth++;
    if (isClosing(tokens[at])) depth--;
    at++;
  } while (depth > 0);
  return at;
}

/** Removes unnecessary escapes such as `\u00e9` from strings. */
function readable(token: string): string {
  return token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token;
}

function unquoted(token: string | undefined): string {
  return token === undefined ? "" : String(JSON.parse(token));
}

function isOpening(token: string | undefined): boolean {
  return token === "{" || token === "[";
}

function isClosing(token: string | undefined): boolean {
  return token === "}" || token === "]";
}
