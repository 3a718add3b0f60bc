import { loadWidths } from "../../../src/text/index.ts";
import { forgetWidths } from "../canvas/text-width.ts";
import type { Theme } from "../canvas/theme.ts";
import type { Config } from "../config.ts";
import { keyName } from "../keymap/hints.ts";
import { type Action, actionFor, type Context, type Keymap } from "../keymap/keymap.ts";
import type { TerminalEvent } from "../keymap/keys.ts";
import type { Host, Navigator, PromptRequest, Question, View } from "../view/view.ts";
import { Screen } from "./drawing/screen.ts";
import { Tabs } from "./drawing/tabs.ts";
import type { FirstPage } from "./first-page.ts";
import { Mouse } from "./mouse.ts";
import { type Program, runProgramAction } from "./program-actions.ts";
import { Commands } from "./prompt/commands.ts";
import { Dialog } from "./prompt/dialog.ts";
import { Overlays } from "./prompt/overlays.ts";
import { PromptLine } from "./prompt/prompt-line.ts";
import { DelayedKeys } from "./terminal/delayed-keys.ts";
import { Foreground, type Outcome } from "./terminal/foreground.ts";
import { KeyInput } from "./terminal/key-input.ts";
import { Terminal } from "./terminal/terminal.ts";
import { TerminalTheme } from "./terminal/terminal-theme.ts";

export interface AppOptions {
  config: Config;
  /** Loads the navigator. */
  navigator(host: Host): Promise<Navigator>;
  /** The first page of the first view, if it is shown already. The caller disposes of it. */
  page?: FirstPage | undefined;
}

