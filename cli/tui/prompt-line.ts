import { actionFor, type Keymap } from "./keymap.ts";
import type { KeyEvent } from "./keys.ts";
import { editPrompt, MOST_CHARACTERS, type PromptState, promptOf } from "./prompt.ts";
import type { Question } from "./view.ts";

/** Lines that are remembered for each kind of question. */
const MOST_REMEMBERED = 100;

/** A question while it is answered: the line, its completion, and the lines typed before. */
export class PromptLine {
  readonly question: Question;
  readonly #changed: () => void;
  readonly #keymap: Keymap;
  /** Lines that were typed at questions of this label, the last one first. */
  readonly #before: string[];
  #recalled = -1;
  #typed = "";
  #state: PromptState;
  /** What the line may become, while Tab goes through it. */
  #offered: { all: readonly string[]; at: number } | undefined;
  #asked = 0;

  constructor(question: Question, before: string[], keymap: Keymap, changed: () => void) {
    this.question = question;
    this.#before = before;
    this.#keymap = keymap;
    this.#changed = changed;
    this.#state = promptOf(question.text ?? "");
  }

  get state(): PromptState {
    return this.#state;
  }

  /** What Tab offers, or that the line is full, for the rest of the row. */
  get hint(): string {
    if (this.#state.characters.length >= MOST_CHARACTERS) return `full: ${MOST_CHARACTERS} characters`;
    const { all, at } = this.#offered ?? { all: [], at: -1 };
    return all.map((one, index) => (index === at ? `[${lastPart(one)}]` : lastPart(one))).join("  ");
  }

  /** Takes a key. True when the question is answered or given up. */
  take(event: KeyEvent): boolean {
    if (event.kind === "mouse") return false;
    const action = event.kind === "key" ? actionFor(event.key, ["prompt"], this.#keymap) : undefined;
    if (action === "complete") {
      this.#complete();
      return false;
    }
    if (action === "recall-older" || action === "recall-newer") {
      this.#recall(action === "recall-older" ? 1 : -1);
      return false;
    }
    const was = this.text;
    const result = editPrompt(this.#state, event, this.#keymap);
    if (result.kind === "typing") {
      this.#offered = undefined;
      this.#state = result.state;
      if (this.text !== was) this.question.changed?.(this.text);
      return false;
    }
    this.#asked++;
    if (result.kind === "done") {
      this.#remember(result.text);
      this.question.done(result.text);
    } else this.question.cancelled?.();
    return true;
  }

  get text(): string {
    return this.#state.characters.join("");
  }

  #complete(): void {
    if (this.#offered) {
      const { all, at } = this.#offered;
      const next = (at + 1) % all.length;
      this.#offered = { all, at: next };
      this.#put(all[next] ?? "");
      return;
    }
    const asked = ++this.#asked;
    const text = this.text;
    this.question
      .complete?.(text)
      .then((all) => {
        // Typed on, or done, meanwhile.
        if (asked !== this.#asked || text !== this.text || all.length === 0) return;
        const common = commonBeginning(all);
        if (common.length > text.length) this.#put(common);
        this.#offered = all.length > 1 ? { all, at: -1 } : undefined;
        this.#changed();
      })
      .catch(() => undefined);
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
    this.question.changed?.(text);
  }

  #remember(text: string): void {
    if (text === "") return;
    const known = this.#before.indexOf(text);
    if (known !== -1) this.#before.splice(known, 1);
    this.#before.unshift(text);
    this.#before.length = Math.min(this.#before.length, MOST_REMEMBERED);
  }
}

/** The longest beginning that all have. */
export function commonBeginning(all: readonly string[]): string {
  let common = all[0] ?? "";
  for (const one of all) while (!one.startsWith(common)) common = common.slice(0, -1);
  return common;
}

/** Of `web:/var/log/`, `log/`. */
function lastPart(text: string): string {
  return /[^/\s]+\/?$/.exec(text)?.[0] ?? text;
}
