import type { ConnectionOptions } from "../targets/options.ts";

/** Options of `porthole ls`: see cli/program/list-commands.ts. */
export interface LsOptions extends ConnectionOptions {
  l?: boolean;
  numericUidGid?: boolean;
  inode?: boolean;
  classify?: boolean;
  all?: boolean;
  almostAll?: boolean;
  recursive?: boolean;
  t?: boolean;
  S?: boolean;
  reverse?: boolean;
  humanReadable?: boolean;
  1?: boolean;
  C?: boolean;
  directory?: boolean;
  total?: boolean;
  json?: boolean;
  color?: "auto" | "always" | "never";
}
