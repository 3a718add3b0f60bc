import type { PanelSections } from "./panel.ts";
import type { ScreenState } from "./state.ts";

/** What Ink's components read: an external store, as React's `useSyncExternalStore` takes it. */
export class ScreenStore {
  #state: ScreenState;
  readonly #listeners = new Set<() => void>();

  constructor(state: ScreenState) {
    this.#state = state;
  }

  get = (): ScreenState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /**
   * Parts that are equal stay the same objects, so that only surfaces render whose part has
   * changed.
   */
  set(next: ScreenState): void {
    const before = this.#state;
    const state = {
      theme: kept(before.theme, next.theme),
      top: kept(before.top, next.top),
      bottom: kept(before.bottom, next.bottom),
      side: keptSections(before.side, next.side),
      overlay: kept(before.overlay, next.overlay),
      toast: kept(before.toast, next.toast),
    };
    if (Object.entries(state).every(([part, value]) => before[part as keyof ScreenState] === value)) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** Sections of a panel are kept one by one. */
function keptSections(before: PanelSections | undefined, next: PanelSections | undefined): PanelSections | undefined {
  if (!before || !next) return next;
  const facts = kept(before.facts, next.facts);
  const charts = kept(before.charts, next.charts);
  return kept(before, { ...next, facts, charts, lines: kept(before.lines, next.lines) });
}

function kept<Part>(before: Part, next: Part): Part {
  return JSON.stringify(before) === JSON.stringify(next) ? before : next;
}
