import type { ReachOptions } from "../targets/options.ts";

/** What stood on the command line. */
export interface GrepOptions extends ReachOptions {
  regexp?: string[];
  fixedStrings?: boolean;
  ignoreCase?: boolean;
  wordRegexp?: boolean;
  lineRegexp?: boolean;
  invertMatch?: boolean;
  lineNumber?: boolean;
  withFilename?: boolean;
  filename: boolean;
  afterContext?: number;
  beforeContext?: number;
  context?: number;
  onlyMatching?: boolean;
  maxCount?: number;
  count?: boolean;
  filesWithMatches?: boolean;
  quiet?: boolean;
  text?: boolean;
  hidden?: boolean;
  color: "auto" | "always" | "never";
  json?: boolean;
}
