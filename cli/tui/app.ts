import { loadWidths } from "../../src/text/index.ts";
import type { ChromeFacts, ChromeRenderer } from "./chrome-text.ts";
import { actionNamed, commandNames, parseCommand } from "./command-line.ts";
import { Compositor } from "./compositor.ts";
import type { Config } from "./config.ts";
import { FrameClock } from "./frames.ts";
import { helpPage } from "./help.ts";
import { type Action, actionFor, type Keymap } from "./keymap.ts";
import { type KeyEvent, KeyParser } from "./keys.ts";
import type { OutAction } from "./out.ts";
import { plainChrome } from "./plain-chrome.ts";
import { guardProcess } from "./process-guard.ts";
import { PromptLine } from "./prompt-line.ts";
import { stopProcess } from "./suspend.ts";
import { Tabs } from "./tabs.ts";
import { Terminal } from "./terminal.ts";
import { forgetWidths } from "./text-width.ts";
import type { Host, Navigator, Question, View } from "./view.ts";

/** Bytes after ESC that belong to one key come in one piece nearly always; over a slow connection within this. It is part of what Esc takes to cancel (50 ms). */
const ESCAPE_MS = 20;

/** Rows that one step of the mouse's wheel moves. */
const WHEEL_ROWS = 3;

type Outcome = { status: number } | { error: unknown };

export interface AppOptions {
  config: Config;
  /** Loads what goes from view to view. */
  navigator(host: Host): Promise<Navigator>;
}

/** The program on the terminal: it owns the terminal, the frames, the keys and the chrome, and shows the views in their tabs. */
export class App implements Host {
  readonly #terminal = new Terminal(process.stdin, process.stdout);
  readonly #compositor = new Compositor();
  readonly #keys = new KeyParser();
  readonly #clock: FrameClock;
  readonly #keymap: Keymap;
  readonly #options: AppOptions;
  readonly #tabs = new Tabs();
  /** Views that were closed and have not ended. */
  readonly #closing = new Set<Promise<void>>();
  /** Lines typed before, by the question's label. */
  readonly #typed = new Map<string, string[]>();
  #navigator: Promise<Navigator> | undefined;
  #chrome: ChromeRenderer = plainChrome;
  /** The exact widths of characters are there. */
  #isExact = false;
  #prompt: PromptLine | undefined;
  #message = "";
  /** Page of the help that is shown. */
  #help: number | undefined;
  /** Another program has the terminal. */
  #isOutside = false;
  #escape: NodeJS.Timeout | undefined;
  #finish: (outcome: Outcome) => void = () => {};

