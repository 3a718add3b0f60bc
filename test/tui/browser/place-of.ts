import type { BrowserTarget } from "../../../cli/tui/browser/browser-target.ts";
import { PortholeError } from "../../../src/errors.ts";

/** A place whose session does only what is given here. */
export function placeOf(session: object): BrowserTarget {
  const missing = () => Promise.reject(new PortholeError("FILE", "no such file"));
  const all = { open: missing, mounts: missing, readlink: missing, ...session };
  const place = {
    session: () => Promise.resolve(all),
    use: (ask: (of: object) => unknown) => ask(all),
    text: String,
    lossMessage: () => "",
  };
  return place as unknown as BrowserTarget;
}
