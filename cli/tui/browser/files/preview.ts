import { DT_DIR, DT_LNK, DT_REG } from "../../../../src/descriptors/index.ts";
import { type Backing, isDevice, mountsOf, typeOf } from "../../../../src/files/index.ts";
import { kindOf, type OpenFile, type Session } from "../../../../src/sessions/index.ts";
import { modeText } from "../../../ls/mode.ts";
import { fullTime } from "../../../ls/times.ts";
import { grouped } from "../../canvas/grouped.ts";
import { clipText } from "../../canvas/text-width.ts";
import type { Connection } from "../../connection/connection.ts";
import { failureLine } from "../../connection/failure-lines.ts";
import { paint } from "../../lists/table.ts";
import type { Host, Size } from "../../view/view.ts";
import { ViewerView } from "../../viewer/viewer-view.ts";
import type { BrowserContext } from "../common/context.ts";
import { readDirectory } from "./directory.ts";
import { arrange, backingSentence, backingsOf, type FileItem } from "./files-items.ts";

/**
 * Milliseconds that a file must stay selected before it is read. So scrolling through a list reads
 * no files.
 */
const REST_MS = 60;

/**
 * Maximum number of directory entries to read. With more entries, a note says that the list is
 * incomplete.
 */
const MAX_NAMES = 2_000;

/** A larger log is shown from its end. */
const LOG_FROM = 4_096n;

/** Matches `app.log`, `app.log.1`, `daemon.out`, and files in a directory of logs. */
const LOG = /(\.(log|out|err)(\.\d+)?$)|(^|\/)logs?\//;

interface Content {
  title: string;
  body: { viewer: ViewerView } | { lines: readonly Line[] };
}

interface Line {
  text: string;
  style?: string | undefined;
}

const NOTHING: Content = { title: "", body: { lines: [] } };

/**
 * Previews the selected file beside the list: the first page of a text, the last page of a log, or
 * a directory's names. Shows details for anything else. Follows links.
 */
export class Preview {
  readonly #browser: BrowserContext;
  readonly #host: Host;
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;
  #shown: Content = NOTHING;
  /** Index of the first visible line. */
  #top = 0;
  #height = 1;
  readonly #closing = new Set<Promise<void>>();

