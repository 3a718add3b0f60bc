import { actionFor, type Keymap } from "../../keymap/keymap.ts";
import type { KeyEvent } from "../../keymap/keys.ts";
import { editPrompt, MAX_CHARACTERS, type PromptState, promptOf } from "../../ui/prompt.ts";
import type { Choice, PromptRequest } from "../../view/view.ts";

/** Maximum number of completions in the hint. */
const MAX_OFFERED = 100;

/** Maximum number of history lines for each kind of question. */
const MAX_REMEMBERED = 100;

/** A pending prompt: the line, its completions and its history. */
export class PromptLine {
  readonly question: PromptRequest;
  readonly #changed: () => void;
  readonly #keymap: Keymap;
  /** History of this label, most recent first. */
  readonly #before: string[];
  #recalled = -1;
  #typed = "";
  /**
   * The reason why the last Enter was refused, or a hint about what to type. The next key clears
   * it.
   */
  #refusal: string | undefined;
  #state: PromptState;
  /** Completions, while Tab cycles through them. */
  #offered: { all: readonly string[]; at: number } | undefined;
  /** Aborts the pending completion when the line changes. */
  #completing: AbortController | undefined;
  /** Entries for the line; undefined after a change. The next frame requests them again. */
  #listed: readonly Choice[] | undefined;
  /** Index of the entry that the user has selected; undefined without a selection. */
  #chosen: number | undefined;

