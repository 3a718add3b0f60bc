import type { Zone } from "../../../src/times/index.ts";
import type { Action } from "../keymap/keymap.ts";
import type { Content } from "./content.ts";
import type { FilterStatus } from "./filtering.ts";
import type { SearchStatus } from "./searching.ts";
import type { LineSource } from "./sources.ts";

/** The key of an action in a text as it is written; its command where it has none. */
export type KeyOf = (action: Action) => string;

export type FollowState = "off" | "on" | "paused";

/** What the status row tells. */
export interface ViewerStatus {
  mode: "text" | "hex";
  follow: FollowState;
  /** Lines that came since the pause. */
  news: number;
  /** Lines a second, and those of the last seconds as a picture. */
  rate: number;
  picture: string;
  /** Where the first line on the screen begins in its file, and how long that is. */
  top: number;
  length: number;
  /** Offsets in the text: after the last line on the screen, its end and its start. */
  bottom: number;
  end: number;
  start: number;
  /** The beginning of a stream was dropped. */
  isDropping: boolean;
  /** Number of the first line on the screen. */
  line: { number: number; isExact: boolean } | undefined;
  left: number;
  search: SearchStatus | undefined;
  filter: FilterStatus | undefined;
  /** How many records have which level, while levels are chosen; empty otherwise. */
  levels: string;
  /** Counted part of the file, while the count runs. */
  index: number | undefined;
  /** Ways of showing that are not the usual one. */
  modes: readonly string[];
  /** Digits typed before a key. */
  count: string;
}

/** A match that another program has found. */
export interface FoundMatch {
  /** Line number, from 1. */
  line: number;
  /** Offset of the line, and its first bytes. They may differ in the file: it may have changed. */
  offset: number;
  head: Buffer;
  /** Regular expression, for the next match. */
  pattern: string;
}

export interface ViewerOptions {
  content: Content;
  colours: "pass" | "drop";
  /** False where there is nothing to follow with. */
  canFollow: boolean;
  /** What times without a zone mean; UTC by default. */
  zone: (() => Promise<Zone>) | undefined;
  hex: boolean;
  /** The sources of a merged text. */
  sources?: readonly LineSource[] | undefined;
  /** The key of an action, for hints. */
  keyOf: KeyOf;
  /** Something changed that a frame should show. */
  changed(): void;
}
