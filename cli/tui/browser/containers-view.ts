import type { ContainersState } from "../../../src/engines/index.ts";
import { watchContainers } from "../../../src/routes/index.ts";
import type { Action } from "../keymap/keymap.ts";
import { ListPane } from "../lists/list-pane.ts";
import type { Frame, Size, View } from "../view.ts";
import {
  type ContainerItem,
  containerColumns,
  containerItems,
  containerMessage,
  isRunning,
  stoppedCount,
} from "./containers-items.ts";
import type { BrowserContext, OpenMode } from "./context.ts";
import { failureLine } from "./failure-lines.ts";

/** Uptimes are looked at again after this many milliseconds. */
const TICK_MS = 1_000;

/** The containers of every engine, as they come and go. */
export class ContainersView implements View {
  readonly contexts = ["containers", "list"] as const;
  readonly title = "Containers";
  readonly #browser: BrowserContext;
  readonly #abort = new AbortController();
  readonly #watching: Promise<void>;
  readonly #ticks: NodeJS.Timeout;
  #pane: ListPane<ContainerItem>;
  #state: ContainersState = { containers: [], troubles: [], complete: false };
  #stopped = false;
  #engines = false;

  constructor(browser: BrowserContext) {
    this.#browser = browser;
    this.#pane = this.#makePane();
    this.#watching = watchContainers({
      engine: browser.options.engine,
      route: browser.options.route,
      signal: this.#abort.signal,
      changed: (state) => this.#update(state),
    });
    this.#watching.catch((error) => browser.host.fail(error));
    this.#ticks = setInterval(() => browser.host.changed(), TICK_MS);
  }

  get subtitle(): string {
    const names = new Set(this.#state.containers.map(({ engine }) => engine.name));
    return [...names].join(", ");
  }

  act(action: Action): boolean {
    switch (action) {
      case "open":
        this.#open("files");
        return true;
      case "open-in-tab":
        this.#open("files", "tab");
        return true;
      case "open-files":
        this.#open("processes");
        return true;
      case "output":
        this.#open("output");
        return true;
      case "mounts":
        this.#open("mounts");
        return true;
      case "sandboxes":
        this.#browser.openSandboxes(
          this.#state.containers.flatMap(({ details }) => (details?.pid ? [details.pid] : [])),
        );
        return true;
      case "toggle-stopped":
        this.#stopped = !this.#stopped;
        this.#refresh();
        return true;
      case "refresh":
        return true;
      default:
        return this.#pane.act(action);
    }
  }

  frame(size: Size): Frame {
    const { at, shown } = this.#pane.list.counts;
    const selected = this.#pane.list.selected?.container;
    const hidden = this.#stopped ? 0 : stoppedCount(this.#state);
    const trouble = this.#state.containers.length > 0 ? this.#state.troubles[0] : undefined;
    const filter = this.#pane.list.filter;
    return {
      rows: this.#pane.rows(size),
      status: {
        mark: filter ? `/${filter}` : "",
        left: trouble ? failureLine(trouble) : selected ? containerMessage(selected) : "",
        right: [
          hidden > 0 ? `${hidden} stopped (${this.#key("toggle-stopped")} shows)` : "",
          shown > 0 ? `${at} of ${shown}` : "",
        ]
          .filter(Boolean)
          .join("  "),
      },
    };
  }

  click(row: number): boolean {
    return this.#pane.click(row);
  }

  async close(): Promise<void> {
    clearInterval(this.#ticks);
    this.#abort.abort();
    await this.#watching;
  }

  #makePane(): ListPane<ContainerItem> {
    const columns = containerColumns(this.#browser.theme, { engines: this.#engines, now: Date.now });
    const empty = () => this.#emptyLines();
    return new ListPane({ columns, theme: this.#browser.theme, empty }, this.#browser.host);
  }

  #update(state: ContainersState): void {
    this.#state = state;
    const engines = new Set(state.containers.map(({ engine }) => engine.socketPath)).size > 1;
    if (engines !== this.#engines) {
      this.#engines = engines;
      const { filter, selected } = this.#pane.list;
      this.#pane = this.#makePane();
      this.#pane.list.setFilter(filter);
      this.#refresh();
      if (selected) this.#pane.list.select(selected.key);
    }
    this.#refresh();
    this.#browser.host.changed();
  }

  #refresh(): void {
    this.#pane.list.setItems(containerItems(this.#state, { stopped: this.#stopped }));
  }

  #emptyLines(): string[] {
    const { troubles, complete } = this.#state;
    const trouble = troubles[0];
    if (trouble)
      return [
        trouble.message,
        ...(trouble.hint ? [trouble.hint] : []),
        `${this.#key("sandboxes")} looks into the namespaces of processes, without an engine`,
      ];
    if (!complete) return ["asking the container engines ..."];
    const stopped = stoppedCount(this.#state);
    if (stopped > 0)
      return [`no container is running, ${stopped} stopped`, `${this.#key("toggle-stopped")} shows them`];
    return [
      "no container is running",
      `they appear here when they are started; ${this.#key("sandboxes")} looks into the namespaces of processes`,
    ];
  }

  #key(action: Action): string {
    return this.#browser.host.keyOf("containers", action);
  }

  #open(what: "files" | "processes" | "mounts" | "output", how?: OpenMode): void {
    const container = this.#pane.list.selected?.container;
    if (!container) return;
    // What is left of one that does not run is its files.
    if (!isRunning(container) && what === "processes") {
      this.#browser.host.say(containerMessage(container));
      return;
    }
    const place = this.#browser.place(
      { kind: "container", name: container.name, path: "/" },
      `unix://${container.engine.socketPath}`,
    );
    if (what === "files") this.#browser.openFiles(place, "/", undefined, how);
    else if (what === "processes") this.#browser.openProcesses(place);
    else if (what === "output") void this.#browser.openOutput(place);
    else this.#browser.openMounts(place);
  }
}
