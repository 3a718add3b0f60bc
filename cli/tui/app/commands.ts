import { actionNamed, commandNames, parseBeginning, parseCommand } from "../keymap/command-line.ts";
import type { Action, Keymap } from "../keymap/keymap.ts";
import type { Host, Navigator, View } from "../view.ts";

/** What commands are done with. */
export interface CommandTargets {
  host: Host;
  keymap: Keymap;
  /** The view that is shown. */
  view(): View | undefined;
  act(view: View, action: Action): void;
  /** False when there is no such tab. */
  showTab(index: number): boolean;
  /** Loads what goes from view to view. */
  navigator(host: Host): Promise<Navigator>;
}

/**
 * Commands that are typed behind `:`, and the ways from view to view, which are loaded with the
 * first that is taken.
 */
export class Commands {
  readonly #targets: CommandTargets;
  #navigator: Promise<Navigator> | undefined;

  constructor(targets: CommandTargets) {
    this.#targets = targets;
  }

  ask(): void {
    this.#targets.host.ask({
      label: ":",
      complete: (text) => this.#complete(text),
      done: (text) => this.#run(text),
    });
  }

  /** Goes where an action leads from a view. */
  go(action: Action, view: View): void {
    void this.#navigate((navigator) => navigator.go(action, view));
  }

  #run(text: string): void {
    const { host, keymap, act, showTab } = this.#targets;
    const view = this.#targets.view();
    const { name, argument } = parseCommand(text);
    if (!view || name === "") return;
    const action = argument === "" ? actionNamed(name, view.contexts, keymap) : undefined;
    if (action) act(view, action);
    else if (view.command?.(text.trim())) return;
    else if (name === "tab") {
      if (!showTab(Number(argument) - 1))
        host.say(argument ? `there is no tab '${argument}'` : "which tab? its number");
    } else
      void this.#navigate((navigator) => {
        if (!navigator.command(name, argument, view)) host.say(`no command '${name}' here: Tab lists them`);
      });
  }

  async #complete(text: string): Promise<readonly string[]> {
    const contexts = this.#targets.view()?.contexts ?? [];
    const navigator = await this.#load();
    const { before, command, begun } = parseBeginning(text);
    const found =
      command === undefined
        ? commandNames(begun, contexts, navigator.commands, this.#targets.keymap)
        : await navigator.complete(command, begun);
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
