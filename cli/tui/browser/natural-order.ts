/**
 * A text whose byte order is the order in which people count: `f2` before `f10`. Equal numbers with
 * zeros before them stay in the order of their bytes.
 */
export function naturalKey(text: string): string {
  return /\d/.test(text) ? `${text.replace(/\d+/g, numberKey)}\0${text}` : text;
}

/**
 * A number behind its length, so that a longer one is greater. The length is written in digits, as a
 * prefix code: numbers stay in the place that digits have among other characters.
 */
function numberKey(digits: string): string {
  const number = digits.replace(/^0+(?=\d)/, "");
  const nines = Math.floor((number.length - 1) / 9);
  return "9".repeat(nines) + ((number.length - 1) % 9) + number;
}
