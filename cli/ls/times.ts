const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
/** Half a mean Gregorian year in nanoseconds, the limit that ls(1) uses. */
const HALF_YEAR = (31_556_952n / 2n) * 1_000_000_000n;

/**
 * Formats a time as `ls -l` does, in 12 columns. Times within the last half year have the hour,
 * other times the year.
 */
export function listTime(time: bigint, now: bigint): string {
  // Caches the last minute: entries of a directory often share a minute, and local time is half the
  // cost of a line.
  const minute = time < 0n ? time : time / 60_000_000_000n;
  if (last === undefined || last.minute !== minute) {
    const date = new Date(Number(time / 1_000_000n));
    last = { minute, date: Number.isNaN(date.getTime()) ? undefined : texts(date) };
  }
  if (last.date === undefined) return String(time / 1_000_000_000n).padStart(12);
  return time <= now && now - time < HALF_YEAR ? last.date.recent : last.date.other;
}

let last: { minute: bigint; date: { recent: string; other: string } | undefined } | undefined;

function texts(date: Date): { recent: string; other: string } {
  const day = `${months[date.getMonth()]} ${String(date.getDate()).padStart(2)}`;
  return {
    recent: `${day} ${two(date.getHours())}:${two(date.getMinutes())}`,
    other: `${day}  ${date.getFullYear()}`,
  };
}

/** Formats a time as stat(1) does: in nanoseconds, in the local zone. */
export function fullTime(time: bigint): string {
  const seconds = floorSeconds(time);
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  const day = `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.trunc(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  return `${day} ${clock}.${nanoseconds(time)} ${zone}`;
}

/** Formats a time as ISO 8601 in UTC with nanoseconds, for JSON. */
export function isoTime(time: bigint): string {
  const seconds = floorSeconds(time);
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return `@${seconds}`;
  return `${date.toISOString().slice(0, -5)}.${nanoseconds(time)}Z`;
}

function floorSeconds(time: bigint): bigint {
  return (time - (((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n;
}

function nanoseconds(time: bigint): string {
  return String(((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).padStart(9, "0");
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
