import { messageOf } from "../../../src/errors.ts";
import { loadWidths } from "../../../src/text/index.ts";
import { regionsOf } from "../canvas/layout.ts";
import { forgetWidths } from "../canvas/text-width.ts";
import type { Theme } from "../canvas/theme.ts";
import type { Config } from "../config.ts";
import { type KeyHints, keyHints, keyName } from "../keymap/hints.ts";
import { type Action, actionFor, type Context, type Keymap } from "../keymap/keymap.ts";
import type { KeyEvent, TerminalEvent } from "../keymap/keys.ts";
import { dialogHints, dialogState } from "../ui/dialog.ts";
import { helpAction, helpPage, helpWidth } from "../ui/help.ts";
import type { HistogramState } from "../ui/histogram.ts";
import { hitAt } from "../ui/hit.ts";
import { paletteState } from "../ui/palette.ts";
import type { PanelSections } from "../ui/panel.ts";
import { panelSections } from "../ui/panel-rows.ts";
import type { OverlayState, ScreenState } from "../ui/state.ts";
import { toastState } from "../ui/toast.ts";
import type { Host, Navigator, PromptRequest, Question, Status, View } from "../view.ts";
import { Commands } from "./commands.ts";
import { Dialog } from "./dialog.ts";
import { DoubleClick } from "./double-click.ts";
import { FrameClock } from "./frames.ts";
import { signalJob } from "./job.ts";
import { KeyInput } from "./key-input.ts";
import type { OutAction } from "./out.ts";
import { Painter } from "./painter.ts";
import { guardProcess } from "./process-guard.ts";
import { PromptLine } from "./prompt-line.ts";
import { stopProcess } from "./suspend.ts";
import { Tabs } from "./tabs.ts";
import { Terminal } from "./terminal.ts";
import { TerminalTheme } from "./terminal-theme.ts";

/** Rows that one step of the mouse's wheel moves. */
const WHEEL_ROWS = 3;

type Outcome = { status: number } | { error: unknown };

export interface AppOptions {
  config: Config;
  /** Loads what goes from view to view. */
  navigator(host: Host): Promise<Navigator>;
}

/**
 * The program on the terminal: it owns the terminal, the frames, the keys and the chrome, and shows
 * the views in their tabs.
 */
