/** What an attached porthole prints to standard error as its last line: see cli/io/attached.ts. */
const MARK = /^porthole: __ended (\d+)$/;
/** kubectl's own last line after a status other than 0. */
const TERMINATED = /^command terminated with exit code (\d+)$/;
/** Lines that may be the last: kubectl's errors. */
const MAY_BE_LAST = /^(?:porthole: __|command terminated|error: |Error from server|Unable to connect|[EWI]\d{4} )/;

/** How an exec ended. */
export interface ExecEnd {
  /** Status of the command there; undefined if the connection ended first. */
  status: number | undefined;
  /** kubectl's reason; empty if it gave none. */
  reason: string;
}

/**
 * Separates the standard error of the command from the lines that say how it ended. A lost
 * connection is no status: kubectl may exit with 0 then.
 */
export class ExitLine {
  #text = "";
  #held: string[] = [];
  #marked: number | undefined;

  /** @returns what the command printed */
  push(piece: string): string {
    this.#text += piece;
    let shown = "";
    for (let end = this.#text.indexOf("\n"); end !== -1; end = this.#text.indexOf("\n")) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      const mark = MARK.exec(line);
      if (mark !== null) this.#marked = Number(mark[1]);
      else if (MAY_BE_LAST.test(line)) this.#held.push(line);
      else shown += this.#release() + line.concat("\n");
    }
    if (this.#text === "" || MAY_BE_LAST.test(this.#text) || isBeginning(this.#text)) return shown;
    shown += this.#release() + this.#text;
    this.#text = "";
    return shown;
  }

  /** @param code kubectl's exit status; null after a signal */
  end(code: number | null): ExecEnd & { shown: string } {
    const lines = this.#text === "" ? this.#held : [...this.#held, this.#text];
    const terminated = TERMINATED.exec(lines.at(-1) ?? "");
    if (terminated !== null && Number(terminated[1]) === code) {
      const shown = lines
        .slice(0, -1)
        .map((line) => `${line}\n`)
        .join("");
      return { status: code ?? undefined, reason: "", shown };
    }
    if (this.#marked !== undefined)
      return { status: this.#marked, reason: "", shown: lines.map((line) => `${line}\n`).join("") };
    return { status: undefined, reason: lines.filter((line) => !/^[EWI]\d{4} /.test(line)).at(-1) ?? "", shown: "" };
  }

  #release(): string {
    const lines = this.#held.map((line) => `${line}\n`).join("");
    this.#held = [];
    return lines;
  }
}

function isBeginning(text: string): boolean {
  return ["porthole: __", "command terminated", "error: ", "Error from server", "Unable to connect"].some((one) =>
    one.startsWith(text),
  );
}
