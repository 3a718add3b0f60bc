import type { Binding } from "./binding.ts";

/** less's keys, where less has one. */
export const VIEWER_KEYS = [
  { action: "line-down", keys: ["j", "down", "enter", "e", "ctrl-e", "ctrl-n"], help: "one line down" },
  { action: "line-up", keys: ["k", "up", "ctrl-y", "ctrl-p"], help: "one line up" },
  { action: "page-down", keys: [" ", "pagedown", "f", "ctrl-f", "ctrl-v"], help: "one page down" },
  { action: "page-up", keys: ["b", "pageup", "ctrl-b", "alt-v"], help: "one page up" },
  { action: "half-page-down", keys: ["d", "ctrl-d"], help: "half a page down" },
  { action: "half-page-up", keys: ["u", "ctrl-u"], help: "half a page up" },
  { action: "start", keys: ["g", "home", "<"], help: "to the start" },
  { action: "end", keys: ["G", "end", ">"], help: "to the end" },
  { action: "left", keys: ["left"], help: "scroll left" },
  { action: "right", keys: ["right"], help: "scroll right" },
  { action: "follow", keys: ["F"], help: "follow what is written; scrolling up pauses" },
  { action: "search", keys: ["/"], help: "search forward for a regular expression" },
  { action: "next-match", keys: ["n"], help: "next match" },
  { action: "previous-match", keys: ["N"], help: "previous match" },
  { action: "cancel", keys: ["escape"], help: "cancel the search" },
] as const satisfies readonly Binding[];
