import { ItemTexts } from "./item-texts.ts";

/** An item of a list. */
export interface ListItem {
  /** Unique in the list; identifies the item after a reload. */
  key: string;
  /** The text that filters match. */
  text: string;
  /** True for a line that names the items below it. It can be selected only while it is folded. */
  heading?: boolean;
  /** Text next to a heading. */
  note?: string;
  /** Key of the heading that this item can be folded into. */
  within?: string | undefined;
}

/** Minimum rows between the selection and the edge while scrolling. */
const MARGIN = 2;

/** Holds a list's items, filter, selection and scroll position. Does not depend on a terminal. */
export class List<Item extends ListItem> {
  #items: readonly Item[] = [];
  #shown: readonly Item[] = [];
  #filter = "";
  /** The texts of the items. Created by the first filter, and dropped at the end of filtering. */
  #texts: ItemTexts | undefined;
  #index = 0;
  #top = 0;
  #height = 1;
  /** Keys of folded headings. A filter shows their items too. */
  readonly #folded = new Set<string>();
  /** Number of all headings, and indexes of the visible ones. Computed once, not per frame. */
  #headings = 0;
  #shownHeadings: readonly number[] = [];

  /**
   * Replaces the items. Keeps the selection, even if the filter no longer matches it. If the
   * selected item was removed, selects the item that took its place.
   */
  setItems(items: readonly Item[]): void {
    const kept = this.selected?.key;
    this.#items = items;
    this.#texts = undefined;
    this.#headings = headingsIn(items).length;
    this.#apply(kept);
  }

  /** Shows only items that contain every word, case-insensitively. */
  setFilter(filter: string): void {
    this.#filter = filter;
    this.#apply();
  }

  get filter(): string {
    return this.#filter;
  }

  get selected(): Item | undefined {
    const item = this.#shown[this.#index];
    return item && this.#isPassed(item) ? undefined : item;
  }

  /** Returns the items that pass the filter, in order, headings included. */
  get shown(): readonly Item[] {
    return this.#shown;
  }

  /**
   * Returns counts without headings: all items, visible items, and the position of the selected
   * item from 1.
   */
  get counts(): { all: number; shown: number; at: number } {
    const before = this.#shownHeadings.filter((at) => at <= this.#index).length;
    return {
      all: this.#items.length - this.#headings,
      shown: this.#shown.length - this.#shownHeadings.length,
      at: this.selected && !this.selected.heading ? this.#index + 1 - before : 0,
    };
  }

  select(key: string): boolean {
    const index = this.#shown.findIndex((item) => item.key === key);
    if (index === -1) return false;
    this.#index = index;
    this.#settle(1);
    return true;
  }

