import { DT_DIR } from "../../../../src/descriptors/index.ts";
import { PortholeError } from "../../../../src/errors.ts";
import { compileGlob, hasGlob, joinPath, nameOf, typeOf } from "../../../../src/files/index.ts";
import type { OpenFile } from "../../../../src/sessions/index.ts";
import type { Connection } from "../../connection/connection.ts";
import { failureLine } from "../../connection/failure-lines.ts";
import type { Lack } from "../../keymap/binding.ts";
import type { Action } from "../../keymap/keymap.ts";
import { ListPane } from "../../lists/list-pane.ts";
import type { Frame, Location, Size, View } from "../../view/view.ts";
import { SORTS, type Sort } from "../common/arrangement.ts";
import type { BrowserContext } from "../common/context.ts";
import { askGrep } from "../found/grep.ts";
import type { GrepScope } from "../found/grep-results.ts";
import { completePath, typedPath } from "./complete-path.ts";
import { DirectoryReading } from "./directory-reading.ts";
import { arrange, arrangedBy, type FileItem, fileColumns } from "./files-items.ts";
import { FilesStatus } from "./files-status.ts";
import { History } from "./history.ts";
import { PreviewSplit } from "./preview-split.ts";
import { SelectedLayer } from "./selected-layer.ts";

/** Milliseconds between redraws of the files' ages. */
const AGES_MS = 30_000;

/** The files of a target, one directory at a time. */
export class FilesView implements View {
  readonly contexts = ["files", "out", "list"] as const;
  readonly connection: Connection;
  readonly #browser: BrowserContext;
  readonly #pane: ListPane<FileItem>;
  readonly #preview: PreviewSplit;
  readonly #layer: SelectedLayer;
  readonly #status: FilesStatus;
  readonly #history: History;
  readonly #reading: DirectoryReading;
  readonly #ages: NodeJS.Timeout;
  #hidden = 0;
  /** Name that is selected once it is read, unless the user moves before. */
  #wanted: string | undefined;

