import type { Action } from "../../keymap/keymap.ts";
import type { KeyEvent } from "../../keymap/keys.ts";
import { helpAction } from "../../ui/help.ts";
import type { Dialog } from "./dialog.ts";
import type { PromptLine } from "./prompt-line.ts";

/** The prompt, the dialog and the help. They receive keys before the view does. */
export class Overlays {
  prompt: PromptLine | undefined;
  dialog: Dialog | undefined;
  /** Visible page of the help. */
  help: number | undefined;

  get isEmpty(): boolean {
    return this.prompt === undefined && this.help === undefined && this.dialog === undefined;
  }

  /** Passes an event to the dialog or the prompt. False if neither is open. */
  take(event: KeyEvent): boolean {
    const { dialog, prompt } = this;
    if (dialog) {
      const answer = dialog.take(event);
      if (answer !== undefined) this.answer(answer);
    } else if (prompt) this.#run(prompt, () => prompt.take(event));
    return dialog !== undefined || prompt !== undefined;
  }

  /** Chooses an entry of the prompt's list. */
  pick(index: number): void {
    const { prompt } = this;
    if (prompt) this.#run(prompt, () => prompt.pick(index));
  }

  answer(isYes: boolean): void {
    const { dialog } = this;
    this.dialog = undefined;
    dialog?.question.answered(isYes);
  }

  /**
   * Handles an action while the help is visible: turns its page or closes it. False if the action
   * has its usual effect.
   */
  turnHelp(action: Action): boolean {
    if (this.help === undefined) return false;
    const { page, isTaken } = helpAction(this.help, action);
    this.help = page;
    return isTaken;
  }

  /** Runs `take`, and removes the prompt if that returns true. */
  #run(prompt: PromptLine, take: () => boolean): void {
    // Remove the prompt first: the answer may ask the next question.
    this.prompt = undefined;
    if (!take() && this.prompt === undefined) this.prompt = prompt;
  }
}
