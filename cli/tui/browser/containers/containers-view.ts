import { type ContainersState, engineAddress, type ListedContainer } from "../../../../src/engines/index.ts";
import { watchContainers } from "../../../../src/routes/index.ts";
import { grouped } from "../../canvas/grouped.ts";
import { BESIDE_FROM, type Rectangle, splitBody } from "../../canvas/layout.ts";
import type { Connection } from "../../connection/connection.ts";
import { failureLine } from "../../connection/failure-lines.ts";
import { isRunning, REMOVED, UNREACHABLE } from "../../connection/state-labels.ts";
import type { Lack } from "../../keymap/binding.ts";
import type { Action } from "../../keymap/keymap.ts";
import { ListPane } from "../../lists/list-pane.ts";
import type { PanelState } from "../../view/panel.ts";
import type { Frame, Size, View } from "../../view/view.ts";
import type { BrowserContext, OpenMode } from "../common/context.ts";
import { askGrep } from "../found/grep.ts";
import { containerPanel, groupPanel } from "./container-panel.ts";
import { ContainerWatch } from "./container-watch.ts";
import {
  type ContainerItem,
  containerColumns,
  containerItems,
  containerKey,
  containerMessage,
  noProcessesMessage,
  stoppedCount,
} from "./containers-items.ts";
import { hasUsage, UsageWatch } from "./usage-watch.ts";

/** Milliseconds between redraws of ages and usage. */
const TICK_MS = 1_000;

/** The path for a mark on a container. */
const OUTPUT = "@logs";

/** The live list of the containers of all engines. */
export class ContainersView implements View {
  readonly contexts = ["containers", "list"] as const;
  readonly title = "Containers";
  readonly #browser: BrowserContext;
  readonly #abort = new AbortController();
  readonly #watching: Promise<void>;
  readonly #ticks: NodeJS.Timeout;
  readonly #usage = new UsageWatch();
  readonly #details: ContainerWatch;
  readonly #pane: ListPane<ContainerItem>;
  #state: ContainersState = { containers: [], troubles: [], complete: false };
  #stopped = true;
  #areSeveralEngines = false;
  /** True if a frame was drawn since the last tick, so that the list is visible. */
  #isShown = false;
  /** The panel's position in the last frame, and the size of that frame. */
  #panel: Rectangle | undefined;
  #size: Size = { columns: 0, height: 0 };
  /** Key of the container to select again after its engine has recovered. */
  #wanted: string | undefined;

