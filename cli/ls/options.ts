import type { ReachOptions } from "../targets/options.ts";

/** Options of `porthole ls`, as cli/program/listing.ts describes them. */
export interface LsOptions extends ReachOptions {
  l?: boolean;
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
