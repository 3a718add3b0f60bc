/**
 * Returns a sort key whose byte order sorts numbers by value: `f2` before `f10`. Equal numbers with
 * leading zeros sort by their bytes.
 */
export function naturalKey(text: string): string {
  return /\d/.test(text) ? `${text.replace(/\d+/g, numberKey)}\0${text}` : text;
}

/**
 * Prefixes a number with its length, so that a longer number is greater. The length is a prefix
 * code of digits, so that numbers keep the position of digits among other characters.
 */
function numberKey(digits: string): string {
  // Fast path for most numbers, because a directory may have 100,000.
  if (digits.length <= 9 && !digits.startsWith("0")) return `${digits.length - 1}${digits}`;
  const number = digits.replace(/^0+(?=\d)/, "");
  const nines = Math.floor((number.length - 1) / 9);
  return "9".repeat(nines) + ((number.length - 1) % 9) + number;
}