  constructor(browser: BrowserContext) {
    this.#browser = browser;
    const nothing = () => undefined;
    // The preview handles no keys and shows no messages: it only requests frames.
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

  /** Shows this file after a delay. Clears the preview if `item` is undefined. */
  select(connection: Connection, item: FileItem | undefined): void {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.#timer = setTimeout(() => void this.#look(connection, item, turn), REST_MS);
  }

  /** Returns exactly `height` rows, none wider than `columns`. */
  rows({ columns, height }: Size): string[] {
    const { title, body } = this.#shown;
    const size = { columns, height: Math.max(1, height - 1) };
    this.#height = size.height;
    const rows = [paint(clipText(title, columns).text, this.#browser.theme.heading), ...this.#body(body, size)];
    while (rows.length < height) rows.push("");
    return rows.slice(0, height);
  }

  /** Scrolls by half a page. */
  scroll(direction: 1 | -1): void {
    const { body } = this.#shown;
    if ("viewer" in body) body.viewer.act(direction === 1 ? "half-page-down" : "half-page-up");
    else this.scrollBy(direction * Math.ceil(this.#height / 2));
    this.#browser.host.changed();
  }

  /** Scrolls by rows, down if positive. */
  scrollBy(rows: number): void {
    const { body } = this.#shown;
    if ("viewer" in body)
      for (let row = 0; row < Math.abs(rows); row++) body.viewer.act(rows > 0 ? "line-down" : "line-up");
    else this.#top = Math.max(0, Math.min(Math.max(0, body.lines.length - this.#height), this.#top + rows));
    this.#browser.host.changed();
  }

  layOutAnew(): void {
    if ("viewer" in this.#shown.body) this.#shown.body.viewer.layOutAnew();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#turn++;
    this.#replace(NOTHING);
    await Promise.all(this.#closing);
  }

  #body(body: Content["body"], size: Size): readonly string[] {
    if ("viewer" in body) return body.viewer.frame(size).rows;
    const shown = body.lines.slice(this.#top, this.#top + size.height);
    return shown.map(({ text, style }) => paint(clipText(text, size.columns).text, style));
  }

  async #look(connection: Connection, item: FileItem | undefined, turn: number): Promise<void> {
    const shown = item === undefined ? NOTHING : await this.#contentOf(connection, item);
    if (turn !== this.#turn) this.#end(shown);
    else this.#replace(shown);
    this.#browser.host.changed();
  }

  async #contentOf(connection: Connection, item: FileItem): Promise<Content> {
    const { entry } = item;
    const title = entry.link === undefined ? entry.name : `${entry.name} -> ${entry.link}`;
    try {
      const { type, backing } =
        entry.type === DT_LNK ? await linked(connection, entry.path) : { type: entry.type, backing: item.backing };
      if (type === DT_DIR) return { title, body: { lines: await this.#names(connection, entry.path) } };
      const isPlain = type === DT_REG && (backing?.kind !== "kernel" || backing.mount.type === "proc");
      const viewer = isPlain ? await this.#text(connection, item) : undefined;
      return { title, body: viewer ? { viewer } : { lines: details(item) } };
    } catch (error) {
      return { title, body: { lines: [...details(item), { text: "" }, { text: failureLine(error) }] } };
    }
  }

  /** Returns undefined for a file that only the agent can read. */
  async #text(connection: Connection, { entry }: FileItem): Promise<ViewerView | undefined> {
    const noFollow = entry.type !== DT_LNK;
    const file = await connection.use((session) => session.open(entry.path, { noFollow }), { onlyLive: true });
    if (file.kind === "file" && !file.relayed) return this.#viewer(file, LOG.test(entry.path));
    file.close();
    return undefined;
  }

  #viewer(file: OpenFile, isLog: boolean): ViewerView {
    const startAtEnd = isLog && file.stat.size > LOG_FROM;
    return new ViewerView(
      { file, title: "", subtitle: "", startAtEnd, follow: false, isPreview: true, closed: () => file.close() },
      this.#host,
    );
  }

  async #names(connection: Connection, path: string): Promise<Line[]> {
    const { items, isWhole } = await readDirectory(connection, path, { maxEntries: MAX_NAMES, onlyLive: true });
    const { theme, colours, arrangement } = this.#browser;
    const shown = arrange(items, arrangement);
    if (shown.length === 0) return [{ text: "empty", style: theme.dim }];
    const names = shown.map(({ entry }) => {
      const end = entry.type === DT_DIR ? "/" : "";
      return { text: entry.name + end, style: colours?.styleOf(entry) };
    });
    // The entries are the first in the directory's order, not the first by name.
    const note = `the first ${grouped(MAX_NAMES)} names, in the directory's order:`;
    return isWhole ? names : [{ text: note, style: theme.warning }, ...names];
  }

  #replace(shown: Content): void {
    this.#end(this.#shown);
    this.#shown = shown;
    this.#top = 0;
  }

  #end({ body }: Content): void {
    if (!("viewer" in body)) return;
    const closing = body.viewer.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

/** Finds the type and storage of a link's target, without opening it. */
function linked(connection: Connection, path: string): Promise<{ type: number; backing: Backing | undefined }> {
  const look = async (session: Session) => {
    const stat = await session.stat(path);
    return { type: typeOf(stat), backing: backingsOf(await mountsOf(session))(stat) };
  };
  return connection.use(look, { onlyLive: true });
}

/** Returns details that are known without an open. */
function details({ entry, backing }: FileItem): Line[] {
  const lines: string[] = [];
  if (entry.stat) {
    const { mode, links, uid, gid, size, inode, rdev, mtime, ctime } = entry.stat;
    lines.push(
      `${kindOf(mode)}, ${modeText(mode)}, ${links} ${links === 1 ? "name" : "names"}`,
      `owner ${entry.users?.get(uid) ?? uid}, group ${entry.groups?.get(gid) ?? gid}`,
      isDevice(entry.type) ? `device ${rdev.major}, ${rdev.minor}` : `${grouped(size)} bytes`,
      `inode ${inode}`,
      `written ${fullTime(mtime)}`,
      `changed ${fullTime(ctime)}`,
    );
  }
  if (entry.link !== undefined) lines.push(`leads to ${entry.link}`);
  if (backing) lines.push(backingSentence(backing));
  return lines.map((text) => ({ text }));
}
