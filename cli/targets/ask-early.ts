import { beginInspection } from "../../src/engines/index.ts";
import { parseTarget } from "../../src/target.ts";

/**
 * Asks the default engines for the container of a target, before the code that needs the answer is
 * loaded. Does nothing for other targets.
 */
export function askEarly(text: string): void {
  try {
    const target = parseTarget(text);
    // A Compose service or a pod needs other requests.
    if (target.kind === "container" && !target.name.includes("/") && !target.name.includes(":"))
      beginInspection(target.name);
  } catch {
    // The command itself reports the error.
  }
}
