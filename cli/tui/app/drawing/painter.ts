import { Compositor } from "../../canvas/compositor.ts";
import { exactly, isSameRectangle, laidOver, type Rectangle, type Regions, withPanel } from "../../canvas/layout.ts";
import { plainTitle, screenRows } from "../../canvas/screen-rows.ts";
import { overlayCorner } from "../../ui/overlay-corner.ts";
import type { ScreenState } from "../../ui/state.ts";
import { ScreenStore } from "../../ui/store.ts";
import type { Surfaces } from "../../ui/surfaces.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Minimum milliseconds between renders of the surfaces: 30 per second. */
const SURFACES_MS = 33;

/** The parts of the application that the painter reads. */
export interface PainterHost {
  /**
   * Returns the state of the surfaces; undefined without a visible view, or while another program
   * has the terminal.
   */
  state(): ScreenState | undefined;
  /** True while a key's frame is not drawn yet: surfaces wait for that frame. */
  isKeyWaiting(): boolean;
  /** Called after the surfaces of a frame are written, while no key waits. */
  idle(): void;
  failed(error: unknown): void;
}

/** The body of a frame, and its position. */
export interface Body {
  rows: readonly string[];
  /** Cells of the last column, one per row. */
  edge: readonly string[] | undefined;
  /** The part of the body for the panel; undefined if there is no panel. */
  side?: Rectangle | undefined;
  columns: number;
  regions: Regions;
  /** Title that is shown above the body until Ink is loaded. */
  title: string;
}

/**
 * Composes the screen. Rows of the body are written at once; surfaces render after them and are
 * written when they have changed. Until Ink is loaded, the screen is the body and one plain row
 * with its title.
 */
export class Painter {
  readonly #terminal: Terminal;
  readonly #host: PainterHost;
  readonly #compositor: Compositor;
  #store: ScreenStore | undefined;
  #surfaces: Surfaces | undefined;
  /** Creates the surfaces. Set once Ink is loaded, until they are created. */
  #ink: ((store: ScreenStore, changed: () => void) => Promise<Surfaces>) | undefined;
  #body: Body | undefined;
  #timer: NodeJS.Timeout | undefined;
  #last = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  /** `compositor`: knows what the terminal shows already. */
  constructor(terminal: Terminal, host: PainterHost, compositor = new Compositor()) {
    this.#terminal = terminal;
    this.#compositor = compositor;
    this.#host = host;
  }

  /**
   * Writes what has changed of a body, and returns whether anything has. Its surfaces follow: see
   * {@link paintSurfaces}.
   */
  paintBody(body: Body): boolean {
    this.#body = body;
    return this.#write();
  }

  /** Schedules the surfaces. */
  paintSurfaces(): void {
    this.#render();
    if (this.#ink) this.#makeSurfaces().catch((error) => this.#host.failed(error));
  }

  /** The terminal's content is unknown: the next frame draws every row. */
  invalidate(): void {
    this.#compositor.invalidate();
  }

  /**
   * Loads Ink, which takes 15 MB of memory, and longer than the first text. Draws the surfaces once
   * `isReady` has resolved.
   */
  async load(isReady: Promise<void>): Promise<void> {
    const [{ inkSurfaces }] = await Promise.all([import("../../ui/ink-surfaces.tsx"), isReady]);
    this.#ink = inkSurfaces;
    await this.#makeSurfaces();
  }

  /** Waits for a frame if another program has the terminal. */
  async #makeSurfaces(): Promise<void> {
    const state = this.#host.state();
    const inkSurfaces = this.#ink;
    if (!inkSurfaces || !state || this.#isClosed) return;
    this.#ink = undefined;
    const store = new ScreenStore(state);
    const surfaces = await inkSurfaces(store, () => this.#changed());
    if (this.#isClosed) {
      surfaces.close();
      return;
    }
    this.#store = store;
    this.#surfaces = surfaces;
    this.#render();
    this.#changed();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#surfaces?.close();
  }

  #render(): void {
    if (!this.#store || this.#timer || this.#isClosed) return;
    const wait = Math.max(0, this.#last + SURFACES_MS - performance.now());
    // Runs after pending keys: timers run before input, setImmediate runs after it.
    this.#timer = setTimeout(() => setImmediate(() => this.#renderNow()), wait);
  }

  #renderNow(): void {
    this.#timer = undefined;
    // The frame for the waiting key requests the surfaces again.
    if (this.#isClosed || this.#host.isKeyWaiting()) return;
    const state = this.#host.state();
    if (!state) return;
    this.#last = performance.now();
    this.#store?.set(state);
    // Runs after the surfaces, which render in microtasks, and after pending keys.
    setImmediate(() => {
      if (!this.#isClosed && !this.#host.isKeyWaiting()) this.#host.idle();
    });
  }

  /** If the terminal is busy, the painter requests a whole frame when output is accepted again. */
  #changed(): void {
    if (this.#isClosed || this.#terminal.busy || !this.#host.state()) return;
    try {
      this.#write();
    } catch (error) {
      this.#host.failed(error);
    }
  }

  #write(): boolean {
    const body = this.#body;
    if (!body) return false;
    const { columns, regions } = body;
    const state = this.#store?.get();
    // Surfaces for another width are not shown: the rows stay blank until the surfaces render
    // again.
    const surfaces = state?.top.columns === columns ? this.#surfaces : undefined;
    const laidOut = this.#laidOut(body, state, surfaces);
    const top = surfaces?.top() ?? (this.#surfaces ? [] : [plainTitle(body.title, columns)]);
    const parts = { top, body: laidOut.rows, bottom: surfaces?.bottom() ?? [], edge: laidOut.edge };
    const { rows, edge } = screenRows(parts, regions, { columns, rows: this.#terminal.rows });
    const bytes = this.#compositor.frame(rows, edge);
    this.#terminal.write(bytes);
    return bytes !== "";
  }

  /**
   * Draws the panel and the overlays over the body. Returns only the uncovered cells of the edge.
   */
  #laidOut(
    { rows, edge = [], side, columns, regions }: Body,
    state: ScreenState | undefined,
    surfaces: Surfaces | undefined,
  ): { rows: readonly string[]; edge: readonly string[] } {
    const size = { columns, height: regions.body };
    let body: readonly string[] = exactly(rows, size.height);
    let cells: readonly string[] = exactly(edge, size.height);
    // Skips a panel of another size. The next frame of the surfaces has the right size.
    const panel = state?.side ?? state?.histogram;
    if (side && surfaces && panel && isSameRectangle(panel, side))
      body = withPanel(body, state?.side ? surfaces.side() : surfaces.histogram(), side);
    for (const part of [state?.overlay, state?.toast]) {
      const over = part && (part === state?.overlay ? surfaces?.overlay() : surfaces?.toast());
      if (!part || !over || over.length === 0) continue;
      const width = Math.min(part.width, columns);
      const corner = overlayCorner(part, { width, height: over.length }, size);
      body = laidOver(body, over, width, corner);
      if (corner.column + width < columns) continue;
      cells = cells.map((cell, row) => (over[row - corner.row] === undefined ? cell : ""));
    }
    return { rows: body, edge: cells };
  }
}
