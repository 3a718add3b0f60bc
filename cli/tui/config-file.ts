import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { messageOf, PortholeError } from "../../src/errors.ts";
import type { ThemeChoice } from "./canvas/theme.ts";

/** The settings that the first page of a text needs. */
export interface Looks {
  theme: ThemeChoice;
  /** Enables the mouse at start. */
  mouse: boolean;
  /** Shows a scroll bar beside texts. */
  scrollBar: boolean;
}

export const DEFAULT_LOOKS: Looks = { theme: { name: "auto", parts: {} }, mouse: true, scrollBar: true };

/**
 * Reads the user's config file without decoding it; undefined if there is none.
 * @throws PortholeError USAGE if it cannot be read
 */
export function readConfigFile(environment: NodeJS.ProcessEnv): { path: string; text: string } | undefined {
  const path = configPath(environment);
  try {
    return { path, text: readFileSync(path, "utf8") };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new PortholeError("USAGE", `cannot read ${path}: ${messageOf(error)}`, { errno: code, cause: error });
  }
}

/** Ignores a relative path in XDG_CONFIG_HOME (XDG Base Directory Specification). */
function configPath({ XDG_CONFIG_HOME, HOME }: NodeJS.ProcessEnv): string {
  const base = XDG_CONFIG_HOME?.startsWith("/") ? XDG_CONFIG_HOME : `${HOME || homedir()}/.config`;
  return `${base}/porthole/config.json`;
}
