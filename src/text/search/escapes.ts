import { type CharacterSet, propertyClass } from "./character-class.ts";

/** `xFF`, `uFFFF`, `UFFFFFFFF`, `x{FFFF}` and `u{FFFF}`, the input of {@link readHex}. */
export const hexEscape = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[xu]\{([0-9a-fA-F]{1,8})\})/;

export function readHex(match: RegExpExecArray): number {
  return Number.parseInt(match[1] ?? match[2] ?? match[3] ?? match[4] ?? "", 16);
}

/** `p{Name}`, `P{Name}`, `p{^Name}` and `pL`. */
export function readProperty(text: string): { set: CharacterSet; length: number } | undefined {
  const match = /^([pP])(?:\{(\^?)([^}]*)\}|([A-Z]))/.exec(text);
  if (match === null) return undefined;
  const name = match[3] ?? match[4] ?? "";
  const set = propertyClass(name, (match[1] === "P") !== (match[2] === "^"));
  if (set === undefined) throw new Error(`no such Unicode property: ${name}`);
  return { set, length: match[0].length };
}

/**
 * The character that a backslash escape represents.
 * @throws Error for an unknown escape, and for a newline
 */
export function escapedCharacter(text: string): number {
  const letter = text[0] ?? "";
  if (letter === "n") throw noNewline();
  const control = Object.hasOwn(controls, letter) ? controls[letter] : undefined;
  if (control !== undefined && !(letter === "0" && /^0\d/.test(text))) return control;
  if (/[0-9A-Za-z]/.test(letter)) throw new Error(`\\${letter} has no meaning`);
  return text.codePointAt(0) ?? 0;
}

export function noNewline(): Error {
  return new Error("a newline cannot be part of a line");
}

const controls: Record<string, number> = { t: 9, v: 11, f: 12, r: 13, a: 7, e: 27, 0: 0 };
