import { colourDepth } from "../../canvas/colour-depth.ts";
import { isLightColour, type Theme, type ThemeChoice, type ThemePart } from "../../canvas/theme.ts";
import { isLightBy, themeIn } from "../../canvas/theme-by-environment.ts";
import { ASK_BACKGROUND, type BackgroundReport } from "../../keymap/keys.ts";
import type { Terminal } from "./terminal.ts";

/** Milliseconds that surfaces wait for the terminal's answer. A later answer is still used. */
const DEADLINE_MS = 150;

/**
 * The theme for this terminal. The object stays the same when an answer changes its content,
 * because views keep it.
 */
export class TerminalTheme {
  readonly theme: Theme;
  readonly #choice: ThemeChoice;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #changed: () => void;
  #isAsked = false;
  #isLight: boolean | undefined;
  #answer: () => void = () => {};
  readonly #answered = new Promise<void>((resolve) => {
    this.#answer = resolve;
  });

  /** `changed` is called when the colours change. */
  constructor(choice: ThemeChoice, environment: NodeJS.ProcessEnv, changed: () => void) {
    this.#choice = choice;
    this.#environment = environment;
    this.#changed = changed;
    this.#isLight = isLightBy(environment);
    this.theme = this.#made();
  }

  /**
   * Requests the background if the theme depends on it. Skips the Linux console, which displays
   * unknown sequences.
   */
  ask(terminal: Terminal): void {
    const { NO_COLOR, TERM } = this.#environment;
    const depth = colourDepth(this.#environment);
    const depends = this.#choice.name === "auto" && (depth === 256 || depth === "all");
    if (!depends || NO_COLOR || TERM === "linux") return;
    this.#isAsked = true;
    terminal.write(ASK_BACKGROUND);
  }

  /** Resolves with the answer, or at the deadline. */
  async known(): Promise<void> {
    if (!this.#isAsked) return;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DEADLINE_MS);
    });
    await Promise.race([this.#answered, deadline]);
    clearTimeout(timer);
  }

  answered(report: BackgroundReport): void {
    this.#answer();
    const isLight = isLightColour(report);
    if (!this.#isAsked || isLight === this.#isLight) return;
    this.#isLight = isLight;
    Object.assign(this.theme as Record<ThemePart, string>, this.#made());
    this.#changed();
  }

  #made(): Theme {
    return { ...themeIn(this.#environment, this.#choice, this.#isLight) };
  }
}
