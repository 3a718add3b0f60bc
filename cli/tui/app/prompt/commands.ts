import { COMMANDS, commandNames, parseBeginning, parseCommand } from "../../keymap/command-line.ts";
import type { Action, Keymap } from "../../keymap/keymap.ts";
import type { Choice, Host, KnownContainer, Navigator, RecentFile, View } from "../../view/view.ts";
import { paletteChoices } from "./palette.ts";
import { RecentFiles } from "./recent-files.ts";

/** The objects that commands act on. */
export interface CommandTargets {
  host: Host;
  keymap: Keymap;
  /** The visible view. */
  view(): View | undefined;
  act(view: View, action: Action): void;
  /** Returns false if there is no such tab. */
  showTab(index: number): boolean;
  /** Loads the navigator. */
  navigator(host: Host): Promise<Navigator>;
}

/**
 * The palette: commands after `:`, and everything else that a search by name finds. Loads the
 * {@link Navigator} on its first use.
 */
export class Commands {
  readonly recent = new RecentFiles();
  readonly #targets: CommandTargets;
  #navigator: Promise<Navigator> | undefined;
  /** The containers of the last request. */
  #containers: readonly KnownContainer[] = [];

  constructor(targets: CommandTargets) {
    this.#targets = targets;
  }

  ask(): void {
    const { host, keymap, act } = this.#targets;
    const view = this.#targets.view();
    if (!view) return;
    const sources = () => ({
      ...{ contexts: view.contexts, lacks: view.lacks, keymap },
      recent: this.recent.except(view),
      containers: this.#containers,
      act: (action: Action) => act(view, action),
      reopen: (file: RecentFile) => void this.#navigate((navigator) => navigator.reopen(file)),
    });
    const choices = (text: string) => paletteChoices(text, sources(), this.#literal(text, view));
    host.ask({
      label: ":",
      enter: "choose",
      choices,
      opened: (again) => void this.#list(again),
      check: (text) =>
        text.trim() === "" || choices(text).length > 0 ? undefined : `no command '${text.trim()}' here`,
      complete: (text) => this.#complete(text),
      done: () => undefined,
    });
  }

  /** Runs an action of the navigator on a view. Resolves once the navigator has taken it. */
  go(action: Action, view: View): Promise<void> {
    return this.#navigate((navigator) => navigator.go(action, view));
  }

  /** The entry for a position, or for a command with an argument. */
  #literal(text: string, view: View): Omit<Choice, "matched"> | undefined {
    const line = text.trim();
    const { name, argument } = parseCommand(text);
    const entry = (detail: string, take: () => void) => ({ name: line, detail, key: "", line, take });
    if (view.takes?.(line)) return entry("go to this position", () => view.command?.(line));
    const command = COMMANDS.find((one) => one.name === name);
    if (!command || argument === "") return undefined;
    return entry(command.help, () => this.#run(name, argument, view));
  }

  #run(name: string, argument: string, view: View): void {
    const { host, showTab } = this.#targets;
    if (name !== "tab") void this.#navigate((navigator) => navigator.command(name, argument, view));
    else if (!showTab(Number(argument) - 1)) host.say(`no such tab: '${argument}'`);
  }

  /**
   * Lists containers whenever the palette opens. The palette shows the last list until engines
   * respond.
   */
  async #list(changed: () => void): Promise<void> {
    try {
      this.#containers = await (await this.#load()).containers();
      changed();
    } catch {
      // Ignores the error: without an engine the palette has no containers, and the list of
      // containers shows the reason.
    }
  }

  async #complete(text: string): Promise<readonly string[]> {
    const contexts = this.#targets.view()?.contexts ?? [];
    const { before, command, begun } = parseBeginning(text);
    const found =
      command === undefined
        ? commandNames(begun, contexts, this.#targets.keymap)
        : await (await this.#load()).complete(command, begun);
    return found.map((one) => before + one);
  }

  async #navigate(action: (navigator: Navigator) => unknown): Promise<void> {
    try {
      action(await this.#load());
    } catch (error) {
      this.#targets.host.fail(error);
    }
  }

  #load(): Promise<Navigator> {
    this.#navigator ??= this.#targets.navigator(this.#targets.host);
    return this.#navigator;
  }
}
