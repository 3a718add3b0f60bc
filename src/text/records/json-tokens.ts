/** The tokens of a JSON object in their order: punctuation, strings with their quotes, numbers as they are written, words. */
export type JsonTokens = readonly string[];

/** A member of a JSON object. */
export interface JsonField {
  name: string;
  value: unknown;
  /** For people: of a string its characters, of anything else its tokens. */
  text: string;
}

/** Deeper objects are not taken apart: each level is indented further. */
const DEEPEST = 64;
/** In text that JSON.parse takes. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * Takes a text apart that is a JSON object, undefined for any other. Not by values: JavaScript's would lose what a number has above 2^53 or behind
 * the comma, the order of names that are numbers, and the first of two alike.
 */
export function jsonTokens(text: string): JsonTokens | undefined {
  if (!text.startsWith("{") || !isJson(text)) return undefined;
  const tokens = text.match(TOKEN) ?? [];
  let depth = 0;
  for (const token of tokens) {
    if (isOpening(token)) depth++;
    if (isClosing(token)) depth--;
    if (depth > DEEPEST) return undefined;
  }
  return tokens;
}

/** The members of the object, one that is named twice twice. */
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

/** The object over several lines, as JSON.stringify with an indent of 2. */
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

/** Escapes that need not be are taken out of strings: `\u00e9` is read by nobody. */
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
