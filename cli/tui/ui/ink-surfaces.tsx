import { Writable } from "node:stream";
import { render } from "ink";
import { type ReactNode, useSyncExternalStore } from "react";
import { loadWidths } from "../../../src/text/index.ts";
import { exactly } from "../canvas/layout.ts";
import type { PanelSections } from "../view/panel.ts";
import { KeysBar, StatusBar, TopBar } from "./bars.tsx";
import { DialogOverlay } from "./dialog-overlay.tsx";
import { HelpOverlay } from "./help-overlay.tsx";
import { HistogramBars } from "./histogram-bars.tsx";
import { PaletteOverlay } from "./palette-overlay.tsx";
import { PanelCharts, PanelFacts, PanelLines } from "./side-panel.tsx";
import type { ScreenState } from "./state.ts";
import type { ScreenStore } from "./store.ts";
import type { Surfaces } from "./surfaces.ts";
import { Toast } from "./toast.tsx";

/**
 * Creates the surfaces. Each is a separate Ink root that reads the store, because Ink's cost
 * depends on the area. Calls `changed` once for all surfaces whose rows have changed together.
 */
export async function inkSurfaces(store: ScreenStore, changed: () => void): Promise<Surfaces> {
  // Ink is a separate bundle, with its own table of widths.
  await loadWidths();
  let isTold = true;
  const tell = () => {
    if (isTold) return;
    isTold = true;
    queueMicrotask(() => {
      isTold = false;
      changed();
    });
  };
  const columns = () => store.get().top.columns;
  const root = async (Part: (props: { store: ScreenStore }) => ReactNode) => {
    const made = new Root(columns, tell, <Part store={store} />);
    // A key waits for one root, not for all of them.
    await new Promise(setImmediate);
    return made;
  };
  const top = await root(Top);
  const status = await root(Status);
  const keys = await root(Keys);
  const side = [await root(SideFacts), await root(SideCharts), await root(SideLines)];
  const histogram = await root(Levels);
  const overlay = await root(Overlay);
  const toast = await root(Said);
  isTold = false;
  return {
    top: () => top.rows,
    bottom: () => (store.get().bottom.keys ? [...status.rows, ...keys.rows] : status.rows),
    side() {
      const { side: shown } = store.get();
      if (!shown) return [];
      const heights = [shown.facts.height, shown.charts.height, shown.lines.height];
      return heights.flatMap((height, index) => exactly(side[index]?.rows ?? [], height));
    },
    histogram: () => (store.get().histogram ? histogram.rows : []),
    overlay: () => (store.get().overlay ? overlay.rows : []),
    toast: () => (store.get().toast ? toast.rows : []),
    close() {
      for (const root of [top, status, keys, ...side, histogram, overlay, toast]) root.close();
    },
  };
}

function Top({ store }: { store: ScreenStore }) {
  return <TopBar state={usePart(store, "top")} theme={usePart(store, "theme")} />;
}

function Status({ store }: { store: ScreenStore }) {
  return <StatusBar state={usePart(store, "bottom")} theme={usePart(store, "theme")} />;
}

/** The keys have a separate root: the status changes with each step, the keys do not. */
function Keys({ store }: { store: ScreenStore }) {
  const keys = useSyncExternalStore(store.subscribe, () => store.get().bottom.keys);
  const columns = useSyncExternalStore(store.subscribe, () => store.get().bottom.columns);
  const theme = usePart(store, "theme");
  return keys && <KeysBar keys={keys} columns={columns} theme={theme} />;
}

function SideFacts({ store }: { store: ScreenStore }) {
  const facts = useSection(store, "facts");
  const theme = usePart(store, "theme");
  return facts && <PanelFacts state={facts} theme={theme} />;
}

function SideCharts({ store }: { store: ScreenStore }) {
  const charts = useSection(store, "charts");
  const theme = usePart(store, "theme");
  return charts && <PanelCharts state={charts} theme={theme} />;
}

function SideLines({ store }: { store: ScreenStore }) {
  const lines = useSection(store, "lines");
  const theme = usePart(store, "theme");
  return lines && <PanelLines state={lines} theme={theme} />;
}

function Levels({ store }: { store: ScreenStore }) {
  const histogram = usePart(store, "histogram");
  const theme = usePart(store, "theme");
  return histogram && <HistogramBars state={histogram} theme={theme} />;
}

function Overlay({ store }: { store: ScreenStore }) {
  const overlay = usePart(store, "overlay");
  const theme = usePart(store, "theme");
  if (overlay?.kind === "help") return <HelpOverlay {...overlay} theme={theme} />;
  if (overlay?.kind === "dialog") return <DialogOverlay state={overlay} theme={theme} />;
  return overlay && <PaletteOverlay state={overlay} theme={theme} />;
}

function Said({ store }: { store: ScreenStore }) {
  const toast = usePart(store, "toast");
  const theme = usePart(store, "theme");
  return toast && <Toast state={toast} theme={theme} />;
}

/** Returns a part of the store. The root renders again only when this part has changed. */
function usePart<Part extends keyof ScreenState>(store: ScreenStore, part: Part): ScreenState[Part] {
  return useSyncExternalStore(store.subscribe, () => store.get()[part]);
}

/** Returns a section of the panel. */
function useSection<Name extends "facts" | "charts" | "lines">(
  store: ScreenStore,
  name: Name,
): PanelSections[Name] | undefined {
  return useSyncExternalStore(store.subscribe, () => store.get().side?.[name]);
}

/**
 * An Ink root. Its stdout keeps the last frame as rows: Ink lays out and draws, and only the
 * compositor writes to the terminal. In debug mode Ink writes each frame whole and at once, without
 * cursor movements. It gets no stdin, because the application handles the keys.
 */
class Root {
  #rows: readonly string[] = [];
  readonly #unmount: () => void;

  constructor(columns: () => number, changed: () => void, tree: ReactNode) {
    const stdout = new Writable({
      decodeStrings: false,
      write: (chunk, _encoding, done) => {
        this.#rows = String(chunk).split("\n");
        changed();
        done();
      },
    });
    Object.defineProperties(stdout, {
      columns: { get: columns },
      rows: { value: 1000 },
      isTTY: { value: false },
    });
    const stdin = Object.assign(new Writable(), { isTTY: false });
    this.#unmount = render(tree, inkOptions(stdout, stdin)).unmount;
  }

  get rows(): readonly string[] {
    return this.#rows;
  }

  close(): void {
    this.#unmount();
  }
}

/** Ink requires terminal streams, but uses only these properties. */
function inkOptions(stdout: Writable, stdin: Writable) {
  return {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    stderr: stdout as unknown as NodeJS.WriteStream,
    debug: true,
    exitOnCtrlC: false,
    patchConsole: false,
  };
}
