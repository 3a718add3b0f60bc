import type { Binding } from "./binding.ts";

/** Keys of every list. */
export const LIST_KEYS = [
  { action: "item-down", keys: ["j", "down", "ctrl-n"], help: "next" },
  { action: "item-up", keys: ["k", "up", "ctrl-p"], help: "previous" },
  { action: "items-page-down", keys: ["pagedown", "ctrl-f", "ctrl-d", " "], help: "one page down" },
  { action: "items-page-up", keys: ["pageup", "ctrl-b", "ctrl-u", "b"], help: "one page up" },
  { action: "first-item", keys: ["g", "home", "<"], help: "to the first" },
  { action: "last-item", keys: ["G", "end", ">"], help: "to the last" },
  { action: "open", keys: ["enter", "right", "l"], help: "open" },
  { action: "open-in-tab", keys: ["t"], help: "open in a tab of its own" },
  { action: "filter", keys: ["/"], help: "show only what holds the words typed; Esc shows all" },
  { action: "refresh", keys: ["r", "ctrl-r", "f5"], help: "look again" },
  { action: "cancel", keys: ["escape"], help: "end the filter, or go back" },
] as const satisfies readonly Binding[];

export const CONTAINERS_KEYS = [
  { action: "toggle-stopped", keys: ["a"], help: "show containers that do not run, too" },
  { action: "sandboxes", keys: ["p"], help: "namespaces of other sandboxes, without an engine" },
  { action: "open-files", keys: ["O"], help: "processes and what they have open" },
  { action: "mounts", keys: ["M"], help: "mounts" },
] as const satisfies readonly Binding[];

export const FILES_KEYS = [
  { action: "parent", keys: ["h", "left", "backspace", "-"], help: "to the directory above" },
  { action: "backward", keys: ["[", "alt-left"], help: "back to where you were" },
  { action: "forward", keys: ["]", "alt-right"], help: "forward again" },
  { action: "goto-path", keys: ["p"], help: "go to a path; // starts at the root, Tab completes" },
  { action: "find", keys: ["f"], help: "find files below by name, or a pattern as *.log" },
  { action: "sort", keys: ["s"], help: "sort by name, size, time, kind" },
  { action: "sort-reverse", keys: ["S"], help: "the other way round" },
  { action: "toggle-hidden", keys: ["."], help: "show hidden files, or hide them" },
  { action: "toggle-preview", keys: ["P"], help: "preview of the selected file, where there is room" },
  { action: "mark", keys: [" "], help: "mark a file, here and in other containers" },
  { action: "follow-marked", keys: ["F"], help: "follow the marked files together, or this one" },
] as const satisfies readonly Binding[];

export const OPEN_FILES_KEYS = [
  { action: "toggle-deleted", keys: ["d"], help: "only deleted files, or all" },
] as const satisfies readonly Binding[];

export const FOUND_KEYS = [
  { action: "show-in-files", keys: ["f"], help: "show it among the files of its directory" },
] as const satisfies readonly Binding[];

export const MOUNTS_KEYS = [] as const satisfies readonly Binding[];

export const SANDBOXES_KEYS = [
  { action: "open-files", keys: ["O"], help: "processes and what they have open" },
  { action: "mounts", keys: ["M"], help: "mounts" },
] as const satisfies readonly Binding[];
