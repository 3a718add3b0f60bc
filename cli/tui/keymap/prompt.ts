import type { Binding } from "./binding.ts";

/** Keys of a prompt: the most used ones of readline. */
export const PROMPT_KEYS = [
  { action: "accept", keys: ["enter"], help: "accept the line", hint: "accept" },
  { action: "give-up", keys: ["escape", "ctrl-g"], help: "cancel", hint: "cancel" },
  { action: "complete", keys: ["tab"], help: "complete; again: the next completion", hint: "complete" },
  {
    action: "recall-older",
    keys: ["up", "ctrl-p"],
    help: "previous line of the history, or up",
    hint: "previous line",
  },
  { action: "recall-newer", keys: ["down", "ctrl-n"], help: "next line of the history, or down" },
  { action: "erase", keys: ["backspace"], help: "erase; in an empty line: cancel" },
  { action: "erase-under", keys: ["delete", "ctrl-d"], help: "erase the character at the cursor" },
  { action: "cursor-left", keys: ["left", "ctrl-b"], help: "to the left" },
  { action: "cursor-right", keys: ["right", "ctrl-f"], help: "to the right" },
  { action: "cursor-start", keys: ["home", "ctrl-a"], help: "to the beginning" },
  { action: "cursor-end", keys: ["end", "ctrl-e"], help: "to the end" },
  { action: "erase-before", keys: ["ctrl-u"], help: "erase to the start of the line", hint: "erase to start" },
  { action: "erase-after", keys: ["ctrl-k"], help: "erase to the end of the line" },
  { action: "erase-word", keys: ["ctrl-w"], help: "erase a word", hint: "erase a word" },
] as const satisfies readonly Binding[];