  /** Moves the selection by this number of items, up to the ends. Skips headings. */
  move(by: number): void {
    const step = Math.sign(by);
    for (let left = Math.abs(by); left > 0; left--) {
      let next = this.#index + step;
      while (this.#isPassed(this.#shown[next])) next += step;
      if (this.#shown[next] === undefined) break;
      this.#index = next;
    }
  }

  isFolded({ key }: ListItem): boolean {
    return this.#folded.has(key) && this.#filter === "";
  }

  /**
   * Folds or unfolds the group of `item`, by default of the selected item. Moves the selection to
   * the heading or back. False if there is nothing to fold.
   */
  toggleFold(item: Item | undefined = this.selected): boolean {
    const key = item?.heading ? item.key : item?.within;
    if (key === undefined || this.#filter !== "" || !this.#items.some(({ within }) => within === key)) return false;
    const selected = this.selected;
    if (!this.#folded.delete(key)) this.#folded.add(key);
    this.#applyFolds(selected);
    return true;
  }

  /** Folds every heading, or unfolds them if all are folded. False if there is nothing to fold. */
  toggleAllFolds(): boolean {
    const keys = new Set(this.#items.flatMap(({ within }) => within ?? []));
    if (keys.size === 0 || this.#filter !== "") return false;
    const selected = this.selected;
    const areAll = [...keys].every((key) => this.#folded.has(key));
    this.#folded.clear();
    if (!areAll) for (const key of keys) this.#folded.add(key);
    this.#applyFolds(selected);
    return true;
  }

  movePage(pages: number): void {
    this.move(Math.round(pages * Math.max(1, this.#height - 1)));
  }

  toStart(): void {
    this.#index = 0;
    this.#top = 0;
    this.#settle(1);
  }

  toEnd(): void {
    this.#index = this.#shown.length - 1;
    this.#settle(-1);
  }

  /** Returns the item or heading in this row of the last window. */
  itemOn(row: number): Item | undefined {
    return row < 0 || row >= this.#height ? undefined : this.#shown[this.#top + row];
  }

  /** Selects the item in this row of the last window. False if the row has no item. */
  selectRow(row: number): boolean {
    const item = this.itemOn(row);
    if (item === undefined || this.#isPassed(item)) return false;
    this.#index = this.#top + row;
    return true;
  }

  /** Returns the items for `height` rows, including the selected item. */
  window(height: number): { items: readonly Item[]; selected: number } {
    this.#height = height;
    const margin = Math.min(MARGIN, Math.floor((height - 1) / 2));
    const last = Math.max(0, this.#shown.length - height);
    this.#top = Math.max(this.#top, this.#index + margin - height + 1);
    this.#top = Math.max(0, Math.min(this.#top, this.#index - margin, last));
    // Also shows the heading above the first item.
    if (this.#index <= margin) this.#top = 0;
    return { items: this.#shown.slice(this.#top, this.#top + height), selected: this.#index - this.#top };
  }

  /** Keeps the selection on its item, or moves it to the heading if that is folded. */
  #applyFolds(selected: Item | undefined): void {
    const at = selected?.heading ? this.#items.find(({ within }) => within === selected.key) : selected;
    this.#apply();
    if (at && !this.select(at.key) && at.within !== undefined) this.select(at.within);
  }

  /** True for an item that the selection skips. */
  #isPassed(item: Item | undefined): boolean {
    return item?.heading === true && !this.isFolded(item);
  }

  #apply(kept?: string): void {
    const before = this.#shown[this.#index];
    this.#shown = this.#passing(kept);
    this.#shownHeadings = this.#headings === 0 ? [] : headingsIn(this.#shown);
    const same = before === undefined ? -1 : indexOf(this.#shown, before);
    this.#index = same === -1 ? Math.max(0, Math.min(this.#index, this.#shown.length - 1)) : same;
    this.#settle(1);
  }

  /** Returns the items that pass the filter, and also the item with the key `kept`. */
  #passing(kept: string | undefined): readonly Item[] {
    const words = this.#filter.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) {
      this.#texts = undefined;
      return this.#unfolded();
    }
    this.#texts ??= new ItemTexts(this.#items);
    return withHeadings(this.#items, this.#texts.having(words), kept);
  }

  #unfolded(): readonly Item[] {
    if (this.#folded.size === 0) return this.#items;
    return this.#items.filter(({ within }) => within === undefined || !this.#folded.has(within));
  }

  /** Moves the selection off a heading: in this direction if possible, otherwise in the other. */
  #settle(step: 1 | -1): void {
    for (const direction of [step, -step]) {
      let index = this.#index;
      while (this.#isPassed(this.#shown[index])) index += direction;
      if (this.#shown[index] === undefined) continue;
      this.#index = index;
      return;
    }
  }
}

/** Indexes of the headings. */
function headingsIn(items: readonly ListItem[]): number[] {
  const found: number[] = [];
  items.forEach(({ heading }, index) => {
    if (heading) found.push(index);
  });
  return found;
}

/** Returns the index of an item. If the items were read again, finds the item by its key. */
function indexOf<Item extends ListItem>(items: readonly Item[], wanted: Item): number {
  const index = items.indexOf(wanted);
  return index === -1 ? items.findIndex(({ key }) => key === wanted.key) : index;
}

/**
 * Returns the items that are `found`, the item with the key `kept`, and the headings of those
 * items.
 */
function withHeadings<Item extends ListItem>(
  items: readonly Item[],
  found: Uint8Array,
  kept: string | undefined,
): Item[] {
  const result: Item[] = [];
  let heading: Item | undefined;
  items.forEach((item, index) => {
    if (item.heading) heading = item;
    else if (found[index] === 1 || (kept !== undefined && item.key === kept)) {
      if (heading) result.push(heading);
      heading = undefined;
      result.push(item);
    }
  });
  return result;
}
