/** Formats milliseconds in the largest unit that fits: `42 s`, `17 min`, `3 h`, `12 d`, `2 y`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < DAY) return `${Math.floor(seconds / 3600)} h`;
  return seconds < YEAR ? `${Math.floor(seconds / DAY)} d` : `${Math.floor(seconds / YEAR)} y`;
}

/** Formats a time relative to `now`, both in milliseconds: `17 min ago`, `in 3 h`. */
export function relativeTime(time: number, now: number): string {
  return time <= now ? `${duration(now - time)} ago` : `in ${duration(time - now)}`;
}

/** Seconds. YEAR is a mean Gregorian year. */
const [DAY, YEAR] = [86_400, 31_556_952];
