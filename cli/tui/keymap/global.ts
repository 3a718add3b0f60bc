import type { Binding } from "./binding.ts";

/** Keys that hold everywhere, unless a view has a use of its own for them. */
export const GLOBAL_KEYS = [
  { action: "help", keys: ["?", "h", "f1"], help: "this help" },
  { action: "command", keys: [":"], help: "a command by its name; Tab completes" },
  { action: "back", keys: ["q"], help: "back to where this was opened; quit from the first" },
  { action: "quit", keys: ["Q"], help: "quit" },
  { action: "containers", keys: ["C"], help: "containers" },
  { action: "files-here", keys: ["."], help: "the files where this one lies" },
  { action: "open-files", keys: ["O"], help: "processes and what they have open" },
  { action: "mounts", keys: ["M"], help: "mounts" },
  { action: "next-tab", keys: ["tab"], help: "next tab" },
  { action: "previous-tab", keys: ["backtab"], help: "previous tab" },
  { action: "close-tab", keys: ["ctrl-w"], help: "close the tab" },
  { action: "mouse", keys: ["alt-m"], help: "mouse: wheel and clicks here, or the terminal's own" },
  { action: "redraw", keys: ["ctrl-l", "r"], help: "draw the screen again" },
  { action: "suspend", keys: ["ctrl-z"], help: "suspend, `fg` comes back" },
  { action: "interrupt", keys: ["ctrl-c"], help: "quit with status 130" },
] as const satisfies readonly Binding[];
