import type { KeyOf } from "../keymap/keymap.ts";
import type { FollowMode } from "./follow-mode.ts";
import type { Jumps } from "./jumps.ts";
import type { LineCounting } from "./line-counting.ts";
import type { MatchWalk } from "./match-walk.ts";
import type { Searching } from "./searching.ts";
import type { ViewerText } from "./viewer-text.ts";

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
