import type { Binding } from "./binding.ts";

/**
 * Keys that pass bytes to other programs: the marked range, the visible lines, or in a list the
 * selected file.
 */
export const OUT_KEYS = [
  { action: "pipe", keys: ["|"], help: "pipe the range or screen to a command", hint: "pipe", needs: "selection" },
  { action: "run", keys: ["!"], help: "run a command on the file, named {}", hint: "run", needs: "selection" },
  { action: "edit", keys: ["v"], help: "view in $VISUAL or $EDITOR, read-only", hint: "editor", needs: "selection" },
  { action: "copy", keys: ["y"], help: "copy the range or screen (OSC 52)", hint: "copy" },
  { action: "save", keys: ["W"], help: "save the range or screen to a new file", hint: "save", needs: "selection" },
] as const satisfies readonly Binding[];
