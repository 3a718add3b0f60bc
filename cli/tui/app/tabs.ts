import type { View } from "../view.ts";

/**
 * Views that lie one over the other, side by side in tabs. There is always one tab, empty only at
 * the very end.
 */
export class Tabs {
  #stacks: View[][] = [[]];
  #at = 0;

  /** The view that is shown. */
  get view(): View | undefined {
    return this.#stacks[this.#at]?.at(-1);
  }

  /** Number of the tab that is shown, from 0. */
  get at(): number {
    return this.#at;
  }

  get count(): number {
    return this.#stacks.length;
  }

  /** What each tab shows. */
  get titles(): readonly string[] {
    return this.#stacks.map((stack) => stack.at(-1)?.title ?? "");
  }

  /** Views in the shown tab: how far one can go back. */
  get depth(): number {
    return this.#stacks[this.#at]?.length ?? 0;
  }

  /** Over the one that is shown. */
  push(view: View): void {
    this.#stacks[this.#at]?.push(view);
  }

  /** In a tab of its own, beside the one that is shown, and shown from now on. */
  add(view: View): void {
    this.#at++;
    this.#stacks.splice(this.#at, 0, [view]);
  }

  /**
   * Takes the shown view away; with its last view a tab goes too, if there is another. Returns the
   * view.
   */
  pop(): View | undefined {
    const view = this.#stacks[this.#at]?.pop();
    if (this.depth === 0) this.#drop();
    return view;
  }

  /**
   * Takes away the views over the last one that is wanted, in the shown tab; undefined where there
   * is none.
   */
  popTo(isWanted: (view: View) => boolean): readonly View[] | undefined {
    const stack = this.#stacks[this.#at] ?? [];
    const index = stack.findLastIndex(isWanted);
    return index === -1 ? undefined : stack.splice(index + 1);
  }

  /** Takes the shown tab away with all its views; undefined where it is the last one. */
  close(): readonly View[] | undefined {
    if (this.#stacks.length === 1) return undefined;
    const stack = this.#stacks[this.#at]?.splice(0);
    this.#drop();
    return stack;
  }

  /** Shows the next tab, or one so many further; the last is followed by the first. */
  turn(by: number): void {
    this.#at = (this.#at + by + this.#stacks.length) % this.#stacks.length;
  }

  /** Shows this tab, if it is there. */
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
