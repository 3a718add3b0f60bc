import { loadWidths } from "../../src/text/index.ts";
import type { ChromeFacts, ChromeRenderer } from "./chrome-text.ts";
import { Compositor } from "./compositor.ts";
import { FrameClock } from "./frames.ts";
import { helpPage } from "./help.ts";
import { type Action, actionFor } from "./keymap.ts";
import { type KeyEvent, KeyParser } from "./keys.ts";
import { plainChrome } from "./plain-chrome.ts";
import { guardProcess } from "./process-guard.ts";
import { editPrompt, type PromptState, promptOf } from "./prompt.ts";
import { stopProcess } from "./suspend.ts";
import { Terminal } from "./terminal.ts";
import type { Host, Question, View } from "./view.ts";

/** Bytes after ESC that belong to one key come in one piece nearly always; over a slow connection within this. */
const ESCAPE_MS = 50;

/** Title and status. */
const CHROME_ROWS = 2;

type Outcome = { status: number } | { error: unknown };

/** The program on the terminal: it owns the terminal, the frames, the keys and the chrome, and shows the views that lie one over the other. */
export class App implements Host {
  readonly #terminal = new Terminal(process.stdin, process.stdout);
  readonly #compositor = new Compositor();
  readonly #keys = new KeyParser();
  readonly #clock: FrameClock;
  /** The last one is shown. */
  readonly #views: View[] = [];
  /** Views that were closed and have not ended. */
  readonly #closing = new Set<Promise<void>>();
  #chrome: ChromeRenderer = plainChrome;
  #question: { asked: Question; state: PromptState } | undefined;
  #message = "";
  /** Page of the help that is shown. */
  #help: number | undefined;
  #escape: NodeJS.Timeout | undefined;
  #finish: (outcome: Outcome) => void = () => {};

  constructor() {
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
      end: (status) => this.#finish({ status }),
      fail: (error) => this.#finish({ error }),
      suspend: this.#onSuspend,
      resume: () => this.#resume(),
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
    this.#question = { asked: question, state: promptOf(question.text ?? "") };
    this.#clock.request();
  }

  open(view: View): void {
    this.#views.push(view);
    this.#message = "";
    this.#clock.request();
  }

  back(): void {
    const view = this.#views.pop();
    if (view) this.#end(view);
    if (this.#views.length === 0) this.#finish({ status: 0 });
    this.#clock.request();
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** The first frame needs no Ink; that is loaded when the text is there to read. */
  #begin(view: View): void {
    this.#views.push(view);
    this.#terminal.enter();
    this.#clock.now();
    process.stdin.on("data", this.#onInput).on("end", this.#onHangup).on("error", this.#onHangup);
    process.stdout.on("resize", this.#onResize);
    setImmediate(() => void this.#loadChrome().catch((error) => this.fail(error)));
  }

  async #close(): Promise<void> {
    this.#clock.stop();
    clearTimeout(this.#escape);
    process.stdin.off("data", this.#onInput).off("end", this.#onHangup);
    process.stdin.pause();
    process.stdout.off("resize", this.#onResize);
    this.#terminal.close();
    this.#chrome.close();
    for (const view of this.#views.splice(0)) this.#end(view);
    await Promise.all(this.#closing);
    process.stdin.off("error", this.#onHangup);
  }

  #end(view: View): void {
    const closing = view.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  async #loadChrome(): Promise<void> {
    // chalk, which Ink styles with, would leave out even bold and reverse for a TERM that it does not know. It looks once, when it loads.
    process.env.FORCE_COLOR ??= "1";
    const [{ inkChrome }] = await Promise.all([import("./ink-chrome.tsx"), loadWidths()]);
    for (const view of this.#views) view.layOutAnew?.();
    this.#chrome = inkChrome(this.#terminal.columns);
    this.#clock.request();
  }

  get #view(): View | undefined {
    return this.#views.at(-1);
  }

  #draw(): void {
    const view = this.#view;
    if (!view) return;
    const { columns, rows: total } = this.#terminal;
    const size = { columns, height: Math.max(1, total - CHROME_ROWS) };
    const { rows, status } = view.frame(size);
    const facts: ChromeFacts = {
      columns,
      title: view.title,
      subtitle: view.subtitle,
      status: this.#message ? { ...status, left: this.#message } : status,
      prompt: this.#question && { label: this.#question.asked.label, ...this.#question.state },
      help: this.#help === undefined ? undefined : helpPage(view.contexts, size, this.#help),
    };
    const chrome = this.#chrome.rows(facts);
    const over = chrome.slice(1, -1);
    const screen = [chrome[0] ?? "", ...rows.map((row, index) => over[index] ?? row), chrome.at(-1) ?? ""];
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
    const view = this.#view;
    if (!view) return;
    const action = event.kind === "key" ? actionFor(event.key, view.contexts) : undefined;
    if (action === "interrupt") this.#finish({ status: 130 });
    else if (action === "suspend") this.#suspend(true);
    else if (this.#question) this.#onPrompt(this.#question, event);
    else if (action) this.#act(view, action);
  }

  #act(view: View, action: Action): void {
    this.#message = "";
    if (this.#help !== undefined && this.#turnHelp(this.#help, action)) return;
    if (view.act(action)) return;
    if (action === "help") this.#help = 0;
    else if (action === "back") this.back();
    else if (action === "quit") this.#finish({ status: 0 });
    else if (action === "redraw") this.#compositor.invalidate();
  }

  /** Keys of the help while it is shown; another key closes it and does what it does without. */
  #turnHelp(page: number, action: Action): boolean {
    this.#help = undefined;
    if (action === "page-down" || action === "line-down") this.#help = page + 1;
    else if (action === "page-up" || action === "line-up") this.#help = Math.max(0, page - 1);
    else return action === "cancel" || action === "help" || action === "back";
    return true;
  }

  #onPrompt({ asked, state }: { asked: Question; state: PromptState }, event: KeyEvent): void {
    const result = editPrompt(state, event);
    if (result.kind === "typing") {
      this.#question = { asked, state: result.state };
      if (result.state.characters !== state.characters) asked.changed?.(result.state.characters.join(""));
      return;
    }
    this.#question = undefined;
    if (result.kind === "done") asked.done(result.text);
    else asked.cancelled?.();
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

  readonly #onSuspend = (): void => this.#suspend(false);
  readonly #onHangup = (): void => this.#finish({ status: 129 });
  readonly #onResize = (): void => {
    this.#compositor.invalidate();
    this.#clock.request();
  };
}
