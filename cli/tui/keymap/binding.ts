/** What a list lacks: a selected item, because its filter leaves none, or all items. */
export type Lack = "selection" | "items";

/** True if an action that needs this has an effect in a list that lacks that. */
export function isUsable(needs: Lack | undefined, lacks: Lack | undefined): boolean {
  return needs === undefined || lacks === undefined || (needs === "items" && lacks === "selection");
}

/** An entry of the key table, which drives the input and generates the help. */
export interface Binding {
  /** Name of the action, and of its command. */
  action: string;
  /** Key names as in `KeyEvent`; the help shows the first ones. */
  keys: readonly string[];
  help: string;
  /** A word for the key hints at the bottom of the screen; undefined for a key without a hint. */
  hint?: string;
  /** True if the hint comes first in its row, and the action first in the palette. */
  isMain?: true;
  /** What the action needs of a list: its hint is left out while the list lacks that. */
  needs?: Lack;
  /** True if the action only moves: the palette lists it after all others. */
  isMove?: true;
}
