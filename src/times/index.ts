/** undefined */

export { targetZone } from "./target-zone.ts";
export { systemZone, utc, type Zone } from "./zone.ts";
export { parseZone } from "./zone-text.ts";
