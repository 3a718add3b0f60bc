import type { Binding } from "./binding.ts";

/** Keys of a text: less's, where less has one. */
export const VIEWER_KEYS = [
  {
    action: "line-down",
    keys: ["j", "down", "enter", "e", "ctrl-e", "ctrl-n"],
    help: "a line down; after a number, so many",
  },
  { action: "line-up", keys: ["k", "up", "ctrl-y", "ctrl-p"], help: "a line up" },
  { action: "page-down", keys: [" ", "pagedown", "f", "ctrl-f", "ctrl-v"], help: "a page down" },
  { action: "page-up", keys: ["b", "pageup", "ctrl-b", "alt-v"], help: "a page up" },
  { action: "half-page-down", keys: ["d", "ctrl-d"], help: "half a page down" },
  { action: "half-page-up", keys: ["u", "ctrl-u"], help: "half a page up" },
  { action: "start", keys: ["g", "home", "<"], help: "to the start; 123g to line 123" },
  { action: "end", keys: ["G", "end", ">"], help: "to the end; a paused follow goes on" },
  { action: "percent", keys: ["%", "p"], help: "50% to the middle" },
  { action: "left", keys: ["left"], help: "scroll left" },
  { action: "right", keys: ["right"], help: "scroll right" },
  { action: "first-column", keys: ["^"], help: "to the first column" },
  { action: "search", keys: ["/"], help: "search forward; in hex x 7f45 for bytes", hint: "search" },
  { action: "search-back", keys: ["\\"], help: "search backward" },
  { action: "next-match", keys: ["n"], help: "next match", hint: "next" },
  { action: "previous-match", keys: ["N"], help: "previous match" },
  { action: "filter", keys: ["&"], help: "only lines that match; !x: all others", hint: "filter" },
  { action: "follow", keys: ["F"], help: "follow what is written", hint: "follow" },
  { action: "wrap", keys: ["w"], help: "wrap long lines, or cut them", hint: "wrap" },
  { action: "json", keys: ["J"], help: "JSON: folded, unfolded, as it is", hint: "JSON" },
  { action: "ignore-case", keys: ["i"], help: "ignore case in searches, or not", hint: "case" },
  { action: "more-context", keys: ["+", "="], help: "a line more around those of a filter" },
  { action: "less-context", keys: ["-"], help: "a line less; then only lines that match" },
  { action: "next-problem", keys: ["]"], help: "to the next error or warning below" },
  { action: "previous-problem", keys: ["["], help: "to the one before, above the screen" },
  { action: "only-errors", keys: ["alt-e"], help: "only errors, or all levels again" },
  { action: "only-warnings", keys: ["alt-w"], help: "the same of warnings; levels add up" },
  { action: "only-info", keys: ["alt-i"], help: "the same of info" },
  { action: "only-debug", keys: ["alt-d"], help: "the same of debug and trace" },
  { action: "mute", keys: ["z"], help: "merged: hide the source of the top line" },
  { action: "solo", keys: ["Z"], help: "merged: only that source, or all again" },
  { action: "line-numbers", keys: ["#"], help: "line numbers" },
  { action: "levels", keys: ["c"], help: "levels (ERROR, WARN) in colour, or not" },
  { action: "scroll-bar", keys: ["alt-b"], help: "scroll bar with ticks for matches" },
  { action: "hex", keys: ["x"], help: "bytes in hex, or text" },
  { action: "encoding", keys: ["E"], help: "read as UTF-8, Latin-1, UTF-16" },
  { action: "mark", keys: ["m"], help: "mark this place with a letter" },
  { action: "jump", keys: ["'"], help: "go to a mark; '' back from a jump" },
  { action: "range", keys: ["R"], help: "begin a range at the line at the top" },
  { action: "save", keys: ["s"], help: "write the range or screen to a new file" },
  { action: "help", keys: ["h"], help: "every key of this view" },
  { action: "cancel", keys: ["escape"], help: "cancel what runs; hide matches" },
] as const satisfies readonly Binding[];

/**
 * Keys that people's fingers know from less: they keep less's meaning in a text, whatever they mean
 * in a list.
 */
export const LESS_KEYS: readonly string[] = ["d", "e", "f", "h", "p", "s", "u", " ", "b", "enter", "ctrl-d", "ctrl-u"];
