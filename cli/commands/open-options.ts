import type { ConnectionOptions } from "../targets/options.ts";

/** The options of `porthole open` for one target. */
export interface ShowOptions extends ConnectionOptions {
  follow?: boolean;
  hex?: boolean;
  rotated?: boolean;
  consume?: boolean;
}
