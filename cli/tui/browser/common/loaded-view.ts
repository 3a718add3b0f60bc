import { grouped } from "../../canvas/grouped.ts";
import type { Connection } from "../../connection/connection.ts";
import { failureLines } from "../../connection/failure-lines.ts";
import type { Lack } from "../../keymap/binding.ts";
import type { Action, Context } from "../../keymap/keymap.ts";
import type { ListItem } from "../../lists/list.ts";
import { ListPane } from "../../lists/list-pane.ts";
import type { Column } from "../../lists/table.ts";
import type { Frame, Location, Size, View } from "../../view/view.ts";
import type { BrowserContext, OpenMode } from "./context.ts";
import { liveness } from "./liveness.ts";

export interface LoadedViewOptions<Item extends ListItem> {
  contexts: readonly Context[];
  title: string;
  connection?: Connection | undefined;
  /** True for results of a search, which only the user repeats when the target is back. */
  isSearch?: boolean;
  columns: readonly Column<Item>[];
  /**
   * Loads all items. Passes the items loaded so far to `some`. Keys and frames are handled before
   * `some` resolves.
   */
  load(some: (items: readonly Item[]) => Promise<void>, signal: AbortSignal): Promise<Item[]>;
  open(item: Item, how: OpenMode): void;
  /** Handles keys of this list. False for any other key. */
  act?(action: Action, item: Item | undefined): boolean;
  /** Text about the selected item, for the status row. */
  remark(item: Item | undefined): string;
  /** Text beside the counts, at the right end of the status row. */
  summary?(items: readonly Item[]): string;
  /** Lines that are shown if there are no items. */
  nothing: readonly string[];
}

/** Milliseconds between updates while loading. */
const SHOW_MS = 100;

/**
 * A list that is loaded completely when it is opened or reloaded, and when its target is connected
 * again: processes, mounts, search results.
 */
export class LoadedView<Item extends ListItem> implements View {
  readonly contexts: readonly Context[];
  readonly title: string;
  readonly connection: Connection | undefined;
  readonly #options: LoadedViewOptions<Item>;
  readonly #browser: BrowserContext;
  readonly #pane: ListPane<Item>;
  readonly #release: (() => void) | undefined;
  /** True for results from before the target was connected again. */
  #isOld = false;
  #items: readonly Item[] = [];
  /** Cached once per load, not computed per frame. */
  #summary = "";
  #failure: unknown;
  #loading: AbortController | undefined;
  /** True if the last item is selected again after each part, until all items are loaded. */
  #isEndWanted = false;
  #done: Promise<void> = Promise.resolve();

  constructor(options: LoadedViewOptions<Item>, browser: BrowserContext) {
    this.contexts = [...options.contexts, "list"];
    this.title = options.title;
    this.connection = options.connection;
    this.#options = options;
    this.#browser = browser;
    const { theme, host } = browser;
    this.#pane = new ListPane({ columns: options.columns, theme, empty: () => this.#emptyLines() }, host);
    this.#release = options.connection?.reconnection.keep({
      back: (news) => this.#back(news),
      changed: () => host.changed(),
    });
    this.#load();
  }

  get location(): Location | undefined {
    return this.connection && { connection: this.connection, path: "/" };
  }

  get subtitle(): string {
    return this.connection?.routeText ?? "";
  }

  get lacks(): Lack | undefined {
    return this.#pane.lacks;
  }

  act(action: Action): boolean {
    const item = this.#pane.list.selected;
    this.#isEndWanted = action === "last-item" && this.#loading !== undefined;
    if (this.#options.act?.(action, item)) return true;
    if (action === "open" || action === "open-in-tab") {
      if (item) this.#options.open(item, action === "open" ? "over" : "tab");
      return true;
    }
    if (action === "refresh") {
      this.#load();
      return true;
    }
    if (action === "cancel" && this.#loading) {
      this.#loading.abort();
      return true;
    }
    return this.#pane.act(action);
  }

  frame(size: Size): Frame {
    const { list } = this.#pane;
    const { at, shown } = list.counts;
    const why = this.#items.length > 0 ? this.#whyOld : undefined;
    const key = this.#browser.host.keyOf("list", "refresh");
    return {
      rows: this.#pane.rows(size),
      status: {
        ...liveness({ list, connection: this.connection, why, key }, () => this.#options.remark(list.selected)),
        right: [
          this.#loading ? `reading, ${this.#browser.host.keyOf("list", "cancel")} stops` : "",
          this.#summary,
          shown > 0 ? `${grouped(at)} of ${grouped(shown)}` : "",
        ]
          .filter(Boolean)
          .join("  "),
      },
    };
  }

  get #whyOld(): unknown {
    return this.#failure ?? (this.#isOld ? new Error("found before the target was connected again") : undefined);
  }

  click(row: number): boolean {
    this.#isEndWanted = false;
    return this.#pane.click(row);
  }

  async close(): Promise<void> {
    this.#release?.();
    this.#loading?.abort();
    await this.#done;
  }

  #back(news: string): void {
    if (news) this.#browser.host.say(news);
    if (!this.#options.isSearch) this.#load();
    else if (this.#loading === undefined) this.#isOld = true;
    this.#browser.host.changed();
  }

  #load(): void {
    this.#loading?.abort();
    this.#isOld = false;
    const abort = new AbortController();
    this.#loading = abort;
    const take = (items: readonly Item[]) => {
      if (this.#loading !== abort) return;
      this.#items = items;
      this.#summary = this.#options.summary?.(items) ?? "";
      this.#pane.list.setItems(items);
      if (this.#isEndWanted) this.#pane.list.toEnd();
      this.#browser.host.changed();
    };
    const isFirst = this.#items.length === 0;
    let shown = Number.NEGATIVE_INFINITY;
    const some = async (items: readonly Item[]) => {
      if (performance.now() - shown < SHOW_MS) return;
      if (isFirst) take([...items]);
      shown = performance.now();
      await new Promise((resolve) => setImmediate(resolve));
    };
    const run = async () => {
      try {
        take(await this.#options.load(some, abort.signal));
        if (this.#loading === abort) this.#failure = undefined;
      } catch (error) {
        if (this.#loading === abort && !abort.signal.aborted) this.#failure = error;
      }
      if (this.#loading === abort) this.#loading = undefined;
      this.#browser.host.changed();
    };
    this.#done = Promise.all([this.#done, run()]).then(() => undefined);
  }

  #emptyLines(): readonly string[] {
    const { host } = this.#browser;
    const leave = `${host.keyOf("global", "back")} goes back`;
    if (this.#failure !== undefined) return [...failureLines(this.#failure, host.keyOf("list", "refresh")), leave];
    return this.#loading ? ["reading ..."] : [...this.#options.nothing, leave];
  }
}
