import type { RecentFile, View } from "../view.ts";

/** Files that are remembered. */
const MOST = 100;

/** Files and outputs that were shown, for as long as the program runs. */
export class RecentFiles {
  #files: readonly RecentFile[] = [];

  /** Remembers what a view shows if that is a file which has a place. */
  add({ title, location, contexts }: View): void {
    if (!location || !contexts.includes("viewer")) return;
    this.#files = [{ title, location }, ...this.#files.filter((one) => one.title !== title)].slice(0, MOST);
  }

  /** The last one first, without the one that is shown. */
  except(shown: View): readonly RecentFile[] {
    return this.#files.filter(({ title }) => title !== shown.title);
  }
}
