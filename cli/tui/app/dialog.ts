import { actionFor, type Keymap } from "../keymap/keymap.ts";
import type { KeyEvent } from "../keymap/keys.ts";
import type { Question } from "../view.ts";

/** A question while it is asked. Enter takes the focused answer, which is no until it is moved. */
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

  /** Takes a key. Returns the answer if it gives one. */
  take(event: KeyEvent): boolean | undefined {
    // A paste is typed text that was meant for something else.
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
