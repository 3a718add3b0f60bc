import type { KeyOf } from "../keymap/keymap.ts";
import type { LineCounting } from "./document/line-counting.ts";
import type { FollowMode } from "./follow/follow-mode.ts";
import type { Jumps } from "./positions/jumps.ts";
import type { ViewerText } from "./rows/viewer-text.ts";
import type { MatchWalk } from "./search/match-walk.ts";
import type { Searching } from "./search/searching.ts";

/** The parts of a viewer that actions use. */
export interface ViewerParts {
  readonly text: ViewerText;
  readonly searching: Searching;
  readonly walk: MatchWalk;
  readonly jumps: Jumps;
  readonly following: FollowMode;
  readonly counting: LineCounting;
  say(this: void, message: string): void;
  readonly keyOf: KeyOf;
}
