import { type FollowSource, PortholeError } from "../../src/index.ts";
import { loadWidths } from "../../src/text/index.ts";
import type { ChromeFacts, ChromeRenderer } from "./chrome-text.ts";
import { Compositor } from "./compositor.ts";
import { contentOf, type ScreenFile, StreamPump } from "./content.ts";
import { Follower, type ScreenGeneration } from "./follower.ts";
import { FrameClock } from "./frames.ts";
import { type Action, actionFor } from "./keymap.ts";
import { type KeyEvent, KeyParser } from "./keys.ts";
import { plainChrome } from "./plain-chrome.ts";
import { guardProcess } from "./process-guard.ts";
import { EMPTY_PROMPT, editPrompt, type PromptState } from "./prompt.ts";
import { stopProcess } from "./suspend.ts";
import { Terminal } from "./terminal.ts";
import { Viewer } from "./viewer.ts";

export interface ScreenOptions {
  /** What is shown. It stays the caller's and must stay open until the screen has ended. */
  file: ScreenFile;
  /** The target as the user named it, for the title row. */
  title: string;
  /** How it was reached (route, kind), for the right end of the title row. */
  subtitle: string;
  /** Begin with the last page. */
  startAtEnd: boolean;
  /** Begin following; implies the last page. */
  follow: boolean;
  /** How to follow; its `file` is the same open file. Undefined for what has no positions. */
  followSource?: FollowSource<ScreenGeneration> | undefined;
}

/** Bytes after ESC that belong to one key come in one piece nearly always; over a slow connection within this. */
const ESCAPE_MS = 50;

/** Title and status. */
const CHROME_ROWS = 2;

/**
 * Shows one file on the terminal until the user quits or a signal ends it, and gives the terminal back as it was. Resolves with the exit status: 0 for
 * `q`, 130 for Ctrl-C, 128 + n for a signal. The first text is on the screen before this yields to the event loop.
 * @throws PortholeError USAGE without a terminal; whatever reading the file throws
 */
export async function openScreen(options: ScreenOptions): Promise<number> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new PortholeError("USAGE", "the screen needs a terminal for its input and output", {
      hint: "porthole cat and porthole tail write to anything",
    });
  return new Screen(options).run();
}

class Screen {
  readonly #options: ScreenOptions;
  readonly #terminal = new Terminal(process.stdin, process.stdout);
  readonly #compositor = new Compositor();
  readonly #keys = new KeyParser();
  readonly #clock: FrameClock;
  readonly #viewer: Viewer;
  readonly #pump = new StreamPump();
  readonly #follower: Follower | undefined;
  readonly #subtitle: string;
  #chrome: ChromeRenderer = plainChrome;
  #prompt: PromptState | undefined;
  #help = false;
  #escape: NodeJS.Timeout | undefined;
  #finish: (outcome: { status: number } | { error: unknown }) => void = () => {};

  constructor(options: ScreenOptions) {
    this.#options = options;
    this.#clock = new FrameClock(
      () => this.#draw(),
      () => !this.#terminal.busy,
    );
    this.#terminal.onDrain = () => this.#clock.request();
    const { source, stream } = contentOf(options.file);
    this.#subtitle = stream && !options.file.isSeekable ? `${options.subtitle}, as a stream` : options.subtitle;
    this.#viewer = new Viewer({
      source,
      colours: process.env.NO_COLOR ? "drop" : "pass",
      canFollow: stream !== undefined || options.followSource !== undefined,
      changed: () => this.#clock.request(),
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

  async run(): Promise<number> {
    const outcome = new Promise<{ status: number } | { error: unknown }>((resolve) => {
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
      this.#begin();
      const result = await outcome;
      if ("error" in result) throw result.error;
      return result.status;
    } finally {
      await this.#close();
      release();
    }
  }

  /** The first frame needs no Ink; that is loaded when the text is there to read. */
  #begin(): void {
    this.#terminal.enter();
    this.#fit();
    if (this.#options.startAtEnd || this.#options.follow) this.#viewer.toEnd();
    if (this.#options.follow) this.#viewer.toggleFollow();
    this.#clock.now();
    process.stdin.on("data", this.#onInput).on("end", this.#onHangup).on("error", this.#onHangup);
    process.stdout.on("resize", this.#onResize);
    this.#follower?.update(this.#onFailure);
    setImmediate(() => void this.#loadChrome().catch(this.#onFailure));
  }

  async #close(): Promise<void> {
    this.#clock.stop();
    clearTimeout(this.#escape);
    process.stdin.off("data", this.#onInput).off("end", this.#onHangup);
    process.stdin.pause();
    process.stdout.off("resize", this.#onResize);
    this.#terminal.close();
    this.#chrome.close();
    await this.#viewer.close();
    await this.#follower?.close();
    await this.#pump.close();
    process.stdin.off("error", this.#onHangup);
  }

  async #loadChrome(): Promise<void> {
    // chalk, which Ink styles with, would leave out even bold and reverse for a TERM that it does not know. It looks once, when it loads.
    process.env.FORCE_COLOR ??= "1";
    const [{ inkChrome }] = await Promise.all([import("./ink-chrome.tsx"), loadWidths()]);
    this.#viewer.layOutAnew();
    this.#chrome = inkChrome(this.#terminal.columns);
    this.#clock.request();
  }

  #draw(): void {
    const { rows, status } = this.#viewer.frame();
    const facts: ChromeFacts = {
      columns: this.#terminal.columns,
      title: this.#options.title,
      subtitle: this.#subtitle,
      status,
      prompt: this.#prompt,
      help: this.#help,
    };
    const chrome = this.#chrome.rows(facts);
    const over = chrome.slice(1, -1);
    const screen = [chrome[0] ?? "", ...rows.map((row, index) => over[index] ?? row), chrome.at(-1) ?? ""];
    this.#terminal.write(this.#compositor.frame(screen.slice(0, this.#terminal.rows)));
  }

  #fit(): void {
    this.#viewer.resize(this.#terminal.columns, Math.max(1, this.#terminal.rows - CHROME_ROWS));
    this.#compositor.invalidate();
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
    const action = event.kind === "key" ? actionFor(event.key) : undefined;
    if (action === "interrupt") this.#finish({ status: 130 });
    else if (action === "suspend") this.#suspend(true);
    else if (this.#prompt) this.#onPrompt(this.#prompt, event);
    else if (action) this.#act(action);
  }

  #act(action: Action): void {
    this.#viewer.clearMessage();
    const help = this.#help;
    this.#help = action === "help" && !help;
    if (action === "quit") this.#finish({ status: 0 });
    else if (action === "search") this.#prompt = EMPTY_PROMPT;
    else if (action === "redraw") this.#fit();
    else if (!help || action !== "cancel") this.#viewer.act(action);
    this.#follower?.update(this.#onFailure);
    this.#pump.wake();
  }

  #onPrompt(prompt: PromptState, event: KeyEvent): void {
    const result = editPrompt(prompt, event);
    this.#prompt = result.kind === "typing" ? result.state : undefined;
    if (result.kind === "done") this.#viewer.search(result.text);
  }

  #suspend(group: boolean): void {
    this.#terminal.leave();
    stopProcess(this.#onSuspend, group, () => this.#resume());
  }

  #resume(): void {
    this.#terminal.enter();
    this.#fit();
    this.#clock.request();
  }

  readonly #onSuspend = (): void => this.#suspend(false);
  readonly #onHangup = (): void => this.#finish({ status: 129 });
  readonly #onFailure = (error: unknown): void => this.#finish({ error });
  readonly #onResize = (): void => {
    this.#fit();
    this.#clock.request();
  };
}
