import { CharacterClass, type CharacterSet, escapedClass, type Pair, posixClass } from "./character-class.ts";
import { escapedCharacter, hexEscape, readHex, readProperty } from "./escapes.ts";

/**
 * Reads the class whose bracket opens at `start`, and its end.
 * @throws Error for an invalid class
 */
export function readBracketExpression(pattern: string, start: number): { pair: Pair; end: number } {
  const negated = pattern[start + 1] === "^";
  const set = new CharacterClass(negated);
  const first = start + (negated ? 2 : 1);
  let at = first;
  const item = (): number | CharacterSet => {
    const { value, length } = readItem(pattern.slice(at, at + 80));
    at += length;
    return value;
  };
  // A bracket in first position is a member, as in every dialect except JavaScript.
  while (at === first || pattern[at] !== "]") {
    if (at >= pattern.length) throw new Error("Unterminated character class");
    const from = item();
    if (typeof from !== "number") set.add(from);
    else if (pattern[at] === "-" && at + 1 < pattern.length && pattern[at + 1] !== "]") {
      at++;
      const to = item();
      if (typeof to !== "number" || to < from) throw new Error("Range out of order in character class");
      set.range(from, to);
    } else set.range(from, from);
  }
  return { pair: set.toPair(), end: at + 1 };
}

/** Reads a character of the class, or a nested class. */
function readItem(rest: string): { value: number | CharacterSet; length: number } {
  const name = /^\[:(\^?\w+):\]/.exec(rest);
  if (name !== null) {
    const value = posixClass(name[1] ?? "");
    if (value === undefined) throw new Error(`no such class: ${name[0]}`);
    return { value, length: name[0].length };
  }
  if (rest[0] !== "\\") {
    const value = rest.codePointAt(0) ?? 0;
    return { value, length: value > 0xffff ? 2 : 1 };
  }
  const inner = rest.slice(1);
  const hex = hexEscape.exec(inner);
  if (hex !== null) return { value: readHex(hex), length: hex[0].length + 1 };
  const property = readProperty(inner);
  if (property !== undefined) return { value: property.set, length: property.length + 1 };
  const letter = inner[0] ?? "";
  if (letter === "b") return { value: 8, length: 2 };
  return { value: escapedClass(letter) ?? (letter === "n" ? 10 : escapedCharacter(inner)), length: 2 };
}
