import type { Compositor } from "../../canvas/compositor.ts";
import { type Regions, regionsOf } from "../../canvas/layout.ts";
import type { Theme } from "../../canvas/theme.ts";
import type { Keymap } from "../../keymap/keymap.ts";
import { panelSections } from "../../ui/panel-rows.ts";
import type { ScreenState } from "../../ui/state.ts";
import type { HistogramState } from "../../view/histogram.ts";
import type { PanelSections } from "../../view/panel.ts";
import type { Status } from "../../view/view.ts";
import type { Overlays } from "../prompt/overlays.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { FrameClock } from "./frames.ts";
import { Painter } from "./painter.ts";
import { screenState } from "./screen-state.ts";
import type { Tabs } from "./tabs.ts";

/** The parts of the program that the screen reads. */
export interface ScreenHost {
  terminal: Terminal;
  tabs: Tabs;
  overlays: Overlays;
  keymap: Keymap;
  theme(): Theme;
  /** False while another program has the terminal, and after the end. */
  isOurs(): boolean;
  failed(error: unknown): void;
}

/** Draws the visible view and the surfaces around it. */
export class Screen {
  readonly #host: ScreenHost;
  readonly #painter: Painter;
  readonly #clock: FrameClock;
  /** The status row of the last frame. */
  #status: Status = { mark: "", left: "", right: "" };
  #side: PanelSections | undefined;
  #histogram: HistogramState | undefined;
  #viewMessage = "";
  /** True from the arrival of a key until its frame is drawn. */
  #isKeyWaiting = false;
  /** The message of the program. */
  message = "";

  /** `compositor`: knows what the terminal shows already. */
  constructor(host: ScreenHost, compositor?: Compositor) {
    this.#host = host;
    const painterHost = {
      state: () => this.state(),
      isKeyWaiting: () => this.#isKeyWaiting,
      idle: () => host.tabs.view?.prepare?.(),
      failed: host.failed,
    };
    this.#painter = new Painter(host.terminal, painterHost, compositor);
    this.#clock = new FrameClock(
      () => this.#draw(),
      () => !host.terminal.busy,
    );
    host.terminal.onDrain = () => this.request();
  }

  /** Requests a frame. `isForKey`: surfaces wait for the frame. */
  request(isForKey = false): void {
    this.#isKeyWaiting ||= isForKey;
    this.#clock.request();
  }

  /** Draws the frame of a key as soon as its event is handled. */
  flush(): void {
    if (this.#isKeyWaiting) this.#clock.flush();
  }

  /** Draws a frame at once. */
  drawNow(): void {
    this.#clock.now();
  }

  /** The terminal's content is unknown: the next frame draws every row. */
  invalidate(): void {
    this.#painter.invalidate();
    this.#clock.request();
  }

  /** Loads Ink, and draws the surfaces once `isReady` has resolved. */
  load(isReady: Promise<void>): Promise<void> {
    return this.#painter.load(isReady);
  }

  /** Ends drawing. */
  stop(): void {
    this.#clock.stop();
  }

  close(): void {
    this.stop();
    this.#painter.close();
  }

  get regions(): Regions {
    const { terminal, tabs } = this.#host;
    return regionsOf(terminal.rows, { hasTabs: tabs.count > 1 });
  }

  /** State of the surfaces; undefined while another program has the terminal. */
  state(): ScreenState | undefined {
    const { terminal, tabs, overlays, keymap, theme, isOurs } = this.#host;
    const { view } = tabs;
    if (!view || !isOurs()) return undefined;
    return screenState({
      ...{ view, tabs, overlays, keymap, theme: theme(), columns: terminal.columns, regions: this.regions },
      ...{ status: this.#status, side: this.#side, histogram: this.#histogram },
      ...{ message: this.message, viewMessage: this.#viewMessage },
    });
  }

  /** Returns whether the body was written. */
  #draw(): boolean {
    this.#isKeyWaiting = false;
    const { view } = this.#host.tabs;
    if (!view || !this.#host.isOurs()) return false;
    const { columns } = this.#host.terminal;
    const { regions } = this;
    const frame = view.frame({ columns, height: regions.body });
    const { rows, edge, side, histogram, message = "" } = frame;
    this.#side = side && panelSections(side);
    this.#histogram = histogram;
    this.#viewMessage = message;
    const body = { rows, edge, side: side ?? histogram, columns, regions, title: view.title };
    const isWritten = this.#painter.paintBody(body);
    this.#status = frame.status;
    this.#painter.paintSurfaces();
    return isWritten;
  }
}
