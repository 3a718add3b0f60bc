import type { FollowSource } from "../../../src/follow/index.ts";
import type { FillingListener, OpenFile } from "../../../src/sessions/index.ts";
import type { Zone } from "../../../src/times/index.ts";
import { scrollBar, whereFree } from "../canvas/scroll-bar.ts";
import type { Action } from "../keymap/keymap.ts";
import type { Frame, Host, Location, Size, View } from "../view.ts";
import { contentOf, type ScreenFile, StreamPump, seemsBinary } from "./content.ts";
import { Follower, type ScreenGeneration } from "./follower.ts";
import { isDestination } from "./goto.ts";
import type { LineSource } from "./sources.ts";
import { Viewer } from "./viewer.ts";
import { viewerStatus } from "./viewer-status.ts";
import type { FoundMatch } from "./viewer-types.ts";

/** How a file is shown at first. */
export interface ViewerStart {
  /** Begin with the last page. */
  startAtEnd: boolean;
  /** Begin following; implies the last page. */
  follow: boolean;
  /** Begin with bytes in hex. */
  hex?: boolean | undefined;
  /** Begin there, as typed behind `:` (`123`, `50%`), */
  goto?: string | undefined;
  /** or with the first match of a search. */
  search?: string | undefined;
  /** or with this match. */
  match?: FoundMatch | undefined;
}

export interface ViewerOptions extends ViewerStart {
  /**
   * What is shown. The caller keeps it open until {@link ViewerView.close} has resolved; a followed
   * file that is deleted may be closed before.
   */
  file: ScreenFile;
  /** The target as the user named it. */
  title: string;
  /** How it was reached (route, kind). */
  subtitle: string;
  /** What times without a zone mean, asked when a time is looked for; UTC by default. */
  zone?: (() => Promise<Zone>) | undefined;
  /**
   * How to follow; its `file` is the same open file. Undefined for what has no positions. `tell`
   * brings what is to be said of its container.
   */
  followSource?:
    | FollowSource<ScreenGeneration>
    | ((tell: (text: string) => void) => FollowSource<ScreenGeneration>)
    | undefined;
  /** Shown beside something else: nothing is counted in the background. */
  isPreview?: boolean | undefined;
  /** The sources of a merged text: `mute` and `solo` leave out lines of some. */
  sources?: readonly LineSource[] | undefined;
  /** Where the file is. */
  location?: Location | undefined;
  /**
   * The same file with a descriptor of its own, for programs of this machine: see {@link
   * View.lend}.
   */
  lend?: (() => Promise<OpenFile>) | undefined;
  /** Whether the session that opened the file has ended. */
  ended?: (() => boolean) | undefined;
  /** Set while the file is being decompressed: notifies of growth and of the end. */
  filling?: { watch(listener: FillingListener): void } | undefined;
  /** Called when the view is closed and nothing reads the file any more. */
  closed?: (() => void | Promise<void>) | undefined;
}

/**
 * Up to this width the text uses every column, and the bar appears only beside rows that leave the
 * last column free. Lines of 80 columns are common.
 */
const FULL_COLUMNS = 80;

/** A file that is not followed is looked at this often: it may be cut, or its container may go. */
const LOOK_MS = 1000;

const ENDED = "the container or its agent has ended; the open file is still read";

/**
 * What is done in the background waits so long: the program loads, and one may leave again at once.
 */
const REST_MS = 250;

