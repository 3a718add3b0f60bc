import { messageOf } from "../../../src/errors.ts";
import type { Direction } from "../../../src/text/index.ts";
import { endWaits } from "./cancelling.ts";
import { SearchPreview } from "./search-preview.ts";
import type { ViewerParts } from "./viewer-parts.ts";

/** The patterns that the user types: a search with its preview, and a filter. */
export class PatternPrompt {
  readonly #parts: ViewerParts;
  readonly #changed: () => void;
  /** The preview of a search; set while a pattern is being typed. */
  #preview: SearchPreview | undefined;

  /** `changed` requests a frame. */
  constructor(parts: ViewerParts, changed: () => void) {
    this.#parts = parts;
    this.#changed = changed;
  }

  /** Shows the next match of a pattern during typing, until {@link search} or {@link endTry}. */
  try(pattern: string, direction: Direction): void {
    if (!this.#preview) {
      endWaits(this.#parts);
      this.#preview = new SearchPreview(this.#parts, direction, this.#changed);
    }
    this.#preview.typed(pattern);
  }

  /** Ends typing: returns to the previous search and position. */
  endTry(): void {
    this.#preview?.end();
    this.#preview = undefined;
    this.#parts.searching.endTry();
  }

  /**
   * Starts a search at the position before its pattern was typed. An empty pattern repeats the last
   * search.
   */
  search(pattern: string, direction: Direction): void {
    this.#preview?.end();
    this.#preview = undefined;
    this.#search(pattern, direction);
    this.#parts.searching.endTry();
  }

  #search(pattern: string, direction: Direction): void {
    const { searching, text, walk } = this.#parts;
    if (pattern !== "") {
      try {
        searching.set(pattern, text.isHex ? "hex" : "text");
      } catch (error) {
        this.#parts.say(messageOf(error));
        return;
      }
      endWaits(this.#parts);
    }
    walk.go(direction, 1);
  }

  /**
   * Returns why neither a search nor a filter can use a pattern; undefined for a valid or empty
   * pattern.
   */
  refusal(pattern: string): string | undefined {
    const { searching, text } = this.#parts;
    return pattern === "" ? undefined : searching.refusal(pattern, text.isHex ? "hex" : "text");
  }

  /**
   * Shows only matching lines, or with a leading `!` only lines that do not match. Shows all lines
   * for an empty pattern.
   */
  setFilter(pattern: string): void {
    const { text, following } = this.#parts;
    if (text.isHex) {
      this.#parts.say(`a hex dump cannot be filtered: ${this.#parts.keyOf("hex")} shows the text`);
      return;
    }
    try {
      text.visibleLines.setPattern(pattern);
    } catch (error) {
      this.#parts.say(messageOf(error));
      return;
    }
    if (following.isOn) text.toEnd();
  }

  get filter(): string {
    return this.#parts.text.filter?.pattern ?? "";
  }

  /** Cancels the preview. Nothing reads the text afterwards. */
  close(): void {
    this.#preview?.close();
  }
}