  constructor(browser: BrowserContext) {
    this.#browser = browser;
    this.#details = new ContainerWatch(browser);
    const columns = containerColumns({
      theme: browser.theme,
      now: Date.now,
      areSeveralEngines: () => this.#areSeveralEngines,
      expectsUsage: () => this.#state.containers.some(hasUsage),
      usage: (container) => this.#usage.of(container),
      markOf: (container) => this.#markOf(container),
    });
    this.#pane = new ListPane({ columns, theme: browser.theme, empty: () => this.#emptyLines() }, browser.host);
    this.#watching = watchContainers({
      engine: browser.options.engine,
      route: browser.options.route,
      signal: this.#abort.signal,
      changed: (state) => this.#update(state),
    });
    this.#watching.catch((error) => browser.host.fail(error));
    this.#ticks = setInterval(() => this.#tick(), TICK_MS);
  }

  get subtitle(): string {
    const names = new Set(this.#state.containers.map(({ engine }) => engine.name));
    return [...names].join(", ");
  }

  get lacks(): Lack | undefined {
    return this.#pane.lacks;
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
        this.#openOutput(this.#hasMarkedOutput);
        return true;
      case "follow-marked":
        this.#openOutput(this.#browser.marks.size > 0);
        return true;
      case "mark":
        this.#mark();
        return true;
      case "mounts":
        this.#open("mounts");
        return true;
      case "grep":
        this.#grep();
        return true;
      case "sandboxes":
        this.#browser.openSandboxes(
          this.#state.containers.flatMap(({ details }) => (details?.pid ? [details.pid] : [])),
        );
        return true;
      case "toggle-stopped":
        this.#stopped = !this.#stopped;
        this.#pane.list.setItems(containerItems(this.#state, { stopped: this.#stopped }));
        return true;
      case "toggle-preview":
        this.#toggleDetails();
        return true;
      case "refresh":
        return true;
      default:
        return this.#pane.act(action);
    }
  }

  frame(size: Size): Frame {
    this.#isShown = true;
    this.#size = size;
    const split = this.#areDetailsShown && this.#pane.list.shown.length > 0 ? splitBody(size) : undefined;
    this.#panel = split?.panel;
    const rows = this.#pane.rows(split?.list ?? size);
    if (!split) this.#details.select(undefined);
    this.#usage.show(this.#pane.visible.flatMap(({ container }) => container ?? []));
    const { at, shown } = this.#pane.list.counts;
    const selected = this.#pane.list.selected?.container;
    const hidden = this.#stopped ? 0 : stoppedCount(this.#state);
    const trouble = this.#state.containers.length > 0 ? this.#state.troubles[0] : undefined;
    const filter = this.#pane.list.filter;
    const marks = this.#browser.marks.size;
    return {
      rows,
      side: split && this.#side(split.panel),
      status: {
        mark: filter ? `/${filter}` : "",
        left: trouble ? failureLine(trouble) : selected ? containerMessage(selected, Date.now()) : "",
        right: [
          marks > 0 ? `${grouped(marks)} marked (${this.#key("follow-marked")} follows)` : "",
          hidden > 0 ? `${grouped(hidden)} stopped (${this.#key("toggle-stopped")} shows)` : "",
          at > 0 ? `${grouped(at)} of ${grouped(shown)}` : shown > 0 ? `${grouped(shown)} containers` : "",
        ]
          .filter(Boolean)
          .join("  "),
      },
    };
  }

  click(row: number, column: number): boolean {
    const panel = this.#panel;
    if (panel && row >= panel.row && column >= panel.column) return false;
    return this.#pane.click(row);
  }

  async close(): Promise<void> {
    clearInterval(this.#ticks);
    this.#abort.abort();
    await Promise.all([this.#watching, this.#usage.close(), this.#details.close()]);
  }

  /** Returns the panel for the selected container or folded group. */
  #side(at: Rectangle): PanelState {
    const { selected } = this.#pane.list;
    this.#details.select(selected?.container);
    if (!selected?.container) return groupPanel(selected ?? { text: "" }, at);
    return containerPanel(selected.container, at, {
      usage: this.#usage.of(selected.container),
      found: this.#details.found,
      now: Date.now(),
      keys: { output: this.#key("output"), open: this.#browser.host.keyOf("list", "open") },
      areSeveralEngines: this.#areSeveralEngines,
    });
  }

  get #areDetailsShown(): boolean {
    return this.#browser.details ?? this.#size.columns >= BESIDE_FROM;
  }

  #toggleDetails(): void {
    this.#browser.details = !this.#areDetailsShown;
    if (!splitBody(this.#size)) this.#browser.host.say("no room for the details: enlarge the terminal");
  }

  /** Redraws the list. If another view or program has the screen, stops all requests. */
  #tick(): void {
    if (this.#isShown) this.#browser.host.changed();
    else {
      this.#usage.show([]);
      this.#details.select(undefined);
    }
    this.#isShown = false;
  }

  #update(state: ContainersState): void {
    const { list } = this.#pane;
    const { selected } = list;
    const isKept = (one: ListedContainer) =>
      one === selected?.container || this.#browser.isMarked(this.#connectionOf(one), OUTPUT);
    this.#state = withKept(state, this.#state.containers.filter(isKept));
    this.#areSeveralEngines = new Set(state.containers.map(({ engine }) => engine.socketPath)).size > 1;
    list.setItems(containerItems(this.#state, { stopped: this.#stopped, kept: selected?.key }));
    if (selected === undefined && this.#wanted !== undefined) list.select(this.#wanted);
    if (selected) this.#wanted = selected.key;
    this.#browser.host.changed();
  }

  /** Says why no container is selected. */
  get #whyNone(): string {
    const { filter } = this.#pane.list;
    return filter === "" ? (this.#emptyLines()[0] ?? "") : `no container contains '${filter}'`;
  }

  #emptyLines(): string[] {
    const { troubles, complete } = this.#state;
    const trouble = troubles[0];
    if (trouble)
      return [
        trouble.message,
        ...(trouble.hint ? [trouble.hint] : []),
        `${this.#key("sandboxes")} lists namespaces of processes, which need no engine`,
      ];
    if (!complete) return ["waiting for the container engines ..."];
    const stopped = stoppedCount(this.#state);
    if (stopped > 0)
      return [`no container is running, ${stopped} stopped`, `${this.#key("toggle-stopped")} shows them`];
    return [
      "no containers: none is running and none is stopped",
      "start one, for example with docker run or docker compose up: it appears here",
      `${this.#key("sandboxes")} lists namespaces of processes; porthole PATH shows local files`,
    ];
  }

  #key(action: Action): string {
    return this.#browser.host.keyOf("containers", action);
  }

  /**
   * Searches the running containers of the list. A filter limits the search to the visible
   * containers.
   */
  #grep(): void {
    const running = this.#pane.list.shown.flatMap(({ container }) =>
      container && isRunning(container) ? [container] : [],
    );
    if (running.length === 0) {
      const none = "no running container to search: open the files of a stopped one first";
      this.#browser.host.say(this.#pane.list.shown.length === 0 ? this.#whyNone : none);
      return;
    }
    const names = running.map(({ name }) => name);
    const scopes = (path: string) =>
      running.map((container) => {
        const connection = this.#connectionOf(container);
        const isTwice = names.filter((name) => name === container.name).length > 1;
        return {
          connection,
          path,
          name: isTwice ? `${container.name} (${container.engine.name}):${path}` : connection.text(path),
        };
      });
    const only = running.length === 1 ? names[0] : `${running.length} containers`;
    askGrep(this.#browser, { in: `in ${only}`, directory: "/var/log", scopes });
  }

  #connectionOf({ name, engine }: ListedContainer): Connection {
    return this.#browser.connection({ kind: "container", name, path: "/" }, engineAddress(engine));
  }

  #markOf(container: ListedContainer): string {
    if (!this.#hasMarkedOutput) return "";
    return this.#browser.isMarked(this.#connectionOf(container), OUTPUT) ? "*" : " ";
  }

  get #hasMarkedOutput(): boolean {
    return [...this.#browser.marks.values()].some(({ path }) => path === OUTPUT);
  }

  #mark(): void {
    const container = this.#pane.list.selected?.container;
    if (container) this.#browser.toggleMark(this.#connectionOf(container), OUTPUT);
    this.#pane.act("item-down");
    // A removed container stays in the list only while it is marked.
    if (container?.state === REMOVED)
      this.#update({ ...this.#state, containers: this.#state.containers.filter((one) => one !== container) });
  }

  /** Shows the output of the selected container, or of all marked sources. */
  #openOutput(areMarked: boolean): void {
    if (areMarked) void this.#browser.followMarked();
    else this.#open("output");
  }

  #open(what: "files" | "processes" | "mounts" | "output", how?: OpenMode): void {
    const { list } = this.#pane;
    const { selected } = list;
    const container = selected?.container;
    if (!container) {
      if (selected) list.toggleFold();
      else this.#browser.host.say(this.#whyNone);
      return;
    }
    // Only the files of a stopped container are available, not its processes.
    if (container.state === REMOVED || (!isRunning(container) && what === "processes")) {
      this.#browser.host.say(noProcessesMessage(container, Date.now()));
      return;
    }
    const connection = this.#connectionOf(container);
    if (what === "files") this.#browser.openFiles(connection, "/", undefined, how);
    else if (what === "processes") this.#browser.openProcesses(connection);
    else if (what === "output") void this.#browser.openOutput(connection);
    else this.#browser.openMounts(connection);
  }
}

/**
 * Keeps these containers in the list after their removal. Otherwise another container would
 * silently take the place of the selected one, and a mark could not be removed.
 */
function withKept(state: ContainersState, kept: readonly ListedContainer[]): ContainersState {
  const listed = new Set(state.containers.map(containerKey));
  const gone = kept.filter((one) => !listed.has(containerKey(one)));
  // Keeps the list empty, so that the view shows the error.
  if (gone.length === 0 || (state.containers.length === 0 && state.troubles.length > 0)) return state;
  const isKnown = state.complete && state.troubles.length === 0;
  const word = isKnown ? REMOVED : UNREACHABLE;
  return {
    ...state,
    containers: [...state.containers, ...gone.map((one) => ({ ...one, state: word, status: "", ports: [] }))],
  };
}