/** One file: the viewer with what feeds it. */
export class ViewerView implements View {
  readonly contexts = ["viewer", "out"] as const;
  readonly title: string;
  readonly subtitle: string;
  readonly location: Location | undefined;
  readonly #host: Host;
  readonly #viewer: Viewer;
  readonly #pump = new StreamPump();
  readonly #follower: Follower | undefined;
  readonly #closed: ViewerOptions["closed"];
  readonly #lend: ViewerOptions["lend"];
  #size: Size | undefined;
  /** Columns of the body, with the scroll bar. */
  #bodyColumns = 0;
  /** How to begin, once the size is known. */
  #start: ViewerStart | undefined;
  #turn: NodeJS.Timeout | undefined;
  #rest: NodeJS.Timeout | undefined;
  readonly #looks: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(options: ViewerOptions, host: Host) {
    this.#host = host;
    this.#closed = options.closed;
    const { followSource, file } = options;
    let tell = (message: string) => {
      early = message;
    };
    let early = "";
    const content = contentOf(file, (message) => tell(message));
    const { stream } = content;
    this.location = options.location;
    this.#lend = options.lend;
    this.title = options.title;
    this.subtitle = stream && !file.isSeekable ? `${options.subtitle}, as a stream` : options.subtitle;
    this.#start = options;
    const isBinary = options.hex === undefined && seemsBinary(content, options.startAtEnd || options.follow);
    this.#viewer = new Viewer({
      content,
      colours: process.env.NO_COLOR ? "drop" : "pass",
      canFollow: stream !== undefined || (followSource !== undefined && content.chain !== undefined),
      zone: options.zone,
      sources: options.sources,
      hex: options.hex ?? isBinary,
      keyOf: (action) => host.keyOf("viewer", action),
      changed: () => host.changed(),
    });
    tell = (message) => this.#viewer.say(message);
    if (!options.isPreview && content.chain) this.#looks = setInterval(() => this.#look(options.ended), LOOK_MS);
    this.#looks?.unref();
    if (!options.isPreview) this.#rest = setTimeout(() => this.#viewer.ready(), REST_MS);
    if (early) this.#viewer.say(early);
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
        // Removes the path: the title shows it.
        ended: (error) => this.#viewer.changes.filled(error?.message.replace(`${file.path}: `, "")),
      });
    }
    if (stream) {
      this.#pump.start(file, stream, {
        wanted: (readAhead) => this.#viewer.follow === "on" || this.#viewer.unread < readAhead,
        grown: () => this.#viewer.changes.grown(),
        ended: (error) => {
          if (error !== undefined) this.#viewer.say(`reading ended: ${error instanceof Error ? error.message : error}`);
          else if (!file.isSeekable) this.#viewer.say("the stream has ended");
        },
      });
    }
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
    this.#follow();
    this.#pump.wake();
    return done;
  }

  takes(text: string): boolean {
    return isDestination(text);
  }

  /** Goes where `:` and this lead: `123`, `50%`, `0x1f`, a time. */
  command(text: string): boolean {
    if (!isDestination(text)) return false;
    this.#viewer.clearMessage();
    this.#viewer.goto(text);
    this.#pump.wake();
    this.#host.changed();
    return true;
  }

  /** The bytes of the marked range, or of the lines on the screen where there is none. */
  output(): Generator<Buffer> {
    return this.#viewer.output();
  }

  /** Where that is. */
  range(): { start: number; end: number; isMarked: boolean } {
    return this.#viewer.range();
  }

  frame(size: Size): Frame {
    this.#bodyColumns = size.columns;
    const hasBar = this.#host.hasScrollBar;
    const columns = size.columns - (hasBar && size.columns > FULL_COLUMNS ? 1 : 0);
    if (this.#size?.columns !== columns || this.#size.height !== size.height) {
      this.#viewer.resize(columns, Math.max(1, size.height));
      this.#begin();
      this.#size = { columns, height: size.height };
    }
    const { rows, status, message, shown, ticks } = this.#viewer.frame(hasBar);
    if (this.#viewer.isMoving) this.#turnWithSecond();
    const cells = hasBar ? scrollBar({ ...shown, ticks, height: size.height }, this.#host.theme) : undefined;
    const edge = columns < size.columns ? cells : cells && whereFree(cells, rows, columns);
    const keyOf = (action: Action) => this.#host.keyOf("viewer", action);
    return { rows, edge, status: viewerStatus(status, size.columns, keyOf), message };
  }

  /** Takes hold of the scroll bar in the last column, and jumps there. */
  grab(row: number, column: number): boolean {
    if (!this.#host.hasScrollBar || column !== this.#bodyColumns - 1) return false;
    this.#viewer.clearMessage();
    this.#viewer.scrollTo(row, true);
    this.#pump.wake();
    return true;
  }

  drag(row: number): void {
    this.#viewer.scrollTo(row, false);
    this.#pump.wake();
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

  /** While nothing follows the file, its length and its container are looked at here. */
  #look(ended: ViewerOptions["ended"]): void {
    const { changes } = this.#viewer;
    if (!changes.isFollowed && !this.#isEnded && ended?.()) {
      this.#isEnded = true;
      changes.note(ENDED);
      // The row stands at the end of the text, which may be out of sight.
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
    if (start.search !== undefined) this.#viewer.search(start.search, "forward");
    if (start.match) this.#viewer.showFound(start.match);
    this.#follow();
  }

  /** The picture of the last seconds moves on although nothing comes. */
  #turnWithSecond(): void {
    clearTimeout(this.#turn);
    this.#turn = setTimeout(() => this.#host.changed(), 1000 - (Date.now() % 1000));
    this.#turn.unref();
  }

  #follow(): void {
    if (this.#viewer.follow === "on") this.#follower?.start((error) => this.#host.fail(error));
  }

  #ask(action: string): boolean {
    const viewer = this.#viewer;
    const check = (text: string) => viewer.refusal(text);
    switch (action) {
      case "search":
      case "search-back": {
        const direction = action === "search" ? "forward" : "backward";
        this.#host.ask({
          label: action === "search" ? "/" : "\\",
          check,
          changed: (text) => viewer.trySearch(text, direction),
          done: (text) => viewer.search(text, direction),
          cancelled: () => viewer.endTry(),
        });
        return true;
      }
      case "filter":
        this.#host.ask({
          label: "&",
          text: viewer.filter,
          check: (text) => viewer.refusal(text.replace(/^!/, "")),
          done: (text) => viewer.setFilter(text),
          cancelled: () => undefined,
        });
        return true;
      default:
        return false;
    }
  }
}
