import type { OpenFile } from "../../../src/sessions/index.ts";
import { levelLooks } from "../canvas/line-text.ts";
import { type Action, type Context, KEYMAP } from "../keymap/keymap.ts";
import { HISTOGRAM_ROWS } from "../ui/histogram-rows.ts";
import type { Frame, Host, Location, Size, View } from "../view/view.ts";
import { contentOf, StreamPump, seemsBinary } from "./document/content.ts";
import { Follower } from "./follow/follower.ts";
import { isJumpTarget } from "./positions/goto.ts";
import type { ViewerStart } from "./positions/start-position.ts";
import { barBeside, textColumns } from "./rows/text-columns.ts";
import { Viewer } from "./viewer.ts";
import { viewerStatus } from "./viewer-status.ts";
import type { ViewerViewOptions } from "./viewer-view-options.ts";

/** Minimum rows of the body for a histogram. At least half of the rows stay free for the text. */
const MIN_FOR_HISTOGRAM = 2 * HISTOGRAM_ROWS;

/**
 * Milliseconds between checks of a file that is not followed. It may be truncated, or its container
 * may end.
 */
const LOOK_MS = 1000;

const NO_DATA = "no data yet; waiting for it";

const ENDED = "the container or its agent has ended; the open file is still read";

/**
 * Milliseconds before background work starts. Until then the program is still loading, and the user
 * may quit at once.
 */
const REST_MS = 250;

