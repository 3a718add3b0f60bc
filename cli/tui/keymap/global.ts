import type { Binding } from "./binding.ts";

/** Keys of every view, unless a view overrides them. */
export const GLOBAL_KEYS = [
  { action: "help", keys: ["?", "f1"], help: "every key of this view", hint: "help" },
  { action: "command", keys: [":", "ctrl-k"], help: "palette: actions, containers, files", hint: "palette" },
  { action: "back", keys: ["q"], help: "back; from the first view, quit", hint: "back" },
  { action: "quit", keys: ["Q"], help: "quit from any view" },
  { action: "containers", keys: ["C"], help: "list of containers" },
  { action: "files-here", keys: ["."], help: "the files of its directory" },
  { action: "open-files", keys: ["O"], help: "processes and their open files" },
  { action: "mounts", keys: ["M"], help: "mounts and their sources" },
  { action: "next-tab", keys: ["tab"], help: "next tab" },
  { action: "previous-tab", keys: ["backtab"], help: "previous tab" },
  { action: "close-tab", keys: ["ctrl-w"], help: "close the tab" },
  { action: "mouse", keys: ["alt-m"], help: "turn the mouse on or off" },
  { action: "redraw", keys: ["ctrl-l", "r"], help: "redraw the screen" },
  { action: "suspend", keys: ["ctrl-z"], help: "suspend; `fg` resumes" },
  { action: "interrupt", keys: ["ctrl-c"], help: "quit with status 130" },
] as const satisfies readonly Binding[];