export class App implements Host {
  readonly #terminal = new Terminal(process.stdin, process.stdout);
  readonly #painter = new Painter(this.#terminal, {
    state: () => this.#state(),
    isKeyWaiting: () => this.#isKeyWaiting,
    failed: (error) => this.fail(error),
  });
  readonly #keys = new KeyInput(
    process.stdin,
    (event) => this.#onKey(event),
    () => this.#finish({ status: 129 }),
  );
  readonly #clock: FrameClock;
  readonly #keymap: Keymap;
  readonly #commands: Commands;
  readonly #isMouseOurs: boolean;
  #hasScrollBar: boolean;
  readonly #theme: TerminalTheme;
  readonly #tabs = new Tabs();
  /** Views that were closed and have not ended. */
  readonly #closing = new Set<Promise<void>>();
  /** Lines typed before, by the question's label. */
  readonly #typed = new Map<string, string[]>();
  /** The exact widths of characters are there. */
  #isExact = false;
  #prompt: PromptLine | undefined;
  #status: Status = { mark: "", left: "", right: "" };
  /** The panel in the last frame. */
  #side: PanelSections | undefined;
  #histogram: HistogramState | undefined;
  /** A key came whose frame is not drawn. */
  #isKeyWaiting = false;
  /** Keys that wait for code to be loaded; undefined while none is. */
  #held: KeyEvent[] | undefined;
  #message = "";
  /** The message of the current view. */
  #viewMessage = "";
  #dialog: Dialog | undefined;
  readonly #doubleClick = new DoubleClick();
  /** The view that follows the mouse until the button is released. */
  #grabbed: View | undefined;
  /** Page of the help that is shown. */
  #help: number | undefined;
  /** Another program has the terminal. */
  #isOutside = false;
  /** The terminal is given back for good. */
  #isOver = false;
  #finish: (outcome: Outcome) => void = () => {};

  constructor({ config, navigator }: AppOptions) {
    this.#keymap = config.keymap;
    this.#isMouseOurs = config.mouse;
    this.#hasScrollBar = config.scrollBar;
    this.#theme = new TerminalTheme(config.theme, process.env, () => this.#onTheme());
    this.#commands = new Commands({
      host: this,
      keymap: this.#keymap,
      view: () => this.#tabs.view,
      act: (view, action) => this.#act(view, action),
      showTab: (index) => this.#tabs.show(index),
      navigator,
    });
    this.#clock = new FrameClock(
      () => this.#draw(),
      () => !this.#terminal.busy,
    );
    this.#terminal.onDrain = () => this.#clock.request();
  }

  /**
   * Shows the view that `first` makes until the user quits or a signal ends it, and gives the
   * terminal back as it was. Resolves with the exit status: 0 for `q`, 130 for Ctrl-C, 128 + n for
   * a signal. The first frame is on the screen before this yields to the event loop.
   * @throws whatever a view failed with
   */
  async run(first: (host: Host) => View): Promise<number> {
    const outcome = new Promise<Outcome>((resolve) => {
      this.#finish = (result) => {
        // At once: what comes after this may take a moment, and its messages belong on the user's
        // own screen.
        this.#isOver = true;
        this.#clock.stop();
        this.#terminal.leave();
        resolve(result);
      };
    });
    const release = guardProcess({
      restore: () => this.#terminal.leave(),
      // What the keyboard sends while another program has the terminal is meant for that.
      end: (status) => {
        if (this.#isOutside && (status === 130 || status === 131)) return;
        if (this.#isOutside) signalJob(status === 129 ? "SIGHUP" : "SIGTERM");
        this.#finish({ status });
      },
      fail: (error) => this.#finish({ error }),
      suspend: this.#onSuspend,
      resume: () => {
        if (!this.#isOutside) this.#resume();
      },
    });
    try {
      this.#begin(first(this));
      const result = await outcome;
      if ("error" in result) throw result.error;
      return result.status;
    } finally {
      await this.#close();
      release();
    }
  }

  get hasScrollBar(): boolean {
    return this.#hasScrollBar;
  }

  get theme(): Theme {
    return this.#theme.theme;
  }

  keyOf(context: Context, action: Action): string {
    return keyName(context, action, this.#keymap);
  }

  changed(): void {
    this.#clock.request();
  }

  say(message: string): void {
    this.#message = message;
    this.#clock.request();
  }

  ask(question: PromptRequest): void {
    const { label } = question;
    const before = this.#typed.get(label) ?? [];
    this.#typed.set(label, before);
    this.#prompt = new PromptLine(question, before, this.#keymap, () => this.#clock.request());
    this.#clock.request();
  }

  confirm(question: Question): void {
    this.#dialog = new Dialog(question, this.#keymap);
    this.#clock.request();
  }

  async outside<T>(action: () => Promise<T>, pause: (result: T) => boolean = () => false): Promise<T> {
    this.#terminal.leave();
    this.#keys.ignore();
    this.#isOutside = true;
    // What runs there says when this process stops with it; where nothing does, the kernel stops
    // it.
    process.off("SIGTSTP", this.#onSuspend);
    try {
      const result = await action();
      if (!this.#isOver && pause(result))
        await this.#keys.goesBack(() => this.#terminal.print("\nEnter goes back to porthole "));
      return result;
    } finally {
      this.#isOutside = false;
      if (!this.#isOver) {
        process.on("SIGTSTP", this.#onSuspend);
        this.#keys.listen();
        this.#resume();
      }
    }
  }

  copy(bytes: Uint8Array): void {
    this.#terminal.copy(bytes);
  }

  open(view: View, how: "over" | "tab" = "over"): void {
    if (how === "tab") this.#tabs.add(view);
    else this.#tabs.push(view);
    this.#commands.recent.add(view);
    if (this.#isExact) view.layOutAnew?.();
    this.#message = "";
    this.#clock.request();
  }

  back(): void {
    const view = this.#tabs.pop();
    if (view) this.#end(view);
    if (!this.#tabs.view) this.#finish({ status: 0 });
    this.#clock.request();
  }

  backTo(isWanted: (view: View) => boolean): boolean {
    const views = this.#tabs.popTo(isWanted);
    for (const view of views ?? []) this.#end(view);
    this.#clock.request();
    return views !== undefined;
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** The first frame needs no exact widths; they are loaded when the text is there to read. */
  #begin(view: View): void {
    this.#tabs.push(view);
    this.#commands.recent.add(view);
    this.#terminal.enter();
    if (this.#isMouseOurs) this.#terminal.toggleMouse();
    this.#clock.now();
    this.#keys.open();
    process.stdout.on("resize", this.#onResize);
    setImmediate(() => void this.#load().catch((error) => this.fail(error)));
  }

  async #close(): Promise<void> {
    this.#clock.stop();
    this.#keys.close();
    process.stdout.off("resize", this.#onResize);
    this.#terminal.close();
    this.#painter.close();
    for (const view of this.#tabs) this.#end(view);
    await Promise.all(this.#closing);
    this.#keys.release();
  }

  #end(view: View): void {
    const closing = view.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    closing.catch((error) => this.fail(error));
  }

  /**
   * What the first text does not need: exact widths of characters, the terminal's background, Ink.
   */
  async #load(): Promise<void> {
    this.#theme.ask(this.#terminal);
    await this.#measureExactly();
    await this.#theme.known();
    await this.#painter.load();
  }

  async #measureExactly(): Promise<void> {
    await loadWidths();
    forgetWidths();
    this.#isExact = true;
    this.#layOutAnew();
  }

  #layOutAnew(): void {
    for (const view of this.#tabs) view.layOutAnew?.();
    this.#clock.request();
  }

  #draw(): void {
    this.#isKeyWaiting = false;
    const { view } = this.#tabs;
    if (!view || this.#isOutside) return;
    const { columns } = this.#terminal;
    const regions = this.#regions;
    const { rows, edge, side, histogram, status, message = "" } = view.frame({ columns, height: regions.body });
    this.#side = side && panelSections(side);
    this.#histogram = histogram;
    this.#status = status;
    this.#viewMessage = message;
    this.#painter.paint({ rows, edge, side: side ?? histogram, columns, regions, title: view.title });
  }

  /** What the surfaces show; nothing while another program has the terminal. */
  #state(): ScreenState | undefined {
    const { view } = this.#tabs;
    if (!view || this.#isOutside || this.#isOver) return undefined;
    const { columns } = this.#terminal;
    const prompt = this.#prompt;
    return {
      theme: this.theme,
      top: {
        columns,
        tabs: this.#hasTabs ? { titles: this.#tabs.titles, at: this.#tabs.at } : undefined,
        title: view.title,
        subtitle: view.subtitle,
      },
      bottom: {
        columns,
        status: this.#status,
        prompt: prompt && { label: prompt.question.label, hint: prompt.hint, ...prompt.state },
        keys: this.#regions.bottom > 1 ? this.#keyHints(view) : undefined,
      },
      side: this.#side,
      histogram: this.#histogram,
      overlay: this.#overlay(view),
      toast: toastState(this.#message || (prompt ? "" : this.#viewMessage), { columns, height: this.#regions.body }),
    };
  }

  #keyHints({ contexts }: View): KeyHints {
    if (this.#dialog) return dialogHints(this.#dialog.question);
    return keyHints(this.#prompt ? ["prompt"] : contexts, this.#keymap);
  }

  #overlay(view: View): OverlayState | undefined {
    if (this.#dialog) return dialogState(this.#dialog.question, this.#dialog.isYes, this.#terminal.columns);
    if (this.#help !== undefined) return this.#helpState(view, this.#help);
    const choices = this.#prompt?.choices;
    const { columns } = this.#terminal;
    return choices && paletteState(choices, { columns, height: this.#regions.body });
  }

  #helpState({ contexts }: View, wanted: number): OverlayState {
    const page = helpPage(
      contexts,
      { columns: this.#terminal.columns, height: this.#regions.body },
      wanted,
      this.#keymap,
    );
    const isText = contexts.includes("viewer");
    const keys = isText
      ? [this.keyOf("viewer", "page-down"), this.keyOf("viewer", "page-up")]
      : [this.keyOf("list", "items-page-down"), this.keyOf("list", "items-page-up")];
    return { kind: "help", width: helpWidth(page), page, turn: `${keys.join(" and ")} turn it` };
  }

  get #hasTabs(): boolean {
    return this.#tabs.count > 1;
  }

  get #regions() {
    return regionsOf(this.#terminal.rows, { hasTabs: this.#hasTabs });
  }

  #onKey(event: TerminalEvent): void {
    if (event.kind === "background") {
      this.#theme.answered(event);
      return;
    }
    if (event.kind === "mouse" && (event.what === "drag" || event.what === "release")) {
      this.#onDrag(event);
      return;
    }
    this.#isKeyWaiting = true;
    this.#message = "";
    this.#clock.request();
    const { view } = this.#tabs;
    if (!view) return;
    const action = event.kind === "key" ? actionFor(event.key, view.contexts, this.#keymap) : undefined;
    const isOfAll = action === "interrupt" || action === "suspend";
    if (this.#held && !isOfAll) {
      this.#held.push(event);
      return;
    }
    if (event.kind === "mouse") {
      this.#onMouse(view, event);
      return;
    }
    const isFree = this.#prompt === undefined && this.#help === undefined && this.#dialog === undefined;
    if (isFree && event.kind === "key" && view.key?.(event.key)) return;
    const prompt = this.#prompt;
    if (this.#dialog && !isOfAll) this.#onDialog(this.#dialog, event);
    else if (prompt && !isOfAll) this.#answer(prompt, () => prompt.take(event));
    else if (action) this.#act(view, action);
  }

  #act(view: View, action: Action): void {
    if (action === "interrupt") this.#finish({ status: 130 });
    else if (action === "suspend") this.#suspend(true);
    else if (!this.#turnsHelp(action) && !view.act(action)) this.#actOnAll(view, action);
  }

  #turnsHelp(action: Action): boolean {
    if (this.#help === undefined) return false;
    const { page, isTaken } = helpAction(this.#help, action);
    this.#help = page;
    return isTaken;
  }

  /** What a view has no meaning for is of the program. */
  #actOnAll(view: View, action: Action): void {
    switch (action) {
      case "help":
        this.#help = 0;
        break;
      case "back":
        this.back();
        break;
      case "cancel":
        if (this.#tabs.depth > 1) this.back();
        break;
      case "quit":
        this.#finish({ status: 0 });
        break;
      case "command":
        this.#commands.ask();
        break;
      case "next-tab":
      case "previous-tab":
        this.#turnTab(action === "next-tab" ? 1 : -1);
        break;
      case "close-tab":
        this.#closeTab();
        break;
      case "mouse":
        this.say(
          this.#terminal.toggleMouse()
            ? "mouse on: hold Shift to select text"
            : `mouse off: ${this.keyOf("global", "mouse")} turns it on`,
        );
        break;
      case "scroll-bar":
        this.#hasScrollBar = !this.#hasScrollBar;
        this.say(this.#hasScrollBar ? "scroll bar" : "no scroll bar");
        break;
      case "redraw":
        this.#painter.invalidate();
        break;
      case "pipe":
      case "run":
      case "edit":
      case "copy":
      case "save":
        void this.#sendOut(view, action);
        break;
      default:
        void this.#holdKeys(() => this.#commands.go(action, view));
    }
  }

  #turnTab(by: number): void {
    if (this.#tabs.count === 1) this.say(`one tab only: ${this.keyOf("list", "open-in-tab")} in a list opens another`);
    this.#tabs.turn(by);
  }

  #closeTab(): void {
    const views = this.#tabs.close();
    if (!views)
      this.say(`the only tab: ${this.keyOf("global", "back")} goes back, ${this.keyOf("global", "quit")} quits`);
    for (const view of views ?? []) this.#end(view);
  }

  #onMouse(view: View, event: KeyEvent & { kind: "mouse" }): void {
    if (event.what === "press") this.#onPress(view, event);
    else this.#onWheel(view, event, event.what === "wheel-down" ? 1 : -1);
  }

  /** A release clears no message: that belongs to the press. */
  #onDrag({ what, row, column }: KeyEvent & { kind: "mouse" }): void {
    if (what === "release") this.#grabbed = undefined;
    const view = this.#grabbed;
    if (!view || view !== this.#tabs.view || this.#prompt || this.#dialog || this.#help !== undefined) return;
    this.#isKeyWaiting = true;
    view.drag?.(row - this.#regions.top, column);
    this.#clock.request();
  }

  #onPress(view: View, { row, column }: { row: number; column: number }): void {
    const isDouble = this.#doubleClick.press(row, column, performance.now());
    const state = this.#state();
    if (!state) return;
    const hit = hitAt(state, this.#regions, row, column);
    const prompt = this.#prompt;
    if (hit.kind === "key") this.#onKey({ kind: "key", key: hit.press });
    else if (hit.kind === "choice" && prompt) this.#answer(prompt, () => prompt.pick(hit.index));
    else if (hit.kind === "answer" && this.#dialog) this.#closeDialog(this.#dialog, hit.isYes);
    else if (hit.kind === "beside" && this.#help !== undefined) this.#help = undefined;
    else if (prompt || this.#dialog || this.#help !== undefined) return;
    else if (hit.kind === "tab") this.#tabs.show(hit.index);
    else if (hit.kind !== "body") return;
    else if (view.grab?.(hit.row, hit.column)) this.#grabbed = view;
    else if (view.click?.(hit.row, hit.column) && isDouble) this.#act(view, "open");
  }

  /** Scrolls the topmost of the help, the palette and the view. */
  #onWheel(view: View, { row, column }: { row: number; column: number }, by: 1 | -1): void {
    const isText = view.contexts.some((context) => context === "viewer");
    const [down, up]: [Action, Action] = isText ? ["line-down", "line-up"] : ["item-down", "item-up"];
    const action = by > 0 ? down : up;
    if (this.#dialog) return;
    if (this.#prompt) this.#prompt.choose(by);
    else if (this.#help !== undefined) this.#turnsHelp(action);
    else if (!view.wheel?.(by * WHEEL_ROWS, row - this.#regions.top, column))
      for (let step = 0; step < WHEEL_ROWS; step++) view.act(action);
  }

  #onDialog(dialog: Dialog, event: KeyEvent): void {
    const answer = dialog.take(event);
    if (answer !== undefined) this.#closeDialog(dialog, answer);
  }

  #closeDialog(dialog: Dialog, isYes: boolean): void {
    this.#dialog = undefined;
    dialog.question.answered(isYes);
  }

  /** Runs `take`, which returns true if the prompt is answered. */
  #answer(prompt: PromptLine, take: () => boolean): void {
    // Before it is answered: the answer may ask the next question.
    this.#prompt = undefined;
    if (!take() && this.#prompt === undefined) this.#prompt = prompt;
  }

  async #sendOut(view: View, action: OutAction): Promise<void> {
    try {
      const { done } = await this.#holdKeys(async () => {
        const { runOutAction } = await import("./out.ts");
        return { done: runOutAction(view, action, this) };
      });
      await done;
    } catch (error) {
      this.say(messageOf(error));
    }
  }

  /**
   * Holds keys back until `begin` has resolved: while code is loaded, a key would still act on the
   * view, and not on the question or the view that this code shows.
   */
  async #holdKeys<Begun>(begin: () => Promise<Begun>): Promise<Begun> {
    const held: KeyEvent[] = [];
    this.#held = held;
    try {
      return await begin();
    } finally {
      this.#held = undefined;
      // Drop them if the view is not visible any more: after the end, or behind another program.
      for (const event of held) if (!this.#isOver && !this.#isOutside) this.#onKey(event);
    }
  }

  #suspend(group: boolean): void {
    this.#terminal.leave();
    stopProcess(this.#onSuspend, group, () => this.#resume());
  }

  #resume(): void {
    this.#terminal.enter();
    this.#painter.invalidate();
    this.#clock.request();
  }

  #onTheme(): void {
    this.#layOutAnew();
  }

  readonly #onSuspend = (): void => this.#suspend(false);
  readonly #onResize = (): void => {
    this.#painter.invalidate();
    this.#clock.request();
  };
}
