import type { Binding } from "./binding.ts";

/** Keys that hold everywhere, unless a view has a use of its own for them. */
export const GLOBAL_KEYS = [
  { action: "help", keys: ["?", "h", "f1"], help: "this help" },
  { action: "back", keys: ["q"], help: "back to where this was opened; quit from the first" },
  { action: "quit", keys: ["Q"], help: "quit" },
  { action: "redraw", keys: ["ctrl-l", "r"], help: "draw the screen again" },
  { action: "suspend", keys: ["ctrl-z"], help: "suspend, `fg` comes back" },
  { action: "interrupt", keys: ["ctrl-c"], help: "quit with status 130" },
] as const satisfies readonly Binding[];
