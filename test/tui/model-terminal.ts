/**
 * A model of a terminal that supports only the compositor's output; any other output is an error.
 * Cells have a character and a style.
 */
export class ModelTerminal {
  readonly #columns: number;
  #cells: string[][];
  #row = 0;
  #column = 0;
  #style = "";
  #region: [number, number];
  synchronised = false;

  constructor(rows: number, columns: number) {
    this.#columns = columns;
    this.#cells = Array.from({ length: rows }, () => this.#blank());
    this.#region = [0, rows - 1];
  }

  write(bytes: string): void {
    for (const [, final, parameters = "", character] of bytes.matchAll(
      /\x1b\[(?=[0-9;?]*([A-Za-z]))([0-9;?]*)[A-Za-z]|([\x20-\x7e]|[^\x00-\x9f])/gu,
    )) {
      if (character !== undefined) this.#put(character);
      else this.#control(final ?? "", parameters);
    }
    const rest = bytes.replace(/\x1b\[[0-9;?]*[A-Za-z]|[\x20-\x7e]|[^\x00-\x9f]/gu, "");
    if (rest !== "") throw new Error(`the terminal was sent ${JSON.stringify(rest)}`);
  }

  /** Rows as text, without trailing blanks. */
  get rows(): string[] {
    return this.#cells.map((row) =>
      row
        .map((cell) => cell.at(-1))
        .join("")
        .trimEnd(),
    );
  }

  /** Rows with the style of each cell, to compare whole screens. */
  get cells(): string[][] {
    return this.#cells;
  }

  #put(character: string): void {
    const row = this.#cells[this.#row];
    if (!row) throw new Error(`row ${this.#row}`);
    row[Math.min(this.#column++, this.#columns - 1)] = `${this.#style} ${character}`;
  }

  #control(final: string, parameters: string): void {
    const [first = 0, second = 0] = parameters.split(";").map(Number);
    const row = this.#cells[this.#row] ?? [];
    switch (final) {
      case "h":
      case "l":
        if (parameters !== "?2026") throw new Error(`mode ${parameters}`);
        this.synchronised = final === "h";
        break;
      case "H":
        [this.#row, this.#column] = [first - 1, second - 1];
        break;
      case "K":
        if (this.#style !== "") throw new Error("erased in a style");
        for (let at = this.#column; at < row.length; at++) row[at] = "  ";
        break;
      case "m":
        // Normalises a style, so that equal looks are equal strings: attributes in order, 0 resets.
        this.#style = sgr(this.#style, parameters);
        break;
      case "r":
        this.#region = parameters === "" ? [0, this.#cells.length - 1] : [first - 1, second - 1];
        [this.#row, this.#column] = [0, 0];
        break;
      case "S":
      case "T":
        for (let step = 0; step < first; step++) this.#scroll(final === "S");
        break;
      default:
        throw new Error(`CSI ${parameters} ${final}`);
    }
  }

  #scroll(up: boolean): void {
    const [top, bottom] = this.#region;
    this.#cells.splice(up ? top : bottom, 1);
    this.#cells.splice(up ? bottom : top, 0, this.#blank());
  }

  #blank(): string[] {
    return Array.from({ length: this.#columns }, () => "  ");
  }
}

function sgr(style: string, parameters: string): string {
  const set = new Set(style.split(";").filter((value) => value !== ""));
  for (const value of parameters.split(";")) {
    if (value === "" || value === "0") set.clear();
    else if (value === "27") set.delete("7");
    else if (value === "22") for (const off of ["1", "2"]) set.delete(off);
    else set.add(value);
  }
  return [...set].sort().join(";");
}