/** The program on the terminal: passes keys to the views in their tabs, and draws them. */
export class App implements Host {
  readonly #terminal: Terminal;
  readonly #keys: KeyInput;
  readonly #foreground: Foreground;
  readonly #keymap: Keymap;
  readonly #commands: Commands;
  readonly #isMouseOn: boolean;
  readonly #theme: TerminalTheme;
  readonly #tabs = new Tabs();
  readonly #overlays = new Overlays();
  readonly #held = new DelayedKeys();
  readonly #screen: Screen;
  readonly #mouse = new Mouse({
    ...{ tabs: this.#tabs, overlays: this.#overlays },
    regions: () => this.#screen.regions,
    state: () => this.#screen.state(),
    press: (key) => this.#onKey({ kind: "key", key }),
    act: (view, action) => this.#act(view, action),
  });
  readonly #program: Program;
  /** Pending results of {@link View.close}: these views still use threads or descriptors. */
  readonly #closing = new Set<Promise<void>>();
  /** History of prompts, by label. */
  readonly #typed = new Map<string, string[]>();
  #hasScrollBar: boolean;
  /** True once the exact widths of characters are loaded. */
  #isExact = false;
  #finish: (outcome: Outcome) => void = () => {};

  constructor({ config, navigator, page }: AppOptions) {
    this.#terminal = page?.terminal ?? new Terminal();
    this.#keys = new KeyInput(
      this.#terminal.input,
      { key: (event) => this.#onKey(event), done: () => this.#screen.flush() },
      () => this.#finish({ status: 129 }),
    );
    const resumed = () => this.#screen.invalidate();
    this.#foreground = new Foreground(this.#terminal, this.#keys, resumed, page?.guard);
    this.#program = this.#asProgram();
    this.#keymap = config.keymap;
    this.#isMouseOn = config.mouse;
    this.#hasScrollBar = config.scrollBar;
    this.#theme = new TerminalTheme(config.theme, process.env, () => this.#layOutAnew());
    const screenHost = {
      ...{ terminal: this.#terminal, tabs: this.#tabs, overlays: this.#overlays, keymap: this.#keymap },
      theme: () => this.theme,
      isOurs: () => this.#foreground.isOurs,
      failed: (error: unknown) => this.fail(error),
    };
    this.#screen = new Screen(screenHost, page?.compositor);
    this.#commands = new Commands({
      host: this,
      keymap: this.#keymap,
      view: () => this.#tabs.view,
      act: (view, action) => this.#act(view, action),
      showTab: (index) => this.#tabs.show(index),
      navigator,
    });
  }

  /**
   * Shows the view that `first` creates until the user quits or a signal ends it, then restores the
   * terminal. Resolves with the exit status: 0 for `q`, 130 for Ctrl-C, 128 + n for a signal. Draws
   * the first frame before it yields to the event loop.
   * @throws the error of a view
   */
  async run(first: (host: Host) => View): Promise<number> {
    const outcome = new Promise<Outcome>((resolve) => {
      this.#finish = (result) => {
        // Restores the terminal before the promise resolves: later work may take a moment, and its
        // messages belong on the user's own screen.
        this.#screen.stop();
        this.#foreground.end();
        resolve(result);
      };
    });
    const release = this.#foreground.guard((result) => this.#finish(result));
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
    this.#screen.request();
  }

  say(message: string): void {
    this.#screen.message = message;
    this.#screen.request();
  }

  ask(question: PromptRequest): void {
    const { label } = question;
    const before = this.#typed.get(label) ?? [];
    this.#typed.set(label, before);
    this.#overlays.prompt = new PromptLine(question, before, this.#keymap, () => this.#screen.request());
    this.#screen.request();
  }

  confirm(question: Question): void {
    this.#overlays.dialog = new Dialog(question, this.#keymap);
    this.#screen.request();
  }

  outside<T>(action: () => Promise<T>, pause: (result: T) => boolean = () => false): Promise<T> {
    return this.#foreground.outside(action, pause);
  }

  copy(bytes: Uint8Array): void {
    this.#terminal.copy(bytes);
  }

  open(view: View, how: "over" | "tab" = "over"): void {
    if (how === "tab") this.#tabs.add(view);
    else this.#tabs.push(view);
    this.#commands.recent.add(view);
    if (this.#isExact) view.layOutAnew?.();
    this.#screen.message = "";
    this.#screen.request();
  }

  back(): void {
    const view = this.#tabs.pop();
    if (view) this.#end(view);
    if (!this.#tabs.view) this.#finish({ status: 0 });
    this.#screen.request();
  }

  backTo(isWanted: (view: View) => boolean): boolean {
    const views = this.#tabs.popTo(isWanted);
    for (const view of views ?? []) this.#end(view);
    this.#screen.request();
    return views !== undefined;
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  /**
   * Draws the first frame with estimated widths. The exact widths are loaded once the text is
   * visible.
   */
  #begin(view: View): void {
    this.#tabs.push(view);
    this.#commands.recent.add(view);
    // Before the size is read: the kernel discards this signal while nothing handles it.
    process.on("SIGWINCH", this.#onResize);
    if (this.#terminal.isEntered) this.#terminal.resized();
    else {
      this.#terminal.enter();
      if (this.#isMouseOn) this.#terminal.toggleMouse();
    }
    this.#screen.drawNow();
    // These load Node's streams, and change the limits of the heap (scripts/build/loader.cjs).
    this.#foreground.holdOutput();
    this.#keys.open();
    (process as NodeJS.EventEmitter).emit("firstText");
    setImmediate(() => void this.#load().catch((error) => this.fail(error)));
  }

  async #close(): Promise<void> {
    this.#screen.stop();
    this.#keys.close();
    process.off("SIGWINCH", this.#onResize);
    this.#terminal.close();
    this.#screen.close();
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
   * Loads everything that the first text does not need: exact widths, the terminal's background,
   * Ink.
   */
  async #load(): Promise<void> {
    this.#theme.ask(this.#terminal);
    await loadWidths();
    forgetWidths();
    this.#isExact = true;
    this.#layOutAnew();
    await this.#screen.load(this.#theme.known());
  }

  #layOutAnew(): void {
    for (const view of this.#tabs) view.layOutAnew?.();
    this.#screen.request();
  }

  #onKey(event: TerminalEvent): void {
    if (event.kind === "background") {
      this.#theme.answered(event);
      return;
    }
    if (event.kind === "mouse" && (event.what === "drag" || event.what === "release")) {
      // A release clears no message: only the press does.
      if (this.#mouse.drag(event)) this.#screen.request(true);
      return;
    }
    this.#screen.message = "";
    this.#screen.request(true);
    const { view } = this.#tabs;
    if (!view) return;
    const action = event.kind === "key" ? actionFor(event.key, view.contexts, this.#keymap) : undefined;
    const isOfAll = action === "interrupt" || action === "suspend";
    if (!isOfAll && this.#held.add(event)) return;
    if (event.kind === "mouse") {
      this.#mouse.take(view, event);
      return;
    }
    if (this.#overlays.isEmpty && event.kind === "key" && view.key?.(event.key)) return;
    if (!isOfAll && this.#overlays.take(event)) return;
    if (action) this.#act(view, action);
  }

  #act(view: View, action: Action): void {
    if (action === "interrupt") this.#finish({ status: 130 });
    else if (action === "suspend") this.#foreground.suspend(true);
    else if (!this.#overlays.turnHelp(action) && !view.act(action)) runProgramAction(action, view, this.#program);
  }

  #asProgram(): Program {
    return {
      host: this,
      tabs: this.#tabs,
      quit: () => this.#finish({ status: 0 }),
      showHelp: () => {
        this.#overlays.help = 0;
      },
      askCommand: () => this.#commands.ask(),
      toggleMouse: () => this.#terminal.toggleMouse(),
      toggleScrollBar: () => {
        this.#hasScrollBar = !this.#hasScrollBar;
        return this.#hasScrollBar;
      },
      redraw: () => this.#screen.invalidate(),
      end: (view) => this.#end(view),
      go: (action, view) => void this.#holdKeys(() => this.#commands.go(action, view)),
      holdKeys: (begin) => this.#holdKeys(begin),
    };
  }

  #holdKeys<Begun>(begin: () => Promise<Begun>): Promise<Begun> {
    return this.#held.during(begin, (event) => {
      // Drop the key if the view is no longer visible: after the end, or behind another program.
      if (this.#foreground.isOurs) this.#onKey(event);
    });
  }

  readonly #onResize = (): void => {
    this.#terminal.resized();
    this.#screen.invalidate();
  };
}
