import { kindOf, type OpenFile } from "../../../src/sessions/index.ts";
import { modeText } from "../../ls/mode.ts";
import { fullTime } from "../../ls/times.ts";
import { fitText } from "../canvas/text-width.ts";
import { paint } from "../lists/table.ts";
import type { Host, Size } from "../view.ts";
import { ViewerView } from "../viewer/viewer-view.ts";
import type { BrowserTarget } from "./browser-target.ts";
import type { BrowserContext } from "./context.ts";
import { readDirectory } from "./directory.ts";
import { failureLine } from "./failure-lines.ts";
import { arrange, backingSentence, type FileItem } from "./files-items.ts";

/**
 * Milliseconds that a selection has to last before it is looked into: not while one runs through a
 * list.
 */
const REST_MS = 60;

/**
 * Of a directory: the rows that the highest screen may show, and the entries among which they are
 * the first.
 */
const MOST_ROWS = 300;
const MOST_NAMES = 2_000;

const KIND = { file: 8, directory: 4, link: 10 };

/**
 * What the selected file holds, beside the list: its first page, a directory's names, of anything
 * else what is known of it.
 */
export class Preview {
  readonly #browser: BrowserContext;
  readonly #host: Host;
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;
  #shown: { viewer: ViewerView } | { lines: readonly string[] } = { lines: [] };
  readonly #closing = new Set<Promise<void>>();

  constructor(browser: BrowserContext) {
    this.#browser = browser;
    const nothing = () => undefined;
    // The preview answers no key and says nothing: it only asks for frames.
    this.#host = {
      theme: browser.host.theme,
      hasScrollBar: false,
      keyOf: (context, action) => browser.host.keyOf(context, action),
      changed: () => browser.host.changed(),
      say: nothing,
      ask: nothing,
      confirm: nothing,
      open: nothing,
      back: nothing,
      backTo: () => false,
      fail: nothing,
      copy: nothing,
      outside: (action) => action(),
    };
  }

  /** Shows this one, soon; nothing for undefined. */
  select(place: BrowserTarget, item: FileItem | undefined): void {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.#timer = setTimeout(() => void this.#look(place, item, turn), REST_MS);
  }

  rows(size: Size): string[] {
    if ("viewer" in this.#shown) return [...this.#shown.viewer.frame(size).rows];
    const rows = this.#shown.lines.slice(0, size.height);
    while (rows.length < size.height) rows.push("");
    return rows;
  }

  layOutAnew(): void {
    if ("viewer" in this.#shown) this.#shown.viewer.layOutAnew();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#turn++;
    this.#replace({ lines: [] });
    await Promise.all(this.#closing);
  }

  async #look(place: BrowserTarget, item: FileItem | undefined, turn: number): Promise<void> {
    const shown = item === undefined ? { lines: [] } : await this.#contentOf(place, item);
    if (turn !== this.#turn) this.#end(shown);
    else this.#replace(shown);
    this.#browser.host.changed();
  }

  async #contentOf(
    place: BrowserTarget,
    item: FileItem,
  ): Promise<{ viewer: ViewerView } | { lines: readonly string[] }> {
    const { entry, backing } = item;
    try {
      if (entry.type === KIND.directory) return { lines: await this.#names(place, entry.path) };
      const isPlain = entry.type === KIND.file && (backing?.kind !== "kernel" || backing.mount.type === "proc");
      if (!isPlain) return { lines: details(item) };
      const file = await place.use((session) => session.open(entry.path, { noFollow: true }));
      if (file.kind !== "file" || file.relayed) {
        file.close();
        return { lines: details(item) };
      }
      return { viewer: this.#viewer(file) };
    } catch (error) {
      return { lines: [...details(item), "", fitText(failureLine(error), 200).trimEnd()] };
    }
  }

  #viewer(file: OpenFile): ViewerView {
    return new ViewerView(
      { file, title: "", subtitle: "", startAtEnd: false, follow: false, isPreview: true, closed: () => file.close() },
      this.#host,
    );
  }

  async #names(place: BrowserTarget, path: string): Promise<string[]> {
    const { items } = await readDirectory(place, path, { most: MOST_NAMES });
    const { theme, colours } = this.#browser;
    const shown = arrange(items, this.#browser.arrangement);
    if (shown.length === 0) return [paint("empty", theme.dim)];
    return shown.slice(0, MOST_ROWS).map(({ entry }) => {
      const end = entry.type === KIND.directory ? "/" : "";
      return paint(fitText(entry.name + end, 200).trimEnd(), colours?.styleOf(entry));
    });
  }

  #replace(shown: { viewer: ViewerView } | { lines: readonly string[] }): void {
    this.#end(this.#shown);
    this.#shown = shown;
  }

  #end(shown: { viewer: ViewerView } | { lines: readonly string[] }): void {
    if (!("viewer" in shown)) return;
    const closing = shown.viewer.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

/** What is known without opening it. */
function details({ entry, backing }: FileItem): string[] {
  const lines = [entry.name];
  if (entry.stat) {
    const { mode, links, uid, gid, size, inode, rdev, mtime, ctime } = entry.stat;
    lines.push(
      `${kindOf(mode)}, ${modeText(mode)}, ${links} ${links === 1 ? "name" : "names"}`,
      `owner ${entry.users?.get(uid) ?? uid}, group ${entry.groups?.get(gid) ?? gid}`,
      entry.type === 2 || entry.type === 6 ? `device ${rdev.major}, ${rdev.minor}` : `${size} bytes`,
      `inode ${inode}`,
      `written ${fullTime(mtime)}`,
      `changed ${fullTime(ctime)}`,
    );
  }
  if (entry.link !== undefined) lines.push(`leads to ${entry.link}`);
  if (backing) lines.push(backingSentence(backing));
  return lines.map((line) => fitText(line, 200).trimEnd());
}
