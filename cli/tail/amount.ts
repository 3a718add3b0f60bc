import { quotedArgument } from "./quote.ts";

/** The requested part of a file. */
export interface Amount {
  unit: "lines" | "bytes";
  count: number;
  /**
   * The sign of the number: `+` counts from the start (tail), `-` selects all but the last (head).
   */
  sign: "+" | "-" | "";
}

/** Invalid usage of head or tail, in GNU's words. `message` does not contain the program's name. */
export class UsageError extends Error {
  readonly code = "USAGE";
}

/**
 * Parses the value of `-n` or `-c`, as coreutils do: an optional sign, digits, and a multiplier.
 * Throws {@link UsageError}.
 */
export function parseAmount(unit: Amount["unit"], text: string, command: "head" | "tail"): Amount {
  const sign = /^[+-]/.exec(text)?.[0] as "+" | "-" | undefined;
  // Strips only a sign with a meaning: head accepts `+` as part of the number.
  const digits = sign === "-" ? text.slice(1) : text;
  const count = parseCount(digits, `number of ${unit}`);
  return {
    unit,
    count,
    sign: (command === "tail" && sign === "-") || (command === "head" && sign === "+") ? "" : (sign ?? ""),
  };
}

/**
 * Parses a number with a multiplier: b 512, kB 1000, K 1024, MB 1000*1000, M 1024*1024, and so on
 * for G, T, P, E, Z, Y. Throws {@link UsageError}.
 */
function parseCount(text: string, what: string): number {
  const match = /^\s*\+?(\d+)(?:(b)|([kKmMGTPEZY])(B|iB)?)?$/.exec(text);
  if (match === null) throw new UsageError(`invalid ${what}: ${quotedArgument(text)}`);
  const [, digits = "", block, power, base] = match;
  const exponent = power === undefined ? 0 : "KMGTPEZY".indexOf(power.toUpperCase()) + 1;
  const factor = block ? 512n : (base === "B" ? 1000n : 1024n) ** BigInt(exponent);
  const value = BigInt(digits) * factor;
  if (value > 0xffff_ffff_ffff_ffffn)
    throw new UsageError(`invalid ${what}: ${quotedArgument(text)}: Value too large for defined data type`);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

/** Parses a plain number up to `max`. Throws {@link UsageError}. */
export function parsePlain(text: string, what: string, max: number): number {
  if (!/^\s*\+?\d+$/.test(text)) throw new UsageError(`invalid ${what}: ${quotedArgument(text)}`);
  const value = Number(text);
  if (value > max)
    throw new UsageError(`invalid ${what}: ${quotedArgument(text)}: Value too large for defined data type`);
  return value;
}

/** Parses a number of seconds with fractions, as xstrtod does. Throws {@link UsageError}. */
export function parseSeconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value) || value < 0)
    throw new UsageError(`invalid number of seconds: ${quotedArgument(text)}`);
  return value;
}
