/** Time zones: of a target, of `--tz`, and the instants of times in them. */
export { targetZone } from "./target-zone.ts";
export { instantOf, systemZone, utc, type Zone } from "./zone.ts";
export { parseZone } from "./zone-text.ts";
