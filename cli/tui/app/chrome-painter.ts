import type { ChromeRenderer, ChromeState } from "../ui/chrome-text.ts";
import { plainChrome } from "../ui/plain-chrome.ts";

/** What is drawn around a view, and over it while there is help. */
export class ChromePainter {
  #ink: ChromeRenderer | undefined;
  #isClosed = false;

  /** Rows above the view: the tabs, where there are several, and the title. */
  static head(tabs: number): number {
    return tabs > 1 ? 2 : 1;
  }

  /** The screen, row by row: a view's rows among those around them. */
  screen(state: ChromeState, rows: readonly string[]): string[] {
    // Without help Ink's rows are the same, byte for byte, at a hundred times the cost: the status changes with every frame.
    const chrome = (state.help && this.#ink ? this.#ink : plainChrome).rows(state);
    const head = ChromePainter.head(state.tabs?.titles.length ?? 1);
    const over = chrome.slice(head, -1);
    const shown = rows.map((row, index) => over[index] ?? row);
    return [...chrome.slice(0, head), ...shown, chrome.at(-1) ?? ""];
  }

  /** Ink draws what lies over the text, which most never ask for: it takes 15 MB and a tenth of a second. */
  async loadHelp(columns: number): Promise<void> {
    if (this.#ink) return;
    // chalk, which Ink styles with, would leave out even bold and reverse for a TERM that it does not know. It looks once, when it loads.
    process.env.FORCE_COLOR ??= "1";
    const { inkChrome } = await import("../ui/ink-chrome.tsx");
    const ink = await inkChrome(columns);
    if (this.#ink || this.#isClosed) ink.close();
    else this.#ink = ink;
  }

  close(): void {
    this.#isClosed = true;
    this.#ink?.close();
  }
}
