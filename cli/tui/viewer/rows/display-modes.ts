import { ENCODINGS, type Encoding } from "../../../../src/text/index.ts";
import type { JsonView } from "../../canvas/line-text.ts";

export const ENCODING_NAMES: Readonly<Record<Encoding, string>> = {
  "utf-8": "UTF-8",
  latin1: "Latin-1",
  "utf-16le": "UTF-16 LE",
  "utf-16be": "UTF-16 BE",
};

/** Views of JSON that one key cycles through. The first press replaces the initial view. */
const JSON_VIEWS: Readonly<Record<"raw" | "folded", readonly JsonView[]>> = {
  raw: ["raw", "folded", "unfolded"],
  folded: ["folded", "raw", "unfolded"],
};

/** The display modes of a text that the user turns on and off. */
export class DisplayModes {
  wrap = false;
  /** Colours of levels. */
  levels = true;
  /** Line numbers. */
  numbers = false;
  #json: JsonView = "raw";
  #jsonViews = JSON_VIEWS.raw;
  #isJsonChosen = false;

  get json(): JsonView {
    return this.#json;
  }

  /** True once the user has chosen a view of JSON, which then applies to each line. */
  get isJsonChosen(): boolean {
    return this.#isJsonChosen;
  }

  /** Sets the view of JSON that applies until the user chooses one. */
  setJson(json: "raw" | "folded"): void {
    this.#json = json;
    this.#jsonViews = JSON_VIEWS[json];
  }

  /** True if JSON is shown by its fields. */
  get hasFields(): boolean {
    return this.#json !== "raw";
  }

  /** Turns a mode on or off. Returns whether it is on now. */
  toggle(mode: "levels" | "numbers"): boolean {
    this[mode] = !this[mode];
    return this[mode];
  }

  turnJson(): void {
    this.#isJsonChosen = true;
    this.#json = nextOf(this.#jsonViews, this.#json);
  }

  /** Names of the modes that differ from the default. In a hex dump, only the encoding applies. */
  names(encoding: Encoding, isHex: boolean): string[] {
    return [
      encoding === "utf-8" ? "" : ENCODING_NAMES[encoding],
      this.wrap && !isHex ? "wrapped" : "",
      this.hasFields && !isHex ? `JSON ${this.#json}` : "",
    ].filter((name) => name !== "");
  }
}

/** Returns the encoding that follows in the cycle. */
export function nextEncoding(encoding: Encoding): Encoding {
  return nextOf(ENCODINGS, encoding);
}

function nextOf<T>(cycle: readonly T[], current: T): T {
  return cycle[(cycle.indexOf(current) + 1) % cycle.length] ?? current;
}
