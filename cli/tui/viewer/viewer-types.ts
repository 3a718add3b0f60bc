import type { Zone } from "../../../src/times/index.ts";
import type { LevelLooks } from "../canvas/line-text.ts";
import type { KeyOf } from "../keymap/keymap.ts";
import type { Content } from "./document/content.ts";
import type { LineSource } from "./document/sources.ts";
import type { FollowState } from "./follow/follow-mode.ts";
import type { FilterStatus } from "./search/filtering.ts";
import type { SearchStatus } from "./search/searching.ts";

/** Content of the status row. */
export interface ViewerStatus {
  mode: "text" | "hex";
  follow: FollowState;
  /** Number of lines since the pause. */
  news: number;
  /** Lines per second, and their sparkline over the last seconds. */
  rate: number;
  sparkline: string;
  /** Offset of the first visible line in its file, and the size of that file. */
  top: number;
  length: number;
  /** Offsets in the text: the end of the last visible line, the end and the start of the text. */
  bottom: number;
  end: number;
  start: number;
  /** True if the ring buffer of a stream has dropped the beginning of the stream. */
  isDropping: boolean;
  /** Number of the first visible line; undefined if it is not shown. */
  line: { number: number; isExact: boolean } | undefined;
  left: number;
  search: SearchStatus | undefined;
  filter: FilterStatus | undefined;
  /** Number of records for each level, while levels are selected; empty otherwise. */
  levels: string;
  /** Fraction of the file that is counted, while a count runs. */
  index: number | undefined;
  /** Names of the display modes that differ from the default. */
  modes: readonly string[];
  /** Digits typed before a key. */
  count: string;
}

export interface ViewerOptions {
  content: Content;
  colours: "pass" | "drop";
  levelLooks: LevelLooks;
  /** False if the file cannot be followed. */
  canFollow: boolean;
  /** The zone of times without a zone; default UTC. */
  zone: (() => Promise<Zone>) | undefined;
  hex: boolean;
  /** The sources of a merged text. */
  sources?: readonly LineSource[] | undefined;
  /** Returns the offset after the content that existed before the view: see {@link Growth}. */
  newFrom?: (() => number) | undefined;
  /** Returns the key of an action, for hints. */
  keyOf: KeyOf;
  /** Requests a frame. */
  changed(): void;
}