/** A view of one file: the viewer, and the parts that feed it. */
export class ViewerView implements View {
  readonly contexts: readonly Context[];
  readonly title: string;
  readonly #subtitle: () => string;
  readonly location: Location | undefined;
  readonly #host: Host;
  readonly #viewer: Viewer;
  readonly #pump = new StreamPump();
  readonly #follower: Follower | undefined;
  readonly #closed: ViewerViewOptions["closed"];
  readonly #lend: ViewerViewOptions["lend"];
  #size: Size | undefined;
  /** Columns of the body, including the scroll bar. */
  #bodyColumns = 0;
  /** True while the mouse drags over the histogram, not the scroll bar. */
  #isOnHistogram = false;
  /** Start options, until the size is known. */
  #start: ViewerStart | undefined;
  #turn: NodeJS.Timeout | undefined;
  #rest: NodeJS.Timeout | undefined;
  readonly #looks: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(options: ViewerViewOptions, host: Host) {
    this.#host = host;
    this.contexts = [...(options.sources ? (["merged"] as const) : []), "viewer", "out"];
    this.#closed = options.closed;
    const { followSource, file } = options;
    let tell = (message: string) => {
      early = message;
    };
    let early = "";
    const content = contentOf(file, (message) => tell(message), options.earlier?.files);
    const { stream } = content;
    this.location = options.location;
    this.#lend = options.lend;
    this.title = options.title;
    const { subtitle } = options;
    const text = typeof subtitle === "function" ? subtitle : () => subtitle;
    const isStream = stream !== undefined && !file.isSeekable && !options.sources;
    this.#subtitle = isStream ? () => `${text()}, as a stream` : text;
    options.watchSubtitle?.(() => host.changed());
    this.#start = options;
    const isBinary = options.hex === undefined && seemsBinary(content, options.startAtEnd || options.follow);
    this.#viewer = new Viewer({
      content,
      colours: process.env.NO_COLOR ? "drop" : "pass",
      levelLooks: levelLooks(host.theme),
      canFollow: stream !== undefined || (followSource !== undefined && content.chain !== undefined),
      zone: options.zone,
      sources: options.sources,
      newFrom: options.newFrom,
      hex: options.hex ?? isBinary,
      keyOf: (action) => this.#keyOf(action),
      changed: () => host.changed(),
    });
    tell = (message) => this.#viewer.say(message);
    if (!options.isPreview && content.chain) this.#looks = setInterval(() => this.#look(options.ended), LOOK_MS);
    this.#looks?.unref();
    let isWaiting = false;
    let isOpen = stream !== undefined && !file.isSeekable;
    if (!options.isPreview)
      this.#rest = setTimeout(() => {
        this.#viewer.ready();
        isWaiting = isOpen && stream?.end() === 0;
        if (isWaiting) this.#viewer.say(NO_DATA);
      }, REST_MS);
    if (early) this.#viewer.say(early);
    else if (options.earlier?.omitted) this.#viewer.say(options.earlier.omitted);
    else if (isBinary) this.#viewer.say(`binary, so in hex: ${host.keyOf("viewer", "hex")} shows text`);
    if (followSource && content.chain) {
      const isTold = typeof followSource === "function";
      const source = isTold ? followSource((text) => this.#viewer.changes.note(text)) : followSource;
      this.#follower = new Follower(source, this.#viewer.changes, isTold);
    }
    if (options.filling) {
      this.#viewer.changes.isFilling = true;
      options.filling.watch({
        grown: () => this.#viewer.changes.grown(),
        // Removes the path from the message, because the title shows it.
        ended: (error) => this.#viewer.changes.filled(error?.message.replace(`${file.path}: `, "")),
      });
    }
    if (stream) {
      this.#pump.start(file, stream, {
        wanted: (readAhead) => this.#viewer.follow === "on" || this.#viewer.unread < readAhead,
        grown: () => {
          if (isWaiting) this.#viewer.clearMessage();
          isWaiting = false;
          this.#viewer.changes.grown();
        },
        ended: (error) => {
          isOpen = false;
          if (error !== undefined) this.#viewer.say(`reading ended: ${error instanceof Error ? error.message : error}`);
          else if (!file.isSeekable) this.#viewer.say("the stream has ended");
        },
      });
    }
  }

  get subtitle(): string {
    return this.#subtitle();
  }

  key(key: string): boolean {
    const taken = this.#viewer.key(key);
    if (taken) this.#host.changed();
    return taken;
  }

  async lend(): Promise<OpenFile | undefined> {
    return this.#lend?.();
  }

  act(action: Action): boolean {
    this.#viewer.clearMessage();
    const done = this.#ask(action) || this.#viewer.act(action);
    if (action === "histogram" && this.#viewer.hasHistogram) this.#sayRoom();
    this.#follow();
    this.#pump.wake();
    return done;
  }

  takes(text: string): boolean {
    return isJumpTarget(text);
  }

  /** Goes to a destination typed after `:`: `123`, `50%`, `0x1f`, a time. */
  command(text: string): boolean {
    if (!isJumpTarget(text)) return false;
    this.#viewer.clearMessage();
    this.#viewer.goto(text);
    this.#pump.wake();
    this.#host.changed();
    return true;
  }

  /** Returns the bytes of the marked range; without a range, of the visible lines. */
  output(): Generator<Buffer> {
    return this.#viewer.output();
  }

  /** Returns the offsets of these bytes. */
  range(): { start: number; end: number; isMarked: boolean } {
    return this.#viewer.range();
  }

  frame(size: Size): Frame {
    this.#bodyColumns = size.columns;
    const hasBar = this.#host.hasScrollBar;
    const columns = textColumns(size.columns, hasBar);
    const hasHistogram = this.#viewer.hasHistogram && size.height >= MIN_FOR_HISTOGRAM;
    const height = hasHistogram ? size.height - HISTOGRAM_ROWS : size.height;
    if (this.#size?.columns !== columns || this.#size.height !== height) {
      this.#viewer.resize(columns, Math.max(1, height));
      this.#begin();
      this.#size = { columns, height };
    }
    const { rows, status, message, shown, ticks } = this.#viewer.frame(hasBar);
    const keyOf = (action: Action) => this.#keyOf(action);
    if (this.#viewer.isMoving) this.#turnWithSecond();
    const { theme } = this.#host;
    const edge = hasBar ? barBeside(rows, shown, { columns: size.columns, height, ticks, theme }) : undefined;
    const rectangle = { column: 0, row: height, width: size.columns, height: HISTOGRAM_ROWS };
    const histogram = hasHistogram ? this.#viewer.histogram(rectangle) : undefined;
    return {
      ...{ rows, edge, histogram, message },
      get status() {
        return viewerStatus(status(), size.columns, keyOf);
      },
    };
  }

  /** Grabs the histogram, or the scroll bar in the last column, and jumps to this position. */
  grab(row: number, column: number): boolean {
    this.#isOnHistogram = row >= (this.#size?.height ?? row + 1);
    if (this.#isOnHistogram) {
      this.#viewer.clearMessage();
      this.#viewer.showBar(column, this.#bodyColumns, true);
      return true;
    }
    if (!this.#host.hasScrollBar || column !== this.#bodyColumns - 1) return false;
    this.#viewer.clearMessage();
    this.#viewer.scrollTo(row, true);
    this.#pump.wake();
    return true;
  }

  drag(row: number, column: number): void {
    if (this.#isOnHistogram) this.#viewer.showBar(column, this.#bodyColumns, false);
    else this.#viewer.scrollTo(row, false);
    this.#pump.wake();
  }

  prepare(): void {
    this.#viewer.prepare();
  }

  layOutAnew(): void {
    this.#viewer.layOutAnew();
  }

  async close(): Promise<void> {
    clearTimeout(this.#turn);
    clearTimeout(this.#rest);
    clearInterval(this.#looks);
    await this.#viewer.close();
    await this.#follower?.close();
    await this.#pump.close();
    await this.#closed?.();
  }

  /** Returns the key of an action, in the narrowest context that has the action. */
  #keyOf(action: Action): string {
    const context = this.contexts.find((one) => KEYMAP[one].some((binding) => binding.action === action));
    return this.#host.keyOf(context ?? "viewer", action);
  }

  /** Checks the length and the container of a file that is not followed. */
  #look(ended: ViewerViewOptions["ended"]): void {
    const { changes } = this.#viewer;
    if (!changes.isFollowed && !this.#isEnded && ended?.()) {
      this.#isEnded = true;
      changes.note(ENDED);
      // Also shows a message, because the row is at the end of the text and may not be visible.
      this.#viewer.say(ENDED);
    }
    if (this.#viewer.hasChanged) this.#host.changed();
  }

  #begin(): void {
    const start = this.#start;
    this.#start = undefined;
    if (!start) return;
    if (start.startAtEnd || start.follow) this.#viewer.toEnd();
    if (start.follow) this.#viewer.toggleFollow();
    if (start.goto !== undefined) this.#viewer.goto(start.goto);
    if (start.search !== undefined) this.#viewer.prompt.search(start.search, "forward");
    if (start.match) this.#viewer.showFound(start.match);
    this.#follow();
  }

  /** Redraws the sparkline every second, even without new lines. */
  #turnWithSecond(): void {
    clearTimeout(this.#turn);
    this.#turn = setTimeout(() => this.#host.changed(), 1000 - (Date.now() % 1000));
    this.#turn.unref();
  }

  #follow(): void {
    if (this.#viewer.follow === "on") this.#follower?.start((error) => this.#host.fail(error));
  }

  /** Reports a screen that is too low for the histogram. */
  #sayRoom(): void {
    const { height = 0 } = this.#size ?? {};
    if (height < MIN_FOR_HISTOGRAM)
      this.#viewer.say(`levels over time need ${MIN_FOR_HISTOGRAM} rows of text; this screen has ${height}`);
  }

  #ask(action: string): boolean {
    const { prompt } = this.#viewer;
    const check = (text: string) => prompt.refusal(text);
    switch (action) {
      case "search":
      case "search-back": {
        const direction = action === "search" ? "forward" : "backward";
        this.#host.ask({
          label: action === "search" ? "/" : "\\",
          enter: "search",
          check,
          changed: (text) => prompt.try(text, direction),
          done: (text) => prompt.search(text, direction),
          cancelled: () => prompt.endTry(),
        });
        return true;
      }
      case "filter":
        this.#host.ask({
          label: "&",
          enter: "filter",
          text: prompt.filter,
          check: (text) => prompt.refusal(text.replace(/^!/, "")),
          done: (text) => prompt.setFilter(text),
          cancelled: () => undefined,
        });
        return true;
      default:
        return false;
    }
  }
}
