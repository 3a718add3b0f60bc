import type { Connection } from "../../connection/connection.ts";
import { paint } from "../../lists/table.ts";
import type { Size } from "../../view/view.ts";
import type { BrowserContext } from "../common/context.ts";
import type { FileItem } from "./files-items.ts";
import { Preview } from "./preview.ts";

/** Minimum columns of the screen for a preview beside the list. */
const PREVIEW_FROM = 110;

/** Columns of the border between list and preview. */
const BORDER = 3;

/** Minimum columns of the list and of the preview when the user drags the border. */
const MIN_LIST = 30;
const MIN_PREVIEW = 20;

/** Divides the screen between a list and the preview of its selected file. */
export class PreviewSplit {
  readonly #browser: BrowserContext;
  readonly #preview: Preview;
  /** Width of the list beside the preview, and of the screen, in the last frame. */
  #listColumns = 0;
  #columns = 0;

  constructor(browser: BrowserContext) {
    this.#browser = browser;
    this.#preview = new Preview(browser);
  }

  select(connection: Connection, item: FileItem | undefined): void {
    if (this.#browser.preview) this.#preview.select(connection, item);
  }

  /** Returns the rows of a list, with the preview beside it if there is room and an item. */
  beside(
    { columns, height }: Size,
    hasItems: boolean,
    listRows: (size: Size, isBeside: boolean) => string[],
  ): string[] {
    const isBeside = this.#browser.preview && columns >= PREVIEW_FROM && hasItems;
    const width = isBeside ? listWidth(columns, this.#browser.listShare) : columns;
    this.#listColumns = width;
    this.#columns = columns;
    const list = listRows({ columns: width, height }, isBeside);
    if (!isBeside) return list;
    const line = paint("│", this.#browser.theme.border);
    const preview = this.#preview.rows({ columns: columns - width - BORDER, height });
    return list.map((row, index) => `${row || " ".repeat(width)} ${line} ${preview[index] ?? ""}`);
  }

  /** True for a column of the border or of the preview. */
  isAt(column: number): boolean {
    return column >= this.#listColumns && this.#listColumns < this.#columns;
  }

  isBorder(column: number): boolean {
    return this.isAt(column) && column < this.#listColumns + BORDER;
  }

  moveBorder(column: number): void {
    this.#browser.listShare = column / this.#columns;
  }

  /** Scrolls the preview by half a page. */
  scroll(direction: 1 | -1): void {
    this.#preview.scroll(direction);
  }

  /** Scrolls the preview by rows, down if positive. */
  scrollBy(rows: number): void {
    this.#preview.scrollBy(rows);
  }

  layOutAnew(): void {
    this.#preview.layOutAnew();
  }

  close(): Promise<void> {
    return this.#preview.close();
  }
}

function listWidth(columns: number, share: number): number {
  const max = columns - BORDER - MIN_PREVIEW;
  return Math.max(MIN_LIST, Math.min(max, Math.floor(columns * share + 1e-6)));
}
