import type { View } from "../../view/view.ts";

/** Tabs, each a stack of views. There is always one tab, empty only at the end of the program. */
export class Tabs {
  #stacks: View[][] = [[]];
  #at = 0;

  /** The visible view. */
  get view(): View | undefined {
    return this.#stacks[this.#at]?.at(-1);
  }

  /** Index of the visible tab, from 0. */
  get at(): number {
    return this.#at;
  }

  get count(): number {
    return this.#stacks.length;
  }

  /** Titles of all tabs. */
  get titles(): readonly string[] {
    return this.#stacks.map((stack) => stack.at(-1)?.title ?? "");
  }

  /** Number of views in the visible tab. */
  get depth(): number {
    return this.#stacks[this.#at]?.length ?? 0;
  }

  /** Shows a view over the visible one. */
  push(view: View): void {
    this.#stacks[this.#at]?.push(view);
  }

  /** Shows a view in a new tab beside the visible one. */
  add(view: View): void {
    this.#at++;
    this.#stacks.splice(this.#at, 0, [view]);
  }

  /**
   * Removes and returns the visible view. Also removes its tab if that is then empty and not the
   * last.
   */
  pop(): View | undefined {
    const view = this.#stacks[this.#at]?.pop();
    if (this.depth === 0) this.#drop();
    return view;
  }

  /**
   * Removes the views above the last view in the visible tab that satisfies `isWanted`. Undefined
   * if no view does.
   */
  popTo(isWanted: (view: View) => boolean): readonly View[] | undefined {
    const stack = this.#stacks[this.#at] ?? [];
    const index = stack.findLastIndex(isWanted);
    return index === -1 ? undefined : stack.splice(index + 1);
  }

  /** Removes the visible tab with all its views; undefined if it is the last tab. */
  close(): readonly View[] | undefined {
    if (this.#stacks.length === 1) return undefined;
    const stack = this.#stacks[this.#at]?.splice(0);
    this.#drop();
    return stack;
  }

  /** Shows the tab that is `by` positions to the right; wraps around at both ends. */
  turn(by: number): void {
    this.#at = (this.#at + by + this.#stacks.length) % this.#stacks.length;
  }

  /** Shows this tab, if it exists. */
  show(number: number): boolean {
    if (this.#stacks[number] === undefined) return false;
    this.#at = number;
    return true;
  }

  /** Every view of every tab. */
  *[Symbol.iterator](): Generator<View> {
    for (const stack of this.#stacks) yield* stack;
  }

  #drop(): void {
    if (this.#stacks.length === 1) return;
    this.#stacks.splice(this.#at, 1);
    this.#at = Math.min(this.#at, this.#stacks.length - 1);
  }
}
