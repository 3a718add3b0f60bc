import { clipText, fitText, wrapWords } from "../canvas/text-width.ts";
import type { Theme } from "../canvas/theme.ts";
import type { Lack } from "../keymap/binding.ts";
import type { Action } from "../keymap/keymap.ts";
import type { Host, Size } from "../view/view.ts";
import { List, type ListItem } from "./list.ts";
import { type Column, paint, paintOver, Table } from "./table.ts";

export interface ListPaneOptions<Item extends ListItem> {
  columns: readonly Column<Item>[];
  theme: Theme;
  /** Lines that replace an empty list: why it is empty, and what to do. */
  empty(): readonly string[];
  /** Called when the selection changes. */
  moved?(): void;
}

/**
 * Draws a list: titles, and items with a background for the selected one. Uses plain rows, not Ink.
 * A list fills the screen and moves with every key, and Ink takes 30 ms and more for a full screen.
 */
export class ListPane<Item extends ListItem> {
  readonly list = new List<Item>();
  readonly #options: ListPaneOptions<Item>;
  readonly #table: Table<Item>;
  readonly #host: Host;
  #visible: readonly Item[] = [];

  constructor(options: ListPaneOptions<Item>, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#table = new Table(options.columns);
  }

  /** Items in the last frame. */
  get visible(): readonly Item[] {
    return this.#visible;
  }

  /** What the list lacks, for the row of keys. */
  get lacks(): Lack | undefined {
    if (this.list.selected !== undefined) return undefined;
    return this.list.filter === "" ? "items" : "selection";
  }

  /** Replaces the list: resets column widths, filter and selection. */
  reset(): void {
    this.#table.reset();
    this.list.setFilter("");
    this.list.toStart();
  }

  /**
   * Returns the id of the column whose title is at this position, relative to the pane's corner;
   * undefined at any other position.
   */
  titleAt(row: number, column: number): string | undefined {
    return row === 0 && this.list.shown.length > 0 ? this.#table.columnAt(column - 1)?.id : undefined;
  }

  /** Handles keys that every list has, except opening and reloading. */
  act(action: Action): boolean {
    const before = this.list.selected?.key;
    const done = this.#move(action);
    if (this.list.selected?.key !== before) this.#options.moved?.();
    return done;
  }

  /**
   * Selects the item in this row, relative to the pane's first row. Folds or unfolds a heading.
   * False if the row has no item.
   */
  click(row: number): boolean {
    const heading = this.list.itemOn(row - 1);
    if (heading?.heading && this.list.toggleFold(heading)) {
      this.#options.moved?.();
      return false;
    }
    const hit = this.list.selectRow(row - 1);
    if (hit) this.#options.moved?.();
    return hit;
  }

  /**
   * Draws exactly `height` rows. Beside a panel, a row has exactly `columns` columns; otherwise it
   * has no trailing blanks.
   */
  rows({ columns, height }: Size, isBeside = false): string[] {
    const { theme } = this.#options;
    this.#visible = [];
    if (this.list.shown.length === 0) return this.#message(columns, height);
    const { items, selected } = this.list.window(Math.max(1, height - 1));
    this.#visible = items;
    const real = items.filter(({ heading }) => !heading);
    const table = this.#table.rows(real, columns - 1, { title: theme.title });
    let next = 0;
    const end = (row: string) => (isBeside ? row : row.trimEnd());
    const rows = items.map((item, index) => {
      const row = item.heading ? this.#heading(item, columns) : ` ${table.rows[next++] ?? ""}`;
      return index === selected && item === this.list.selected ? paintOver(row, theme.selection) : end(row);
    });
    const all = [` ${table.title}`, ...rows];
    while (all.length < height) all.push("");
    return all.slice(0, height);
  }

  #heading(item: Item, columns: number): string {
    const { theme } = this.#options;
    const mark = item.note === undefined ? "" : this.list.isFolded(item) ? "▸ " : "▾ ";
    const name = clipText(` ${mark}${item.text}`, columns);
    const note = fitText(item.note ? `  ${item.note}` : "", columns - name.width);
    return paint(name.text, theme.heading) + paint(note, theme.dim);
  }

  #move(action: Action): boolean {
    switch (action) {
      case "item-down":
        this.list.move(1);
        return true;
      case "item-up":
        this.list.move(-1);
        return true;
      case "items-page-down":
        this.list.movePage(1);
        return true;
      case "items-page-up":
        this.list.movePage(-1);
        return true;
      case "first-item":
        this.list.toStart();
        return true;
      case "last-item":
        this.list.toEnd();
        return true;
      case "fold":
        return this.list.toggleFold();
      case "fold-all":
        return this.list.toggleAllFolds();
      case "filter":
        this.#askFilter();
        return true;
      case "cancel":
        if (this.list.filter === "") return false;
        this.list.setFilter("");
        return true;
      default:
        return false;
    }
  }

  #askFilter(): void {
    let wanted: string | undefined;
    const narrow = (text: string) => {
      wanted = undefined;
      this.list.setFilter(text);
      this.#options.moved?.();
    };
    // Filters once per batch of keys. A paste without brackets is one change per character, and the
    // list may be long.
    const narrowSoon = (text: string) => {
      if (wanted === undefined)
        setImmediate(() => {
          if (wanted === undefined) return;
          narrow(wanted);
          this.#host.changed();
        });
      wanted = text;
    };
    this.#host.ask({
      label: "/",
      enter: "filter",
      escape: "show all",
      text: this.list.filter,
      changed: narrowSoon,
      done: narrow,
      cancelled: () => narrow(""),
    });
  }

  #message(columns: number, height: number): string[] {
    const lines = this.list.filter
      ? [`no item contains '${this.list.filter}'`, `${this.#host.keyOf("list", "cancel")} shows all`]
      : this.#options.empty();
    const { dim } = this.#options.theme;
    const rows = [
      "",
      ...lines.flatMap((line, index) =>
        wrapWords(line, columns - 2).map((part) => paint(` ${part}`, index > 0 ? dim : "")),
      ),
    ];
    while (rows.length < height) rows.push("");
    return rows.slice(0, height);
  }
}
