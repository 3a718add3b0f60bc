import type { Regions } from "../canvas/layout.ts";
import type { Action } from "../keymap/keymap.ts";
import type { KeyEvent } from "../keymap/keys.ts";
import { hitAt } from "../ui/hit.ts";
import type { ScreenState } from "../ui/state.ts";
import type { View } from "../view/view.ts";
import { DoubleClick } from "./double-click.ts";
import type { Tabs } from "./drawing/tabs.ts";
import type { Overlays } from "./prompt/overlays.ts";

/** Rows per step of the mouse wheel. */
const WHEEL_ROWS = 3;

type MouseEvent = KeyEvent & { kind: "mouse" };

/** The parts of the program that the mouse acts on. */
export interface MouseHost {
  tabs: Tabs;
  overlays: Overlays;
  regions(): Regions;
  state(): ScreenState | undefined;
  /** Acts as if the user pressed the key of a hint. */
  press(key: string): void;
  act(view: View, action: Action): void;
}

/** Handles mouse events: clicks, drags and steps of the wheel. */
export class Mouse {
  readonly #host: MouseHost;
  readonly #doubleClick = new DoubleClick();
  /** The view that receives drags until the button is released. */
  #grabbed: View | undefined;

  constructor(host: MouseHost) {
    this.#host = host;
  }

  /** Handles a press, or a step of the wheel. */
  take(view: View, event: MouseEvent): void {
    if (event.what === "press") this.#press(view, event);
    else this.#wheel(view, event, event.what === "wheel-down" ? 1 : -1);
  }

  /** Handles a move with the button pressed, or a release. True if a view has handled it. */
  drag({ what, row, column }: MouseEvent): boolean {
    const { tabs, overlays, regions } = this.#host;
    if (what === "release") this.#grabbed = undefined;
    const view = this.#grabbed;
    if (!view || view !== tabs.view || !overlays.isEmpty) return false;
    view.drag?.(row - regions().top, column);
    return true;
  }

  #press(view: View, { row, column }: MouseEvent): void {
    const { tabs, overlays, regions, state, press, act } = this.#host;
    const isDouble = this.#doubleClick.press(row, column, performance.now());
    const shown = state();
    if (!shown) return;
    const hit = hitAt(shown, regions(), row, column);
    if (hit.kind === "key") press(hit.press);
    else if (hit.kind === "choice" && overlays.prompt) overlays.pick(hit.index);
    else if (hit.kind === "answer" && overlays.dialog) overlays.answer(hit.isYes);
    else if (hit.kind === "beside" && overlays.help !== undefined) overlays.help = undefined;
    else if (!overlays.isEmpty) return;
    else if (hit.kind === "tab") tabs.show(hit.index);
    else if (hit.kind !== "body") return;
    else if (view.grab?.(hit.row, hit.column)) this.#grabbed = view;
    else if (view.click?.(hit.row, hit.column) && isDouble) act(view, "open");
  }

  /** Scrolls the topmost of help, palette and view. */
  #wheel(view: View, { row, column }: MouseEvent, by: 1 | -1): void {
    const { overlays, regions } = this.#host;
    const isText = view.contexts.includes("viewer");
    const [down, up]: [Action, Action] = isText ? ["line-down", "line-up"] : ["item-down", "item-up"];
    const action = by > 0 ? down : up;
    if (overlays.dialog) return;
    if (overlays.prompt) overlays.prompt.choose(by);
    else if (overlays.help !== undefined) overlays.turnHelp(action);
    else if (!view.wheel?.(by * WHEEL_ROWS, row - regions().top, column))
      for (let step = 0; step < WHEEL_ROWS; step++) view.act(action);
  }
}
