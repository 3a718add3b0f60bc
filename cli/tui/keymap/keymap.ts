import type { Binding } from "./binding.ts";
import { GLOBAL_KEYS } from "./global.ts";
import {
  CONTAINERS_KEYS,
  FILES_KEYS,
  FOUND_KEYS,
  LIST_KEYS,
  MOUNTS_KEYS,
  OPEN_FILES_KEYS,
  SANDBOXES_KEYS,
} from "./lists.ts";
import { OUT_KEYS } from "./out.ts";
import { PROMPT_KEYS } from "./prompt.ts";
import { MERGED_KEYS, VIEWER_KEYS } from "./viewer.ts";

export type { Binding } from "./binding.ts";

/** The key table, by context. It drives the input and generates the help. */
const TABLE = {
  global: GLOBAL_KEYS,
  viewer: VIEWER_KEYS,
  merged: MERGED_KEYS,
  out: OUT_KEYS,
  list: LIST_KEYS,
  containers: CONTAINERS_KEYS,
  files: FILES_KEYS,
  "files-open": OPEN_FILES_KEYS,
  found: FOUND_KEYS,
  mounts: MOUNTS_KEYS,
  sandboxes: SANDBOXES_KEYS,
  prompt: PROMPT_KEYS,
};

/** A context of keys. */
export type Context = keyof typeof TABLE;

/** The name of an action. */
export type Action = (typeof TABLE)[Context][number]["action"];

/**
 * Returns the key of an action in the notation of the help; its command if the action has no key.
 */
export type KeyOf = (action: Action) => string;

export interface ActionBinding extends Binding {
  action: Action;
}

export type Keymap = Readonly<Record<Context, readonly ActionBinding[]>>;

export const KEYMAP: Keymap = TABLE;

/** Names of the contexts in the help. */
export const CONTEXT_NAMES: Readonly<Record<Context, string>> = {
  global: "Everywhere",
  viewer: "Text",
  merged: "Merged text",
  out: "To other programs",
  list: "Lists",
  containers: "Containers",
  files: "Files",
  "files-open": "Open files",
  found: "Found",
  mounts: "Mounts",
  sandboxes: "Sandboxes",
  prompt: "In a prompt",
};

/** Returns the action of a key in `contexts`, narrowest first. `global` comes last. */
export function actionFor(key: string, contexts: readonly Context[], keymap: Keymap = KEYMAP): Action | undefined {
  // A prompt receives all keys.
  const everywhere = contexts[0] === "prompt" ? [] : (["global"] as const);
  for (const context of [...contexts, ...everywhere]) {
    const binding = keymap[context].find(({ keys }) => keys.includes(key));
    if (binding) return binding.action;
  }
  return undefined;
}

const NAMES: Readonly<Record<string, string>> = {
  " ": "Space",
  up: "Up",
  down: "Down",
  left: "Left",
  right: "Right",
  enter: "Enter",
  escape: "Esc",
  home: "Home",
  end: "End",
  pageup: "PgUp",
  pagedown: "PgDn",
  tab: "Tab",
  backtab: "Shift-Tab",
  backspace: "Backspace",
  delete: "Del",
  insert: "Ins",
};

/** Returns the name of a key for the help. */
export function keyLabel(key: string): string {
  const control = /^ctrl-(.)$/.exec(key)?.[1];
  if (control) return `^${control.toUpperCase()}`;
  const alt = /^alt-(.+)$/.exec(key)?.[1];
  if (alt) return `Alt-${keyLabel(alt)}`;
  return NAMES[key] ?? (/^f\d+$/.test(key) ? key.toUpperCase() : key);
}
