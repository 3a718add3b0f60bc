/** Visited paths with their selections. Goes back and forward as a web browser does. */
export class History {
  readonly #entries: { path: string; select: string | undefined }[];
  #at = 0;

  constructor(path: string) {
    this.#entries = [{ path, select: undefined }];
  }

  get path(): string {
    return this.#entries[this.#at]?.path ?? "/";
  }

  /**
   * Adds a path and drops the entries after the current one. `selected` is the selection at the
   * current path.
   */
  visit(path: string, selected: string | undefined): void {
    this.#keep(selected);
    this.#entries.splice(this.#at + 1);
    this.#entries.push({ path, select: undefined });
    this.#at++;
  }

  /** Replaces the current path without a new entry. */
  replace(path: string): void {
    this.#entries[this.#at] = { path, select: undefined };
  }

  /** Goes back. Returns the selection to restore; undefined if there is no earlier entry. */
  back(selected: string | undefined): { select: string | undefined } | undefined {
    return this.#step(-1, selected);
  }

  forward(selected: string | undefined): { select: string | undefined } | undefined {
    return this.#step(1, selected);
  }

  #step(by: number, selected: string | undefined): { select: string | undefined } | undefined {
    const entry = this.#entries[this.#at + by];
    if (entry === undefined) return undefined;
    this.#keep(selected);
    this.#at += by;
    return { select: entry.select };
  }

  #keep(selected: string | undefined): void {
    const entry = this.#entries[this.#at];
    if (entry) entry.select = selected;
  }
}
