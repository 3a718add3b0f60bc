/**
 * A source of a merged text. Each of its lines begins with the same prefix, which no other source
 * has.
 */
export interface LineSource {
  readonly name: string;
  readonly beginning: Uint8Array;
  /** True if its lines are JSON. May change while its first lines arrive. */
  readonly isJson: boolean;
}

/** The sources of a merged text. Some may be muted. */
export class Sources {
  /** May grow. */
  readonly #all: readonly LineSource[];
  readonly #muted = new Set<LineSource>();
  /** The only source that is shown; sources that appear later are then muted too. */
  #only: LineSource | undefined;
  #json: readonly Uint8Array[] = [];

  constructor(all: readonly LineSource[]) {
    this.#all = all;
  }

  get count(): number {
    return this.#all.length;
  }

  /** True if sources that appear later are muted. */
  get isSolo(): boolean {
    return this.#only !== undefined;
  }

  /** Prefixes of lines that are JSON. Returns the same array until it changes. */
  get json(): readonly Uint8Array[] {
    const json = this.#all.filter(({ isJson }) => isJson).map(({ beginning }) => beginning);
    const isSame = json.length === this.#json.length && json.every((one, index) => one === this.#json[index]);
    if (!isSame) this.#json = json;
    return this.#json;
  }

  /** Prefixes of hidden lines. */
  get muted(): readonly Uint8Array[] {
    return this.#all.filter((one) => this.#isMuted(one)).map(({ beginning }) => beginning);
  }

  #isMuted(source: LineSource): boolean {
    return this.#only === undefined ? this.#muted.has(source) : source !== this.#only;
  }

  /** Describes the muted sources; empty if no source is muted. */
  get description(): string {
    const names = (isMuted: boolean) => this.#all.filter((one) => this.#isMuted(one) === isMuted).map(nameOf);
    const [muted, shown] = [names(true), names(false)];
    if (muted.length === 0) return "";
    return shown.length === 1 ? `only ${shown[0]}` : `muted: ${muted.join(", ")}`;
  }

  /** Finds the source of a line by its prefix; undefined if the line has no such prefix. */
  of(line: Buffer): LineSource | undefined {
    return this.#all.find(({ beginning }) => line.subarray(0, beginning.length).equals(beginning));
  }

  /** Maximum length of a prefix in bytes. */
  get longest(): number {
    return Math.max(0, ...this.#all.map(({ beginning }) => beginning.length));
  }

  /** Mutes a source. False for the last visible source, which stays visible. */
  mute(source: LineSource): boolean {
    if (this.#only !== undefined || this.#muted.size + 1 >= this.#all.length) return false;
    this.#muted.add(source);
    return true;
  }

  solo(source: LineSource): void {
    this.#only = source;
  }

  showAll(): void {
    this.#only = undefined;
    this.#muted.clear();
  }
}

function nameOf({ name }: LineSource): string {
  return name;
}