  constructor(browser: BrowserContext, connection: Connection, path: string, select?: string) {
    this.#browser = browser;
    this.connection = connection;
    this.#history = new History(path);
    this.#preview = new PreviewSplit(browser);
    this.#layer = new SelectedLayer(connection, () => browser.host.changed());
    this.#reading = new DirectoryReading(connection, {
      taken: (isFirst) => this.#taken(isFirst),
      ended: () => this.#read(),
      lost: () => browser.host.changed(),
      back: (news) => news && browser.host.say(news),
    });
    this.#pane = new ListPane(
      {
        columns: fileColumns({
          theme: browser.theme,
          colours: browser.colours,
          isMarked: ({ entry }) => browser.isMarked(connection, entry.path),
          now: Date.now,
          arrangement: () => browser.arrangement,
        }),
        theme: browser.theme,
        empty: () => this.#status.emptyLines(this.#hidden),
        moved: () => {
          this.#wanted = undefined;
          this.#moved();
        },
      },
      browser.host,
    );
    const { list } = this.#pane;
    this.#status = new FilesStatus({
      ...{ browser, connection, list, reading: this.#reading, layer: this.#layer },
      path: () => this.path,
    });
    this.#ages = setInterval(() => browser.host.changed(), AGES_MS);
    void this.#show(select);
  }

  get path(): string {
    return this.#history.path;
  }

  get location(): Location {
    return { connection: this.connection, path: this.path };
  }

  get title(): string {
    return this.connection.text(this.path);
  }

  get subtitle(): string {
    const { sort, reverse } = this.#browser.arrangement;
    const sorted = sort === "name" && !reverse ? "" : `by ${sort}${reverse ? ", reversed" : ""}`;
    return [sorted, this.connection.routeText].filter(Boolean).join("  ");
  }

  get lacks(): Lack | undefined {
    return this.#pane.lacks;
  }

  act(action: Action): boolean {
    const { host, arrangement } = this.#browser;
    const selected = this.#pane.list.selected;
    switch (action) {
      case "open":
        if (selected) void this.#open(selected);
        return true;
      case "open-in-tab":
        if (selected) this.#openInTab(selected);
        return true;
      case "rotated":
        if (selected) void this.#browser.openRotated(this.connection, selected.entry.path);
        return true;
      case "parent":
        void this.#goTo(parentOf(this.path), nameOf(this.path));
        return true;
      case "backward":
        this.#go(this.#history.back(this.#pane.list.selected?.key));
        return true;
      case "forward":
        this.#go(this.#history.forward(this.#pane.list.selected?.key));
        return true;
      case "toggle-hidden":
        arrangement.hidden = !arrangement.hidden;
        this.#arrange();
        return true;
      case "sort":
        this.#sort(SORTS[(SORTS.indexOf(arrangement.sort) + 1) % SORTS.length] ?? "name", arrangement.reverse);
        return true;
      case "sort-reverse":
        this.#sort(arrangement.sort, !arrangement.reverse);
        return true;
      case "preview-down":
      case "preview-up":
        this.#preview.scroll(action === "preview-down" ? 1 : -1);
        return true;
      case "toggle-preview":
        this.#browser.preview = !this.#browser.preview;
        this.#moved();
        return true;
      case "refresh":
        void this.#reading.again();
        return true;
      case "goto-path":
        host.ask({
          label: "goto ",
          enter: "go there",
          text: this.path.endsWith("/") ? this.path : `${this.path}/`,
          complete: (text, signal) => completePath(this.connection, this.path, text, signal),
          done: (text) => void this.#gotoPath(text),
        });
        return true;
      case "find":
        host.ask({ label: "find below, by name: ", enter: "find", done: (text) => this.#find(text) });
        return true;
      case "grep":
        askGrep(this.#browser, { in: `below ${this.path}`, scopes: () => [this.#scope()] });
        return true;
      case "mark":
        if (selected) this.#browser.toggleMark(this.connection, selected.entry.path);
        this.#pane.act("item-down");
        return true;
      case "follow-marked":
        void this.#browser.followMarked(selected && { connection: this.connection, path: selected.entry.path });
        return true;
      default:
        return this.#pane.act(action);
    }
  }

  /** Returns undefined for a directory: only a file can be lent. */
  async lend(): Promise<OpenFile | undefined> {
    const entry = this.#pane.list.selected?.entry;
    if (entry === undefined || entry.type === DT_DIR) return undefined;
    return this.connection.use((session) => session.open(entry.path));
  }

  text(): string {
    return this.#pane.list.selected?.entry.target ?? this.title;
  }

  frame(size: Size): Frame {
    const hasItems = this.#pane.list.shown.length > 0;
    const rows = this.#preview.beside(size, hasItems, (list, isBeside) => this.#pane.rows(list, isBeside));
    return { rows, status: this.#status.row(this.#hidden) };
  }

  click(row: number, column: number): boolean {
    if (this.#preview.isAt(column)) return false;
    const title = SORTS.find((sort) => sort === this.#pane.titleAt(row, column));
    if (title === undefined) return this.#pane.click(row);
    const { sort, reverse } = arrangedBy(this.#browser.arrangement, title);
    this.#sort(sort, reverse);
    return false;
  }

  /** Grabs the border beside the list. */
  grab(_row: number, column: number): boolean {
    return this.#preview.isBorder(column);
  }

  drag(_row: number, column: number): void {
    this.#preview.moveBorder(column);
  }

  wheel(rows: number, _row: number, column: number): boolean {
    if (!this.#preview.isAt(column)) return false;
    this.#preview.scrollBy(rows);
    return true;
  }

  layOutAnew(): void {
    this.#preview.layOutAnew();
  }

  async close(): Promise<void> {
    clearInterval(this.#ages);
    this.#layer.close();
    this.#reading.close();
    await this.#preview.close();
  }

  #moved(): void {
    const { selected } = this.#pane.list;
    this.#layer.select(selected);
    this.#preview.select(this.connection, selected);
  }

  #sort(sort: Sort, reverse: boolean): void {
    Object.assign(this.#browser.arrangement, { sort, reverse });
    this.#arrange();
  }

  #arrange(): void {
    const { items } = this.#reading;
    const arranged = arrange(items, this.#browser.arrangement);
    this.#hidden = items.length - arranged.length;
    this.#pane.list.setItems(arranged);
    this.#moved();
  }

  /** Opens a directory or a file. Resolves when it is shown. */
  async #goTo(path: string, select?: string): Promise<void> {
    if (path === this.path) {
      if (select !== undefined) this.#select(select);
      return;
    }
    this.#history.visit(path, this.#pane.list.selected?.key);
    await this.#show(select);
  }

  #go(to: { select: string | undefined } | undefined): void {
    if (to) void this.#show(to.select);
    else this.#browser.host.say("no more history");
  }

  /** Loads the current directory of the history again. */
  async #show(select?: string): Promise<void> {
    this.#hidden = 0;
    this.#wanted = select;
    this.#pane.reset();
    this.#pane.list.setItems([]);
    await this.#reading.begin(this.path);
  }

  #taken(isFirst: boolean): void {
    const { list } = this.#pane;
    // Keeps the first item selected until the user moves, because more items may be inserted above
    // it.
    const isAtStart = isFirst && list.counts.at <= 1;
    this.#arrange();
    if (this.#wanted !== undefined && list.select(this.#wanted)) this.#moved();
    else if (isAtStart) {
      list.toStart();
      this.#moved();
    }
    this.#browser.host.changed();
  }

  #read(): void {
    this.#wanted = undefined;
    if (isNotDirectory(this.#reading.failure)) return void this.#showFile();
    this.#browser.host.changed();
  }

  /** Opens the path, which is a file, over its directory. */
  async #showFile(): Promise<void> {
    const { path } = this;
    this.#history.replace(parentOf(path));
    await this.#show(nameOf(path));
    await this.#openPath(path);
  }

  /** Selects a name now, or once it is read. */
  #select(name: string): void {
    if (this.#pane.list.select(name)) this.#moved();
    else if (this.#reading.isGoing) this.#wanted = name;
  }

  #openPath(path: string): Promise<void> {
    return this.#browser.openPath(this.connection, path, { directory: (found) => void this.#goTo(found) });
  }

  async #open({ entry }: FileItem): Promise<void> {
    if (entry.type === DT_DIR) await this.#goTo(entry.path);
    else await this.#openPath(entry.path);
  }

  #openInTab({ entry }: FileItem): void {
    const directory = (path: string) => this.#browser.openFiles(this.connection, path, undefined, "tab");
    if (entry.type === DT_DIR) directory(entry.path);
    else void this.#browser.openPath(this.connection, entry.path, { directory }, "tab");
  }

  /** Shows a directory, or opens a file over its directory, as the argument of porthole does. */
  async #gotoPath(text: string): Promise<void> {
    const typed = typedPath(text);
    const path = typed.startsWith("/") ? typed : joinPath(this.path, typed);
    const clean = path.replace(/\/+$/, "") || "/";
    try {
      const stat = await this.connection.use((session) => session.stat(clean));
      if (typeOf(stat) === DT_DIR) {
        await this.#goTo(clean);
        return;
      }
      void this.#goTo(parentOf(clean), nameOf(clean));
      await this.#openPath(clean);
    } catch (error) {
      this.#browser.host.say(failureLine(error));
    }
  }

  #scope(): GrepScope {
    return { connection: this.connection, path: this.path, name: this.connection.text(this.path) };
  }

  #find(text: string): void {
    if (text === "") return;
    const test = compileGlob(hasGlob(text) ? text : `*${text}*`, { ignoreCase: text === text.toLowerCase() });
    this.#browser.openFind(this.connection, this.path, text, test);
  }
}

function parentOf(path: string): string {
  return path.replace(/\/[^/]*\/*$/, "") || "/";
}

function isNotDirectory(error: unknown): boolean {
  return error instanceof PortholeError && error.errno === "ENOTDIR";
}
