import type { ConnectionOptions } from "./options.ts";

/** Refuses an unknown time zone before the screen is drawn. Throws USAGE. */
export async function checkZone({ tz }: ConnectionOptions): Promise<void> {
  if (tz !== undefined) (await import("../../src/times/index.ts")).parseZone(tz);
}
