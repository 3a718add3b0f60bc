import { PortholeError } from "../../src/errors.ts";
import {
  THEME_NAMES,
  THEME_PARTS,
  type Theme,
  type ThemeChoice,
  type ThemeName,
  type ThemePart,
} from "./canvas/theme.ts";
import { DEFAULT_LOOKS, type Looks, readConfigFile } from "./config-file.ts";
import { type Context, KEYMAP, type Keymap } from "./keymap/keymap.ts";

/** The user's settings. */
export interface Config extends Looks {
  keymap: Keymap;
  hidden: boolean;
  /** Shows the content of the selected file beside the list, if there is room. */
  preview: boolean;
  /** Shows details of the selected container beside the list, if there is room. */
  details: boolean;
}

export const DEFAULT_CONFIG: Config = {
  ...DEFAULT_LOOKS,
  keymap: KEYMAP,
  hidden: false,
  preview: true,
  details: true,
};

/**
 * Reads `$XDG_CONFIG_HOME/porthole/config.json` (by default below `~/.config`). Missing keys, or a
 * missing file, mean the defaults.
 * @throws PortholeError USAGE with the file, the key and the problem
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const file = readConfigFile(environment);
  if (file === undefined) return DEFAULT_CONFIG;
  try {
    return decodeConfig(file.text);
  } catch (error) {
    throw new PortholeError("USAGE", `${file.path}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/**
 * Decodes the text of a config file. Pure.
 * @throws Error with the key and the problem
 */
export function decodeConfig(text: string): Config {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`invalid JSON: ${(error as Error).message}`);
  }
  const config = { ...DEFAULT_CONFIG };
  for (const [key, part] of Object.entries(objectAt("the file", value))) {
    if (key === "keys") config.keymap = decodeKeys(part);
    else if (key === "theme") config.theme = decodeTheme(part);
    else if (key === "mouse" || key === "hidden" || key === "preview" || key === "details")
      config[key] = booleanAt(key, part);
    else if (key === "scroll-bar") config.scrollBar = booleanAt(key, part);
    else throw unknown(key, ["keys", "theme", "mouse", "hidden", "preview", "details", "scroll-bar"]);
  }
  return config;
}

/**
 * Decodes `{ "viewer": { "line-down": ["j", "down"] } }`. A list replaces the keys of an action; an
 * empty list removes them.
 */
function decodeKeys(value: unknown): Keymap {
  const keymap: Record<string, Keymap[Context]> = { ...KEYMAP };
  for (const [context, part] of Object.entries(objectAt("keys", value))) {
    // Inherited properties such as `constructor` are not contexts.
    const before = Object.hasOwn(KEYMAP, context) ? keymap[context] : undefined;
    if (before === undefined) throw unknown(`keys.${context}`, Object.keys(KEYMAP));
    const bindings = before.map((binding) => ({ ...binding }));
    for (const [action, keys] of Object.entries(objectAt(`keys.${context}`, part))) {
      const binding = bindings.find((one) => one.action === action);
      if (binding === undefined)
        throw unknown(
          `keys.${context}.${action}`,
          bindings.map((one) => one.action),
        );
      binding.keys = keysAt(`keys.${context}.${action}`, keys);
      // A reassigned key loses its old action.
      for (const other of bindings)
        if (other !== binding) other.keys = other.keys.filter((key) => !binding.keys.includes(key));
    }
    keymap[context] = bindings;
  }
  return keymap as Keymap;
}

const NAMED =
  /^(up|down|left|right|home|end|pageup|pagedown|insert|delete|enter|escape|tab|backtab|backspace|f[1-9]|f1[0-2]|ctrl-space)$/;

/** The key that terminals report for each of these combinations (ASCII). */
const SENT: Readonly<Record<string, string>> = {
  "ctrl-h": "backspace",
  "ctrl-i": "tab",
  "ctrl-j": "enter",
  "ctrl-m": "enter",
};

function keysAt(where: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.some((key) => typeof key !== "string"))
    throw new Error(`${where} must be an array of keys, such as ["j", "down"]`);
  for (const key of value as string[]) {
    const sent = SENT[key];
    if (sent !== undefined)
      throw new Error(`${where}: '${key}' is not a key of its own: terminals send ${sent} for it`);
    if (/^\d$/.test(key) && /^keys\.(viewer|out)\./.test(where))
      throw new Error(`${where}: '${key}' is not a key there: digits are counts`);
    const bare = key.replace(/^alt-(?=.)/, "");
    const isKey = [...bare].length === 1 || NAMED.test(bare) || /^ctrl-[a-z\\\]^_]$/.test(key);
    if (!isKey)
      throw new Error(
        `${where}: '${key}' is not a key: a character, ctrl-x, alt-x, or up, down, enter, escape, tab, f1 ...`,
      );
  }
  return value as string[];
}

/** A theme's name, or an object with `name` and styles of parts. */
function decodeTheme(value: unknown): ThemeChoice {
  if (typeof value === "string") return { name: themeName("theme", value), parts: {} };
  let name: ThemeChoice["name"] = "auto";
  const parts: Partial<Record<ThemePart, string>> = {};
  for (const [part, style] of Object.entries(objectAt("theme", value))) {
    if (part === "name") name = themeName("theme.name", style);
    else if ((THEME_PARTS as readonly string[]).includes(part))
      parts[part as ThemePart] = styleAt(`theme.${part}`, style);
    else throw unknown(`theme.${part}`, ["name", ...THEME_PARTS]);
  }
  return { name, parts: parts as Partial<Theme> };
}

function themeName(where: string, value: unknown): ThemeName | "auto" {
  const names: readonly unknown[] = ["auto", ...THEME_NAMES];
  if (!names.includes(value)) throw new Error(`${where} must be one of ${names.join(", ")}`);
  return value as ThemeName | "auto";
}

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ["bold", "1"],
  ["dim", "2"],
  ["italic", "3"],
  ["underline", "4"],
  ["reverse", "7"],
]);

/**
 * Converts `bold cyan`, `reverse`, `bright-red on-black`, `#ff8800` to SGR parameters; empty for
 * plain.
 */
function styleAt(where: string, value: unknown): string {
  if (typeof value !== "string") throw new Error(`${where} must be a string, such as "bold cyan"`);
  return value
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => {
      const [, on, bright, colour = word] = /^(on-)?(bright-)?(.*)$/.exec(word) ?? [];
      const [, red, green, blue] = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour) ?? [];
      if (red !== undefined && green !== undefined && blue !== undefined && bright === undefined)
        return [on ? 48 : 38, 2, ...[red, green, blue].map((part) => Number.parseInt(part, 16))].join(";");
      const index = COLOURS.indexOf(colour);
      if (index !== -1) return String(index + (bright ? 90 : 30) + (on ? 10 : 0));
      const attribute = ATTRIBUTES.get(word);
      if (attribute !== undefined) return attribute;
      throw new Error(
        `${where}: '${word}' must be one of ${[...ATTRIBUTES.keys(), ...COLOURS].join(", ")}, bright-COLOUR, on-COLOUR, #rrggbb`,
      );
    })
    .join(";");
}

function objectAt(where: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${where} must be an object, such as { "name": ... }`);
  return value as Record<string, unknown>;
}

function booleanAt(where: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new Error(`${where} must be true or false`);
  return value;
}

function unknown(where: string, known: readonly string[]): Error {
  return new Error(`${where} is unknown; known are ${known.join(", ")}`);
}
