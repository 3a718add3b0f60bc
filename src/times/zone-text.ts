import { PortholeError } from "../errors.ts";
import { fixedZone, instantOf, namedZone, systemZone, utc, type Zone } from "./zone.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const MAX_HOURS = 14;
/** Maximum number of cached zones. */
const REMEMBERED = 64;

/**
 * Abbreviations and their hours east of UTC. The first meaning is the usual one. Another meaning is
 * used if the target's own zone has that offset at the time: CST in Asia/Shanghai, IST in
 * Europe/Dublin. Omits words that usually mean something else in logs (ART, CAT, EAT, PET).
 */
const ABBREVIATIONS: Readonly<Record<string, readonly number[]>> = {
  ...{ Z: [0], UT: [0], UTC: [0], GMT: [0], WET: [0], WEST: [1] },
  ...{ CET: [1], CEST: [2], MET: [1], MEST: [2], MEZ: [1], MESZ: [2], EET: [2], EEST: [3], BST: [1, 6, 11] },
  ...{ MSK: [3], MSD: [4], TRT: [3], SAST: [2], IDT: [3], IST: [5.5, 1, 2], IRST: [3.5], GST: [4], PKT: [5] },
  ...{ NPT: [5.75], WIB: [7], WITA: [8], ICT: [7], SGT: [8], HKT: [8], PHT: [8], JST: [9], KST: [9] },
  ...{ AWST: [8], ACST: [9.5], ACDT: [10.5], AEST: [10], AEDT: [11], NZST: [12], NZDT: [13] },
  ...{ NST: [-3.5], NDT: [-2.5], AST: [-4, 3], ADT: [-3], EST: [-5], EDT: [-4], CST: [-6, 8, -5], CDT: [-5, -4] },
  ...{ MST: [-7, 8], MDT: [-6], PST: [-8, 8], PDT: [-7], AKST: [-9], AKDT: [-8], HST: [-10], SST: [-11, 8] },
  ...{ BRT: [-3], BRST: [-2], CLT: [-4], CLST: [-3] },
};

/**
 * The zone of `--tz`: a name of the tz database, `local`, an offset (`+02`, `+0530`, `-03:00`, `Z`,
 * `UTC+2`, east of UTC), or an abbreviation (`CET`, `MSK`).
 * @throws PortholeError USAGE
 */
export function parseZone(text: string): Zone {
  const name = text.trim();
  if (name.toLowerCase() === "local") return systemZone;
  const offset = parseOffset(name);
  if (offset !== undefined) return offset === 0 ? utc : fixedZone(offset);
  const hours = ABBREVIATIONS[name.toUpperCase()]?.[0];
  // The tz database has CET and EET with summer time. Node assigns other meanings to other
  // abbreviations.
  const zone = hours === undefined || /^(?:[CEMW]ET|GMT|UTC)$/i.test(name) ? namedZone(name) : undefined;
  if (zone !== undefined) return zone;
  if (hours !== undefined) return fixedZone(hours * HOUR, name.toUpperCase());
  throw new PortholeError("USAGE", `invalid time zone '${text}'`, {
    hint: "use a name such as Europe/Berlin, an offset such as +02:00, UTC or local",
  });
}

/** Milliseconds east of UTC of `Z`, `+02`, `+0530`, `-03:00`, `UTC+2`, `GMT-0300`. */
export function parseOffset(text: string): number | undefined {
  const match = /^(?:(Z|UTC|GMT)|(UTC|GMT)?([+-])(\d\d?)(?::?(\d\d))?)$/i.exec(text);
  if (!match) return undefined;
  const [, isZero, isNamed, sign, hours = "0", minutes = "0"] = match;
  if (isZero !== undefined) return 0;
  if ((isNamed === undefined && hours.length < 2) || Number(hours) > MAX_HOURS || Number(minutes) > 59)
    return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * HOUR + Number(minutes) * MINUTE);
}

/**
 * The instant of a timestamp. Uses `zone` if `zoneText` is not a zone.
 * @param zoneText the text after the time: an offset, an abbreviation in capitals, or a name with a
 * slash
 * @param wall the time as if it were UTC
 * @param last as in {@link instantOf}
 */
export function instantWith(zoneText: string | undefined, wall: number, zone: Zone, last?: number): number {
  if (zoneText === undefined) return instantOf(zone, wall, last);
  if (zoneText === "Z") return wall;
  const offset = parseOffset(zoneText);
  if (offset !== undefined) return wall - offset;
  const meanings = ABBREVIATIONS[zoneText];
  if (meanings !== undefined) {
    const instants = meanings.map((hours) => wall - hours * HOUR);
    const own = meanings.length > 1 ? instants.find((instant) => instant + zone.offsetAt(instant) === wall) : undefined;
    return own ?? instants[0] ?? wall;
  }
  return instantOf((zoneText.includes("/") && remembered(zoneText)) || zone, wall, last);
}

/** True for an offset or an abbreviation that {@link instantWith} knows. */
export function isZone(text: string): boolean {
  return parseOffset(text) !== undefined || ABBREVIATIONS[text] !== undefined;
}

const names = new Map<string, Zone | undefined>();

function remembered(name: string): Zone | undefined {
  if (names.has(name)) return names.get(name);
  if (names.size >= REMEMBERED) names.clear();
  const zone = namedZone(name);
  names.set(name, zone);
  return zone;
}
