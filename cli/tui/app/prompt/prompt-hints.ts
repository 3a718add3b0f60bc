import type { KeyHints } from "../../keymap/hints.ts";
import { type Action, type Keymap, keyLabel } from "../../keymap/keymap.ts";
import type { PromptRequest } from "../../view/view.ts";

/** The part of a prompt that determines what its keys do. */
export interface HintedPrompt {
  question: PromptRequest;
  /** True if the history has a line for it. */
  hasHistory: boolean;
}

/** Returns the keys of a prompt that have an effect in it, each with that effect. */
export function promptHints(prompt: HintedPrompt, keymap: Keymap): KeyHints {
  const here = keymap.prompt.flatMap(({ action, keys: [key], hint }) => {
    const text = effectOf(action, hint, prompt);
    return key === undefined || text === undefined ? [] : [{ key: keyLabel(key), text, press: key }];
  });
  return { here, everywhere: [] };
}

function effectOf(action: Action, hint: string | undefined, { question, hasHistory }: HintedPrompt) {
  switch (action) {
    case "accept":
      return question.enter;
    case "give-up":
      return question.escape ?? hint;
    case "complete":
      return question.complete && hint;
    case "recall-older":
      return question.choices === undefined && hasHistory ? hint : undefined;
    case "recall-newer":
      return question.choices && "next entry";
    default:
      return hint;
  }
}
