/** Time zones: of a target and of `--tz`; instants of wall-clock times. */
export { targetZone } from "./target-zone.ts";
export { instantOf, systemZone, utc, type Zone } from "./zone.ts";
export { parseZone } from "./zone-text.ts";
