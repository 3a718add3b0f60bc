import { messageOf } from "../../../src/errors.ts";
import type { Action } from "../keymap/keymap.ts";
import type { Host, View } from "../view/view.ts";
import type { Tabs } from "./drawing/tabs.ts";
import type { OutAction } from "./out.ts";

/** The parts of the program that its own actions change. */
export interface Program {
  host: Host;
  tabs: Tabs;
  quit(): void;
  showHelp(): void;
  askCommand(): void;
  /** Turns mouse reports on or off. Returns whether they are on now. */
  toggleMouse(): boolean;
  /** Shows or hides the scroll bar of texts. Returns whether it is visible now. */
  toggleScrollBar(): boolean;
  redraw(): void;
  /** Ends a view that was removed from its tab. */
  end(view: View): void;
  /** Runs an action of the navigator. Delays keys until it is loaded. */
  go(action: Action, view: View): void;
  /** Delays keys until `begin` resolves. */
  holdKeys<Begun>(begin: () => Promise<Begun>): Promise<Begun>;
}

/** Runs an action that the visible view does not handle. */
export function runProgramAction(action: Action, view: View, program: Program): void {
  const run = ACTIONS[action];
  if (run) run(program, view);
  else program.go(action, view);
}

const ACTIONS: Readonly<Partial<Record<Action, (program: Program, view: View) => void>>> = {
  help: (program) => program.showHelp(),
  back: ({ host }) => host.back(),
  cancel: ({ host, tabs }) => {
    if (tabs.depth > 1) host.back();
  },
  quit: (program) => program.quit(),
  command: (program) => program.askCommand(),
  "next-tab": (program) => turnTab(program, 1),
  "previous-tab": (program) => turnTab(program, -1),
  "close-tab": closeTab,
  mouse: (program) => {
    const isOn = program.toggleMouse();
    const { host } = program;
    host.say(isOn ? "mouse on: hold Shift to select text" : `mouse off: ${host.keyOf("global", "mouse")} turns it on`);
  },
  "scroll-bar": (program) => program.host.say(program.toggleScrollBar() ? "scroll bar" : "no scroll bar"),
  redraw: (program) => program.redraw(),
  ...outActions("pipe", "run", "edit", "copy", "save"),
};

function turnTab({ host, tabs }: Program, by: number): void {
  if (tabs.count === 1) host.say(`one tab only: ${host.keyOf("list", "open-in-tab")} in a list opens another`);
  tabs.turn(by);
}

function closeTab({ host, tabs, end }: Program): void {
  const views = tabs.close();
  if (!views)
    host.say(`the only tab: ${host.keyOf("global", "back")} goes back, ${host.keyOf("global", "quit")} quits`);
  for (const view of views ?? []) end(view);
}

function outActions(...actions: OutAction[]) {
  return Object.fromEntries(
    actions.map((action) => [action, (program: Program, view: View) => void sendOut(action, view, program)]),
  );
}

async function sendOut(action: OutAction, view: View, { host, holdKeys }: Program): Promise<void> {
  try {
    const { done } = await holdKeys(async () => {
      const { runOutAction } = await import("./out.ts");
      return { done: runOutAction(view, action, host) };
    });
    await done;
  } catch (error) {
    host.say(messageOf(error));
  }
}
