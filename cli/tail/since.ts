import { parseTime } from "../../src/text/index.ts";
import type { Zone } from "../../src/times/index.ts";

const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * Parses the value of `--since`: a duration before `now` (`90s`, `10m`, `1h30m`, `2d`), or a time.
 * `zone` applies to a time without a zone. Returns milliseconds since 1970.
 * @throws PortholeError USAGE
 */
export function sinceTime(text: string, now: number, zone?: Zone): number {
  const duration = text.trim();
  if (!/^(?:\d+(?:\.\d+)?[smhdw])+$/.test(duration)) return parseTime(text, now, zone);
  let seconds = 0;
  for (const [, number, unit] of duration.matchAll(/(\d+(?:\.\d+)?)([smhdw])/g))
    seconds += Number(number) * (units[unit ?? ""] ?? 0);
  return now - seconds * 1000;
}
