import type { Binding } from "./binding.ts";

/** Keys of every list. */
export const LIST_KEYS = [
  { action: "item-down", keys: ["j", "down", "ctrl-n"], help: "next", isMove: true },
  { action: "item-up", keys: ["k", "up", "ctrl-p"], help: "previous", isMove: true },
  { action: "items-page-down", keys: ["pagedown", "ctrl-f", "ctrl-d", " "], help: "a page down", isMove: true },
  { action: "items-page-up", keys: ["pageup", "ctrl-b", "ctrl-u", "b"], help: "a page up", isMove: true },
  { action: "first-item", keys: ["g", "home", "<"], help: "to the first item", isMove: true },
  { action: "last-item", keys: ["G", "end", ">"], help: "to the last item", isMove: true },
  {
    action: "open",
    keys: ["enter", "right", "l"],
    help: "open the selected item",
    hint: "open",
    isMain: true,
    needs: "selection",
  },
  {
    action: "filter",
    keys: ["/"],
    help: "show only items with these words",
    hint: "filter",
    isMain: true,
    needs: "items",
  },
  { action: "open-in-tab", keys: ["t"], help: "open in a new tab", hint: "tab", needs: "selection" },
  { action: "refresh", keys: ["r", "ctrl-r", "f5"], help: "reload" },
  { action: "cancel", keys: ["escape"], help: "remove the filter, or go back" },
] as const satisfies readonly Binding[];

export const CONTAINERS_KEYS = [
  {
    action: "output",
    keys: ["L"],
    help: "output (logs) of selected or marked ones",
    hint: "output",
    needs: "selection",
  },
  { action: "mark", keys: [" "], help: "mark a container", hint: "mark", needs: "selection" },
  { action: "open-files", keys: ["O"], help: "processes and their open files", hint: "open files", needs: "selection" },
  { action: "follow-marked", keys: ["F"], help: "follow what is marked, or this output" },
  { action: "mounts", keys: ["M"], help: "mounts and their sources", hint: "mounts", needs: "selection" },
  {
    action: "toggle-preview",
    keys: ["P"],
    help: "details of the selected container",
    hint: "details",
    needs: "selection",
  },
  {
    action: "grep",
    keys: ["*", "alt-f"],
    help: "search files of the running containers",
    hint: "grep",
    needs: "selection",
  },
  { action: "fold", keys: ["z"], help: "fold or unfold the project", hint: "fold", needs: "items" },
  { action: "fold-all", keys: ["Z"], help: "fold or unfold all projects" },
  { action: "toggle-stopped", keys: ["a"], help: "show or hide stopped containers" },
  { action: "sandboxes", keys: ["B"], help: "sandboxes without an engine", hint: "sandboxes" },
] as const satisfies readonly Binding[];

export const FILES_KEYS = [
  { action: "parent", keys: ["h", "left", "backspace"], help: "to the parent directory", hint: "up" },
  { action: "mark", keys: [" "], help: "mark a file, in any container", hint: "mark", needs: "selection" },
  {
    action: "follow-marked",
    keys: ["F"],
    help: "follow the marked files, or this one",
    hint: "follow",
    needs: "selection",
  },
  { action: "rotated", keys: ["alt-r"], help: "a log with its earlier, rotated files" },
  { action: "find", keys: ["f"], help: "find files below by name, or *.log", hint: "find" },
  { action: "grep", keys: ["*", "alt-f"], help: "search the contents of the files below", hint: "grep" },
  { action: "goto-path", keys: ["p"], help: "go to a path; // starts at the root", hint: "path" },
  { action: "sort", keys: ["s"], help: "sort by the next column, or by kind", hint: "sort", needs: "items" },
  { action: "sort-reverse", keys: ["S"], help: "reverse the order" },
  { action: "toggle-hidden", keys: ["a"], help: "show or hide hidden files", hint: "all" },
  { action: "toggle-preview", keys: ["P"], help: "preview of the selected file", hint: "preview", needs: "selection" },
  { action: "preview-down", keys: ["alt-down", "alt-j"], help: "scroll the preview down", isMove: true },
  { action: "preview-up", keys: ["alt-up", "alt-k"], help: "scroll the preview up", isMove: true },
  { action: "backward", keys: ["alt-left", "alt-h"], help: "back to the previous directory" },
  { action: "forward", keys: ["alt-right", "alt-l"], help: "forward again" },
] as const satisfies readonly Binding[];

export const OPEN_FILES_KEYS = [
  { action: "toggle-deleted", keys: ["D"], help: "show only deleted files, or all", hint: "deleted" },
] as const satisfies readonly Binding[];

export const FOUND_KEYS = [
  {
    action: "show-in-files",
    keys: ["."],
    help: "the files of its directory",
    hint: "its directory",
    needs: "selection",
  },
] as const satisfies readonly Binding[];

export const MOUNTS_KEYS = [] as const satisfies readonly Binding[];

export const SANDBOXES_KEYS = [
  { action: "open-files", keys: ["O"], help: "processes and their open files", hint: "open files", needs: "selection" },
  { action: "mounts", keys: ["M"], help: "mounts and their sources", hint: "mounts", needs: "selection" },
] as const satisfies readonly Binding[];
