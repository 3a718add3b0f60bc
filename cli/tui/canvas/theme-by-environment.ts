import { colourDepth } from "./colour-depth.ts";
import { type Theme, type ThemeChoice, themeFor } from "./theme.ts";

/**
 * Returns the theme for a terminal that these variables describe. `isLight`: its background, if it
 * is known.
 */
export function themeIn(environment: NodeJS.ProcessEnv, choice: ThemeChoice, isLight = isLightBy(environment)): Theme {
  return themeFor(choice, { depth: colourDepth(environment), isPlain: Boolean(environment.NO_COLOR), isLight });
}

/**
 * True if COLORFGBG, as rxvt and Konsole set it, describes a light background. Its last number is
 * the background; 7 and 15 are light.
 */
export function isLightBy({ COLORFGBG }: NodeJS.ProcessEnv): boolean | undefined {
  const background = /;(\d+)$/.exec(COLORFGBG ?? "")?.[1];
  return background === undefined ? undefined : background === "7" || background === "15";
}
