import type { RecentFile, View } from "../../view/view.ts";

/** Maximum number of files in the list. */
const MAX_FILES = 100;

/** Files and outputs that the user has opened. Kept until the program ends. */
export class RecentFiles {
  #files: readonly RecentFile[] = [];

  /** Adds the content of a view, if it is a file with a location. */
  add({ title, location, contexts }: View): void {
    if (!location || !contexts.includes("viewer")) return;
    this.#files = [{ title, location }, ...this.#files.filter((one) => one.title !== title)].slice(0, MAX_FILES);
  }

  /** Returns the files, most recent first, without the current one. */
  except(shown: View): readonly RecentFile[] {
    return this.#files.filter(({ title }) => title !== shown.title);
  }
}
