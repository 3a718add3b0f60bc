import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach } from "vitest";
import { builtCommand } from "../helpers/paths.ts";
import { childrenOf } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

export interface ScreenSize {
  columns: number;
  rows: number;
}

/** Returns the text of a toast over the body, with its rows joined; empty without a toast. */
export function toastOf(text: string): string {
  return text
    .split("\n")
    .flatMap((row) => row.split("▌").slice(1, 2))
    .map((part) => part.trim())
    .join(" ");
}

/** Returns the first row of the body. */
export function first(text: string): string {
  return text.split("\n")[1] ?? "";
}

/** Returns the status row of a screen of 24 rows. */
export function status(text: string): string {
  return text.split("\n")[22] ?? "";
}

/** Returns a check that the status row has these words. */
export function says(words: string): (text: string) => boolean {
  return (text) => status(text).includes(words);
}

/** Returns a check that a toast has these words. */
export function tells(words: string): (text: string) => boolean {
  return (text) => toastOf(text).includes(words);
}

/** Returns a screen that is reset for each test of the block and closed after it. */
export function screenOfTest(size?: ScreenSize): TmuxScreen {
  const screen = new TmuxScreen(size);
  beforeEach(() => screen.reset());
  afterEach(() => screen.close());
  return screen;
}

/**
 * A shell in a pane of a separate tmux server, with a record of all bytes sent to the pane. The
 * server starts on first use.
 */
export class TmuxScreen {
  readonly #size: ScreenSize;
  #server: { directory: string; socket: string } | "none" | "closed" = "none";
  #commands = 0;

  constructor(size: ScreenSize = { columns: 80, rows: 24 }) {
    this.#size = size;
  }

  get directory(): string {
    return this.#running().directory;
  }

  /**
   * Runs `porthole open` with these arguments in the pane's shell, and waits for the status row.
   * The shell prints the exit status afterwards.
   */
  async open(...args: string[]): Promise<void> {
    this.run(`${process.execPath} ${builtCommand} open ${args.map(quoted).join(" ")}`);
    await this.waitFor("the status row", (text) => /byte [\d,]+ of [\d,]+ *$/m.test(text));
  }

  /** Types a command line into the shell, which then prints its number and status when it ends. */
  run(command: string): void {
    this.enter(`${command}; printf '\\nended %s: %s\\n' ${++this.#commands} $?`);
  }

  /** Presses keys, given as tmux's names or as characters. */
  keys(...keys: string[]): void {
    this.#tmux("send-keys", ...keys);
  }

  type(text: string): void {
    this.#tmux("send-keys", "-l", "--", text);
  }

  enter(text: string): void {
    this.type(text);
    this.keys("Enter");
  }

  paste(text: string): void {
    this.#tmux("set-buffer", text);
    this.#tmux("paste-buffer", "-p");
  }

  resize({ columns, rows }: ScreenSize): void {
    this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** Returns the visible rows, without trailing blanks. */
  rows(): string[] {
    return this.text().split("\n");
  }

  text(): string {
    return this.#tmux("capture-pane", "-p").replace(/\n$/, "");
  }

  /** Returns the rows with their attributes as SGR. */
  styled(): string {
    return this.#tmux("capture-pane", "-p", "-e");
  }

  /** Evaluates a format of tmux for the pane, such as `#{alternate_on}`. */
  state(format: string): string {
    return this.#tmux("display-message", "-p", format).trim();
  }

  /** Returns all bytes since the start. */
  raw(): string {
    return existsSync(`${this.directory}/raw`) ? readFileSync(`${this.directory}/raw`, "latin1") : "";
  }

  /** Waits until the screen has the texts, matches the expressions and passes the checks. */
  async waitFor(what: string, ...conditions: (string | RegExp | ((text: string) => boolean))[]): Promise<string> {
    let text = "";
    const holds = (condition: (typeof conditions)[number]) => {
      if (typeof condition === "string") return text.includes(condition);
      return condition instanceof RegExp ? condition.test(text) : condition(text);
    };
    try {
      return await waitFor(what, () => {
        text = this.text();
        return conditions.every(holds) && text;
      });
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}; the screen was\n${text}`);
    }
  }

  /** Waits until the last command has ended. Returns its status. */
  async waitForEnd(): Promise<number> {
    const ended = new RegExp(`^ended ${this.#commands}: (\\d+)$`, "m");
    const text = await this.waitFor("the end of the command", (shown) => ended.test(shown));
    return Number(ended.exec(text)?.[1]);
  }

  async pid(): Promise<number> {
    const shell = Number(this.state("#{pane_pid}"));
    return waitFor("the program's process", () => childrenOf(shell)[0]);
  }

  file(name: string, content: string | Buffer): string {
    const path = `${this.directory}/${name}`;
    writeFileSync(path, content);
    return path;
  }

  /** Types a line into the prompt that a key opens. */
  answer(key: string, text: string): void {
    this.keys(key);
    this.enter(text);
  }

  close(): void {
    const server = this.#server;
    this.#server = "closed";
    if (typeof server === "string") return;
    // The server does not remove its socket.
    const socket = tmux(server.socket, "display-message", "-p", "#{socket_path}").trim();
    tmux(server.socket, "kill-server");
    rmSync(socket, { force: true });
    rmSync(server.directory, { recursive: true, force: true });
  }

  /** Resets a closed screen. */
  reset(): void {
    this.#server = "none";
    this.#commands = 0;
  }

  #tmux(...args: string[]): string {
    return tmux(this.#running().socket, ...args);
  }

  #running(): { directory: string; socket: string } {
    if (this.#server === "closed") throw new Error("the screen is closed");
    if (this.#server === "none") this.#server = started(this.#size);
    return this.#server;
  }
}

function started({ columns, rows }: ScreenSize): { directory: string; socket: string } {
  const directory = mkdtempSync(`${tmpdir()}/porthole-screen-`);
  const socket = `porthole-${process.pid}-${randomBytes(4).toString("hex")}`;
  const shell = `env XDG_CONFIG_HOME=${quoted(`${directory}/config`)} PS1= sh`;
  tmux(socket, "new-session", "-d", "-x", String(columns), "-y", String(rows), "-c", directory, shell);
  tmux(socket, "pipe-pane", "-o", `cat > ${quoted(`${directory}/raw`)}`);
  return { directory, socket };
}

function tmux(socket: string, ...args: string[]): string {
  return execFileSync("tmux", ["-L", socket, "-f", "/dev/null", ...args], { encoding: "utf8" });
}

/** Quotes a word for the shell: a path in TMPDIR may have blanks. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns `count` numbered lines, from 1. */
export function numbered(count: number): string {
  return Array.from({ length: count }, (_, i) => `line ${i + 1} of the log\n`).join("");
}
