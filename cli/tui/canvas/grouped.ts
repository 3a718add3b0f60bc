/** Formats a number for the screen, with its digits in groups of three: `2,017`. */
export function grouped(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
