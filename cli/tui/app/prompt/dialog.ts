import { actionFor, type Keymap } from "../../keymap/keymap.ts";
import type { KeyEvent } from "../../keymap/keys.ts";
import type { Question } from "../../view/view.ts";

/**
 * A pending question. Enter chooses the focused answer, which is "no" until the user moves the
 * focus.
 */
export class Dialog {
  readonly question: Question;
  readonly #keymap: Keymap;
  #isYes = false;

  constructor(question: Question, keymap: Keymap) {
    this.question = question;
    this.#keymap = keymap;
  }

  /** The answer that has the focus. */
  get isYes(): boolean {
    return this.#isYes;
  }

  /** Handles a key. Returns the user's answer; undefined while the question is open. */
  take(event: KeyEvent): boolean | undefined {
    // Ignore a paste: the user meant it for a prompt.
    if (event.kind !== "key") return undefined;
    if (event.key === "y" || event.key === "n") return event.key === "y";
    switch (actionFor(event.key, ["prompt"], this.#keymap)) {
      case "accept":
        return this.#isYes;
      case "give-up":
        return false;
      case "complete":
      case "cursor-left":
      case "cursor-right":
        this.#isYes = !this.#isYes;
    }
    return undefined;
  }
}
