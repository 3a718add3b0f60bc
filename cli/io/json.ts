/**
 * Formats one line of JSON. Integers beyond a double become strings. Control characters are
 * escaped.
 */
export function jsonLine(record: object): string {
  const text = JSON.stringify(record, (_, value) => (typeof value === "bigint" ? numberOrText(value) : value));
  return `${text.replace(UNSAFE, escaped)}\n`;
}

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function escaped(character: string): string {
  let text = "";
  for (let at = 0; at < character.length; at++) text += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  return text;
}

function numberOrText(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
