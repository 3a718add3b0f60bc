import type { Binding } from "./binding.ts";

/** Keys that hand bytes to something else: the marked range or the lines on the screen, in a list the selected file. */
export const OUT_KEYS = [
  { action: "pipe", keys: ["|"], help: "pipe the marked range, or the screen, to a command" },
  { action: "run", keys: ["!"], help: "run a command on the file: {} is its path" },
  { action: "edit", keys: ["v"], help: "$VISUAL or $EDITOR on the file, read-only" },
  { action: "copy", keys: ["y"], help: "copy the marked range, or the screen (OSC 52)" },
  { action: "save", keys: ["s"], help: "save the marked range, or the screen, to a new file" },
] as const satisfies readonly Binding[];
