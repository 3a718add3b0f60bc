/** Formats a size as `ls -h` does: units of 1024, rounded up, one decimal below ten. */
export function humanSize(bytes: bigint): string {
  if (bytes < 1024n) return String(bytes);
  let unit = 1024n;
  let letter = 0;
  // Uses the next unit also if rounding up gives 1024 of this unit.
  while (letter < units.length - 1 && ceil(bytes, unit) >= 1024n) {
    unit *= 1024n;
    letter++;
  }
  const tenths = ceil(bytes * 10n, unit);
  const number = tenths < 100n ? `${tenths / 10n}.${tenths % 10n}` : String(ceil(bytes, unit));
  return number + units[letter];
}

const units = "KMGTPE";

function ceil(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}
