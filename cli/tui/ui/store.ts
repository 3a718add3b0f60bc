import type { PanelSections } from "../view/panel.ts";
import type { ScreenState } from "./state.ts";

/** State for Ink's components: an external store for React's `useSyncExternalStore`. */
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
   * Replaces the state. Keeps the objects of parts that are equal, so that only surfaces whose part
   * has changed render.
   */
  set(next: ScreenState): void {
    const before = this.#state;
    const state = {
      theme: kept(before.theme, next.theme),
      top: kept(before.top, next.top),
      bottom: kept(before.bottom, { ...next.bottom, keys: kept(before.bottom.keys, next.bottom.keys) }),
      side: keptSections(before.side, next.side),
      histogram: kept(before.histogram, next.histogram),
      overlay: kept(before.overlay, next.overlay),
      toast: kept(before.toast, next.toast),
    };
    if (Object.entries(state).every(([part, value]) => before[part as keyof ScreenState] === value)) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** Compares the sections of a panel one by one, and keeps the objects of equal sections. */
function keptSections(before: PanelSections | undefined, next: PanelSections | undefined): PanelSections | undefined {
  if (!before || !next) return next;
  const facts = kept(before.facts, next.facts);
  const charts = kept(before.charts, next.charts);
  return kept(before, { ...next, facts, charts, lines: kept(before.lines, next.lines) });
}

function kept<Part>(before: Part, next: Part): Part {
  return JSON.stringify(before) === JSON.stringify(next) ? before : next;
}
