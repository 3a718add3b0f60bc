import type { Growth } from "../document/growth.ts";
import type { ViewerText } from "../rows/viewer-text.ts";

export type FollowState = "off" | "on" | "paused";

export interface FollowModeOptions {
  /** False if the file cannot be followed. */
  canFollow: boolean;
  say(message: string): void;
}

/**
 * Keeps the screen at the end of the file. Scrolling away from the end pauses the follow. Going to
 * the end resumes it.
 */
export class FollowMode {
  readonly #text: ViewerText;
  readonly #growth: Growth;
  readonly #options: FollowModeOptions;
  #state: FollowState = "off";
  /** Number of lines at the time of the pause. */
  #pausedAt = 0;

  constructor(text: ViewerText, growth: Growth, options: FollowModeOptions) {
    this.#text = text;
    this.#growth = growth;
    this.#options = options;
  }

  get state(): FollowState {
    return this.#state;
  }

  get isOn(): boolean {
    return this.#state === "on";
  }

  /** Number of lines since the pause. */
  get news(): number {
    return this.#growth.lines - this.#pausedAt;
  }

  toggle(): void {
    if (!this.#options.canFollow) {
      this.#options.say("cannot follow: this is not a file that grows");
      return;
    }
    this.#state = this.isOn ? "off" : "on";
    if (this.isOn) this.toEnd();
  }

  /** Shows the last page and resumes a paused follow. */
  toEnd(): void {
    this.#text.toEnd();
    if (this.#state === "paused") this.#state = "on";
  }

  scroll(rows: number): void {
    const { viewport } = this.#text;
    viewport.scroll(rows);
    if (rows < 0) this.moved();
    else if (rows > 0 && this.#state === "paused" && viewport.atEnd()) this.#state = "on";
  }

  /** Called when the position has changed. Pauses the follow unless the position is at the end. */
  moved(): void {
    if (!this.isOn || this.#text.viewport.atEnd()) return;
    this.#state = "paused";
    this.#pausedAt = this.#growth.lines;
  }
}
