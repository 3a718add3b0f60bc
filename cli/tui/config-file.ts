import { readFileSync } from "node:fs";
import { homeDirectory } from "../../src/engines/index.ts";
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
function configPath(environment: NodeJS.ProcessEnv): string {
  const { XDG_CONFIG_HOME } = environment;
  const base = XDG_CONFIG_HOME?.startsWith("/") ? XDG_CONFIG_HOME : `${homeDirectory(environment) ?? ""}/.config`;
  return `${base}/porthole/config.json`;
}
