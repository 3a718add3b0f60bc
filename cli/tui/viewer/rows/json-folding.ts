import type { FoldedLines } from "../../../../src/text/index.ts";
import type { Document } from "../document/document.ts";
import { documentJson } from "../document/document-json.ts";
import type { DisplayModes } from "./display-modes.ts";
import type { VisibleLines } from "./visible-lines.ts";

/** Decides which lines of JSON are shown by their fields. */
export class JsonFolding {
  readonly #document: Document;
  readonly #modes: DisplayModes;
  /** True once enough lines are known to decide whether JSON is folded. */
  #isKnown = false;

  constructor(document: Document, modes: DisplayModes) {
    this.#document = document;
    this.#modes = modes;
  }

  /** The lines of JSON that are shown by their fields; undefined if none are. */
  lines({ sources }: VisibleLines): FoldedLines | undefined {
    if (!this.#modes.hasFields) return undefined;
    return sources.count === 0 || this.#modes.isJsonChosen ? "all" : sources.json;
  }

  /** Folds JSON if the first lines of the text, or of a source, are JSON. */
  foldByItself({ sources }: VisibleLines): void {
    if (this.#modes.isJsonChosen || this.#isKnown) return;
    let isJson = sources.json.length > 0;
    if (sources.count === 0) {
      const found = documentJson(this.#document);
      isJson = found.isJson;
      this.#isKnown = found.isKnown;
    }
    this.#modes.setJson(isJson ? "folded" : "raw");
  }
}
