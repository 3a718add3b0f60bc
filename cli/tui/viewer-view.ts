import type { FollowSource, OpenFile } from "../../src/index.ts";
import { contentOf, type ScreenFile, StreamPump } from "./content.ts";
import { Follower, type ScreenGeneration } from "./follower.ts";
import type { Action } from "./keymap.ts";
import type { Frame, Host, Location, Size, View } from "./view.ts";
import { Viewer } from "./viewer.ts";
import { viewerStatus } from "./viewer-status.ts";

export interface ViewerOptions {
  /** What is shown. It stays the caller's and must stay open until {@link ViewerView.close} has resolved. */
  file: ScreenFile;
  /** The target as the user named it. */
  title: string;
  /** How it was reached (route, kind). */
  subtitle: string;
  /** Begin with the last page. */
  startAtEnd: boolean;
  /** Begin following; implies the last page. */
  follow: boolean;
  /** How to follow; its `file` is the same open file. Undefined for what has no positions. */
  followSource?: FollowSource<ScreenGeneration> | undefined;
  /** Where the file is. */
  location?: Location | undefined;
  /** The same file with a descriptor of its own, for programs of this machine: see {@link View.lend}. */
  lend?: (() => Promise<OpenFile>) | undefined;
  /** Called when the view is closed and nothing reads the file any more. */
  closed?: (() => void) | undefined;
}

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
  readonly #closed: (() => void) | undefined;
  readonly #lend: ViewerOptions["lend"];
  #size: Size | undefined;
  /** Where to begin, once the size is known. */
  #start: "start" | "end" | "follow";

  constructor(options: ViewerOptions, host: Host) {
    this.#host = host;
    this.#closed = options.closed;
    this.location = options.location;
    this.#lend = options.lend;
    const { source, stream } = contentOf(options.file);
    this.title = options.title;
    this.subtitle = stream && !options.file.isSeekable ? `${options.subtitle}, as a stream` : options.subtitle;
    this.#start = options.follow ? "follow" : options.startAtEnd ? "end" : "start";
    this.#viewer = new Viewer({
      source,
      colours: process.env.NO_COLOR ? "drop" : "pass",
      canFollow: stream !== undefined || options.followSource !== undefined,
      changed: () => host.changed(),
    });
    if (options.followSource && !stream) this.#follower = new Follower(options.followSource, this.#viewer);
    if (stream) {
      this.#pump.start(options.file, stream, {
        wanted: (readAhead) => this.#viewer.follow === "on" || this.#viewer.unread < readAhead,
        grown: () => this.#viewer.grown(),
        ended: (error) => {
          if (error !== undefined) this.#viewer.say(`reading ended: ${error instanceof Error ? error.message : error}`);
          else if (!options.file.isSeekable) this.#viewer.say("the stream has ended");
        },
      });
    }
  }

  async lend(): Promise<OpenFile | undefined> {
    return this.#lend?.();
  }

  act(action: Action): boolean {
    this.#viewer.clearMessage();
    const done = action === "search" ? this.#askPattern() : this.#viewer.act(action);
    this.#follow();
    this.#pump.wake();
    return done;
  }

  frame(size: Size): Frame {
    if (this.#size?.columns !== size.columns || this.#size.height !== size.height) {
      this.#viewer.resize(size.columns, Math.max(1, size.height));
      this.#begin();
      this.#size = size;
    }
    const { rows, status } = this.#viewer.frame();
    return { rows, status: viewerStatus(status) };
  }

  layOutAnew(): void {
    this.#viewer.layOutAnew();
  }

  async close(): Promise<void> {
    await this.#viewer.close();
    await this.#follower?.close();
    await this.#pump.close();
    this.#closed?.();
  }

  #begin(): void {
    if (this.#start !== "start") this.#viewer.toEnd();
    if (this.#start === "follow") this.#viewer.toggleFollow();
    this.#start = "start";
    this.#follow();
  }

  #follow(): void {
    this.#follower?.update((error) => this.#host.fail(error));
  }

  #askPattern(): boolean {
    this.#host.ask({ label: "/", done: (text) => this.#viewer.search(text) });
    return true;
  }
}