  constructor(question: PromptRequest, before: string[], keymap: Keymap, changed: () => void) {
    this.question = question;
    this.#before = before;
    this.#keymap = keymap;
    this.#changed = changed;
    this.#state = promptOf(question.text ?? "");
    question.opened?.(() => this.#listAgain());
  }

  get hasHistory(): boolean {
    return this.#before.length > 0;
  }

  get state(): PromptState {
    return this.#state;
  }

  /**
   * Entries for the line, and the index of the entry that Enter takes. In an empty line, Enter
   * takes no entry until the user selects one. Undefined for a question without a list.
   */
  get choices(): { all: readonly Choice[]; at: number | undefined } | undefined {
    if (!this.question.choices) return undefined;
    // Computed once per frame, not per key: keys of a paste arrive faster.
    this.#listed ??= this.question.choices(this.text);
    const at = this.#chosen ?? (this.text.trim() === "" ? undefined : 0);
    return { all: this.#listed, at: at !== undefined && at < this.#listed.length ? at : undefined };
  }

  /** Moves the selection, up to the ends of the list. */
  choose(by: number): void {
    const { all, at } = this.choices ?? { all: [], at: undefined };
    const to = Math.min((at ?? -1) + by, all.length - 1);
    this.#chosen = to < 0 ? undefined : to;
  }

  /** Takes an entry by its index. True if the entry answers the prompt. */
  pick(index: number): boolean {
    const choice = this.choices?.all[index];
    return choice !== undefined && this.#take(choice);
  }

  /**
   * The hint after the line: why Enter was refused, the completions, or a note that the line is
   * full.
   */
  get hint(): string {
    if (this.#refusal !== undefined) return this.#refusal;
    if (this.#state.characters.length >= MAX_CHARACTERS) return `full: ${MAX_CHARACTERS} characters`;
    const { all, at } = this.#offered ?? { all: [], at: -1 };
    // Shows only the part of a long list that fits in a row, including the current entry.
    const from = Math.max(0, at + 1 - MAX_OFFERED);
    return all
      .slice(from, from + MAX_OFFERED)
      .map((one, index) => (from + index === at ? `[${lastPart(one)}]` : lastPart(one)))
      .join("  ");
  }

  /** Handles a key. True if the prompt is answered or cancelled. */
  take(event: KeyEvent): boolean {
    if (event.kind === "mouse") return false;
    this.#refusal = undefined;
    const action = event.kind === "key" ? actionFor(event.key, ["prompt"], this.#keymap) : undefined;
    if (action === "complete") {
      this.#complete();
      return false;
    }
    if (action === "recall-older" || action === "recall-newer") {
      this.#goThrough(action === "recall-older" ? 1 : -1);
      return false;
    }
    const was = this.#state;
    const result = editPrompt(was, event, this.#keymap);
    if (result.kind === "typing") {
      this.#offered = undefined;
      this.#state = result.state;
      // Compares no text if nothing was edited: a full line may get a million keys of a paste.
      if (result.state.characters !== was.characters && this.text !== was.characters.join("")) {
        if (this.question.choices) this.#recalled = -1;
        this.#changedTo(this.text);
      }
      return false;
    }
    if (result.kind === "done") {
      const { all, at } = this.choices ?? { all: [], at: undefined };
      const choice = at === undefined ? undefined : all[at];
      if (choice) return this.#take(choice);
      this.#refusal = this.question.check?.(result.text);
      if (this.#refusal !== undefined) return false;
    }
    this.#stopCompleting();
    if (result.kind === "done") {
      this.#remember(result.text);
      this.question.done(result.text);
    } else this.question.cancelled?.();
    return true;
  }

  get text(): string {
    return this.#state.characters.join("");
  }

  /** Chooses an entry. True if the entry answers the prompt. */
  #take(choice: Choice): boolean {
    if (choice.isBeginning) {
      this.#put(choice.line);
      this.#refusal = choice.detail;
      return false;
    }
    this.#stopCompleting();
    this.#remember(choice.line);
    choice.take();
    return true;
  }

  /** Requests the entries again, and keeps the selection. */
  #listAgain(): void {
    const { all, at } = this.choices ?? { all: [], at: undefined };
    const chosen = this.#chosen === undefined || at === undefined ? undefined : all[at]?.line;
    this.#listed = undefined;
    const now = this.choices?.all.findIndex(({ line }) => line === chosen) ?? -1;
    this.#chosen = now === -1 ? undefined : now;
    this.#changed();
  }

  /**
   * Moves through the list and the history. Up on the first entry shows earlier lines of the
   * history; Down returns through them to the list.
   */
  #goThrough(by: 1 | -1): void {
    const isRecalling = this.#recalled !== -1;
    if (this.question.choices && !isRecalling && (by === -1 || this.#chosen !== undefined)) this.choose(-by);
    else this.#recall(by);
  }

  #complete(): void {
    if (this.#offered) {
      const { all, at } = this.#offered;
      const next = (at + 1) % all.length;
      this.#offered = { all, at: next };
      this.#put(all[next] ?? "");
      return;
    }
    // Runs one completion at a time: a directory may be slow, and Tab repeats while it is held.
    if (this.#completing) return;
    const abort = new AbortController();
    this.#completing = abort;
    const text = this.text;
    this.question
      .complete?.(text, abort.signal)
      .then((all) => {
        if (abort.signal.aborted) return;
        this.#completing = undefined;
        if (all.length === 0) return;
        const common = commonBeginning(all);
        if (common.length > text.length) this.#put(common);
        this.#offered = all.length > 1 ? { all, at: -1 } : undefined;
        this.#changed();
      })
      .catch(() => {
        if (!abort.signal.aborted) this.#completing = undefined;
      });
  }

  #stopCompleting(): void {
    this.#completing?.abort();
    this.#completing = undefined;
  }

  #changedTo(text: string): void {
    this.#stopCompleting();
    this.#listed = undefined;
    this.#chosen = undefined;
    this.question.changed?.(text);
  }

  #recall(by: number): void {
    const to = this.#recalled + by;
    if (to < -1 || to >= this.#before.length) return;
    if (this.#recalled === -1) this.#typed = this.text;
    this.#recalled = to;
    this.#put(to === -1 ? this.#typed : (this.#before[to] ?? ""));
    this.#offered = undefined;
  }

  #put(text: string): void {
    this.#state = promptOf(text);
    this.#changedTo(text);
  }

  #remember(text: string): void {
    if (text === "") return;
    const known = this.#before.indexOf(text);
    if (known !== -1) this.#before.splice(known, 1);
    this.#before.unshift(text);
    this.#before.length = Math.min(this.#before.length, MAX_REMEMBERED);
  }
}

/** Returns the longest common prefix. */
export function commonBeginning(all: readonly string[]): string {
  let common = all[0] ?? "";
  for (const one of all) while (!one.startsWith(common)) common = common.slice(0, -1);
  return common;
}

/** Returns the last part of a target: `log/` for `web:/var/log/`. */
function lastPart(text: string): string {
  return /[^/\s]+\/?$/.exec(text)?.[0] ?? text;
}