  constructor(options: AppOptions) {
    this.#options = options;
    this.#keymap = options.config.keymap;
    this.#clock = new FrameClock(
      () => this.#draw(),
      () => !this.#terminal.busy,
    );
    this.#terminal.onDrain = () => this.#clock.request();
  }

  /**
   * Shows the view that `first` makes until the user quits or a signal ends it, and gives the terminal back as it was. Resolves with the exit
   * status: 0 for `q`, 130 for Ctrl-C, 128 + n for a signal. The first frame is on the screen before this yields to the event loop.
   * @throws whatever a view failed with
   */
  async run(first: (host: Host) => View): Promise<number> {
    const outcome = new Promise<Outcome>((resolve) => {
      this.#finish = (result) => {
        // At once: what comes after this may take a moment, and its messages belong on the user's own screen.
        this.#clock.stop();
        this.#terminal.leave();
        resolve(result);
      };
    });
    const release = guardProcess({
      restore: () => this.#terminal.leave(),
      // What the keyboard sends while another program has the terminal is meant for that.
      end: (status) => {
        if (!this.#isOutside || (status !== 130 && status !== 131)) this.#finish({ status });
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

  changed(): void {
    this.#clock.request();
  }

  say(message: string): void {
    this.#message = message;
    this.#clock.request();
  }

  ask(question: Question): void {
    const { label } = question;
    const before = this.#typed.get(label) ?? [];
    this.#typed.set(label, before);
    this.#prompt = new PromptLine(question, before, this.#keymap, () => this.#clock.request());
    this.#clock.request();
  }

  async outside<T>(action: () => Promise<T>, pause: (result: T) => boolean = () => false): Promise<T> {
    this.#terminal.leave();
    process.stdin.off("data", this.#onInput).pause();
    this.#isOutside = true;
    try {
      const result = await action();
      if (pause(result)) await this.#enterPressed();
      return result;
    } finally {
      this.#isOutside = false;
      process.stdin.on("data", this.#onInput).resume();
      this.#resume();
    }
  }

  copy(bytes: Uint8Array): void {
    this.#terminal.copy(bytes);
  }

  open(view: View, how: "over" | "tab" = "over"): void {
    if (how === "tab") this.#tabs.add(view);
    else this.#tabs.push(view);
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

  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** The first frame needs no exact widths; they are loaded when the text is there to read. */
  #begin(view: View): void {
    this.#tabs.push(view);
    this.#terminal.enter();
    if (this.#options.config.mouse) this.#terminal.toggleMouse();
    this.#clock.now();
    process.stdin.on("data", this.#onInput).on("end", this.#onHangup).on("error", this.#onHangup);
    process.stdout.on("resize", this.#onResize);
    setImmediate(() => void this.#measureExactly().catch((error) => this.fail(error)));
  }

  async #close(): Promise<void> {
    this.#clock.stop();
    clearTimeout(this.#escape);
    process.stdin.off("data", this.#onInput).off("end", this.#onHangup);
    process.stdin.pause();
    process.stdout.off("resize", this.#onResize);
    this.#terminal.close();
    this.#chrome.close();
    for (const view of this.#tabs) this.#end(view);
    await Promise.all(this.#closing);
    process.stdin.off("error", this.#onHangup);
  }

  #end(view: View): void {
    const closing = view.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    closing.catch((error) => this.fail(error));
  }

  async #measureExactly(): Promise<void> {
    await loadWidths();
    forgetWidths();
    for (const view of this.#tabs) view.layOutAnew?.();
    this.#isExact = true;
    this.#clock.request();
  }

  /** Ink draws what lies over the text, which most never ask for: it takes 15 MB and a tenth of a second. */
  async #loadInk(): Promise<void> {
    // chalk, which Ink styles with, would leave out even bold and reverse for a TERM that it does not know. It looks once, when it loads.
    process.env.FORCE_COLOR ??= "1";
    const { inkChrome } = await import("./ink-chrome.tsx");
    if (this.#chrome === plainChrome) this.#chrome = await inkChrome(this.#terminal.columns);
    this.#clock.request();
  }

  #enterPressed(): Promise<void> {
    this.#terminal.print("\nEnter goes back to porthole ");
    return new Promise((resolve) => {
      process.stdin
        .once("data", () => {
          process.stdin.pause();
          resolve();
        })
        .resume();
    });
  }

  /** Rows above the view: the tabs, where there are several, and the title. */
  get #head(): number {
    return this.#tabs.count > 1 ? 2 : 1;
  }

  #draw(): void {
    const { view } = this.#tabs;
    if (!view || this.#isOutside) return;
    const { columns, rows: total } = this.#terminal;
    const size = { columns, height: Math.max(1, total - this.#head - 1) };
    const { rows, status } = view.frame(size);
    const facts: ChromeFacts = {
      columns,
      tabs: this.#tabs.count > 1 ? { titles: this.#tabs.titles, at: this.#tabs.at } : undefined,
      title: view.title,
      subtitle: view.subtitle,
      status: this.#message ? { ...status, left: this.#message } : status,
      prompt: this.#prompt && { label: this.#prompt.question.label, hint: this.#prompt.hint, ...this.#prompt.state },
      help: this.#help === undefined ? undefined : helpPage(view.contexts, size, this.#help, this.#keymap),
    };
    // Without help the rows are the same, byte for byte, at a hundredth of Ink's time: the status changes with every frame.
    const chrome = (facts.help ? this.#chrome : plainChrome).rows(facts);
    const over = chrome.slice(this.#head, -1);
    const shown = rows.map((row, index) => over[index] ?? row);
    const screen = [...chrome.slice(0, this.#head), ...shown, chrome.at(-1) ?? ""];
    this.#terminal.write(this.#compositor.frame(screen.slice(0, total)));
  }

  readonly #onInput = (chunk: Buffer): void => {
    clearTimeout(this.#escape);
    for (const event of this.#keys.push(chunk)) this.#onKey(event);
    if (!this.#keys.waiting) return;
    this.#escape = setTimeout(() => {
      for (const event of this.#keys.flush()) this.#onKey(event);
    }, ESCAPE_MS);
  };

  #onKey(event: KeyEvent): void {
    this.#clock.request();
    const { view } = this.#tabs;
    if (!view) return;
    if (event.kind === "mouse") {
      this.#onMouse(view, event);
      return;
    }
    const isFree = this.#prompt === undefined && this.#help === undefined;
    if (isFree && event.kind === "key" && view.key?.(event.key)) return;
    const action = event.kind === "key" ? actionFor(event.key, view.contexts, this.#keymap) : undefined;
    if (action === "interrupt") this.#finish({ status: 130 });
    else if (action === "suspend") this.#suspend(true);
    else if (this.#prompt) this.#onPrompt(this.#prompt, event);
    else if (action) this.#act(view, action);
  }

  #act(view: View, action: Action): void {
    this.#message = "";
    if (this.#help !== undefined && this.#turnHelp(this.#help, action)) return;
    if (view.act(action)) return;
    switch (action) {
      case "help":
        this.#help = 0;
        if (this.#chrome === plainChrome) this.#loadInk().catch((error) => this.fail(error));
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
        this.#askCommand();
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
          this.#terminal.toggleMouse() ? "the mouse is ours: Shift with it selects" : "the mouse is the terminal's",
        );
        break;
      case "redraw":
        this.#compositor.invalidate();
        break;
      case "pipe":
      case "run":
      case "edit":
      case "copy":
      case "save":
        void this.#sendOut(view, action);
        break;
      default:
        void this.#navigate((navigator) => navigator.go(action, view));
    }
  }

  /** Keys of the help while it is shown; another key closes it and does what it does without. */
  #turnHelp(page: number, action: Action): boolean {
    this.#help = undefined;
    if (/^(items-)?page-down$|^(line|item)-down$|^mark$/.test(action)) this.#help = page + 1;
    else if (/^(items-)?page-up$|^(line|item)-up$/.test(action)) this.#help = Math.max(0, page - 1);
    else return action === "cancel" || action === "help" || action === "back";
    return true;
  }

  #turnTab(by: number): void {
    if (this.#tabs.count === 1) this.say("one tab only: t in a list opens another");
    this.#tabs.turn(by);
  }

  #closeTab(): void {
    const views = this.#tabs.close();
    if (!views) this.say("the only tab: q goes back, Q quits");
    for (const view of views ?? []) this.#end(view);
  }

  #onMouse(view: View, event: KeyEvent & { kind: "mouse" }): void {
    if (this.#prompt || this.#help !== undefined) return;
    if (event.what === "press") {
      view.click?.(event.row - this.#head);
      return;
    }
    const isDown = event.what === "wheel-down";
    const isText = view.contexts.some((context) => context === "viewer");
    const action: Action = isText ? (isDown ? "line-down" : "line-up") : isDown ? "item-down" : "item-up";
    for (let row = 0; row < WHEEL_ROWS; row++) view.act(action);
  }

  #onPrompt(prompt: PromptLine, event: KeyEvent): void {
    // Before it is answered: the answer may ask the next question.
    this.#prompt = undefined;
    if (!prompt.take(event) && this.#prompt === undefined) this.#prompt = prompt;
  }

  #askCommand(): void {
    this.ask({
      label: ":",
      complete: (text) => this.#completeCommand(text),
      done: (text) => this.#command(text),
    });
  }

  #command(text: string): void {
    const { view } = this.#tabs;
    const { name, argument } = parseCommand(text);
    if (!view || name === "") return;
    const action = argument === "" ? actionNamed(name, view.contexts, this.#keymap) : undefined;
    if (action === "interrupt") this.#finish({ status: 130 });
    else if (action === "suspend") this.#suspend(true);
    else if (action) this.#act(view, action);
    else if (view.command?.(text.trim())) return;
    else if (name === "tab" && this.#tabs.show(Number(argument) - 1)) return;
    else
      void this.#navigate((navigator) => {
        if (!navigator.command(name, argument, view)) this.say(`no command '${name}' here: Tab lists them`);
      });
  }

  async #completeCommand(text: string): Promise<readonly string[]> {
    const { view } = this.#tabs;
    const navigator = await this.#loadNavigator();
    const { name, argument } = parseCommand(text);
    if (!/\s/.test(text.trimStart())) return commandNames(name, view?.contexts ?? [], navigator.commands, this.#keymap);
    return (await navigator.complete(name, argument)).map((one) => `${name} ${one}`);
  }

  async #sendOut(view: View, action: OutAction): Promise<void> {
    try {
      const { sendOut } = await import("./out.ts");
      await sendOut(view, action, this);
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  async #navigate(action: (navigator: Navigator) => unknown): Promise<void> {
    try {
      action(await this.#loadNavigator());
    } catch (error) {
      this.fail(error);
    }
  }

  #loadNavigator(): Promise<Navigator> {
    this.#navigator ??= this.#options.navigator(this);
    return this.#navigator;
  }

  #suspend(group: boolean): void {
    this.#terminal.leave();
    stopProcess(this.#onSuspend, group, () => this.#resume());
  }

  #resume(): void {
    this.#terminal.enter();
    this.#compositor.invalidate();
    this.#clock.request();
  }

  readonly #onSuspend = (): void => {
    if (this.#isOutside) stopProcess(this.#onSuspend, false, () => undefined);
    else this.#suspend(false);
  };
  readonly #onHangup = (): void => this.#finish({ status: 129 });
  readonly #onResize = (): void => {
    this.#compositor.invalidate();
    this.#clock.request();
  };
}
