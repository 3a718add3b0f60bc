/**
 * A source of a merged text. Each of its lines begins with the same prefix, which no other source
 * has.
 */
export interface LineSource {
  name: string;
  beginning: Uint8Array;
}

/** The sources of a merged text. Some may be muted. */
export class Sources {
  readonly #all: readonly LineSource[];
  readonly #muted = new Set<LineSource>();

  constructor(all: readonly LineSource[]) {
    this.#all = all;
  }

  /** Prefixes of hidden lines. */
  get muted(): readonly Uint8Array[] {
    return this.#all.filter((one) => this.#muted.has(one)).map(({ beginning }) => beginning);
  }

  /** Describes the muted sources; empty if no source is muted. */
  get description(): string {
    const names = (isMuted: boolean) => this.#all.filter((one) => this.#muted.has(one) === isMuted).map(nameOf);
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
    if (this.#muted.size + 1 >= this.#all.length) return false;
    this.#muted.add(source);
    return true;
  }

  solo(source: LineSource): void {
    for (const one of this.#all) if (one !== source) this.#muted.add(one);
  }

  showAll(): void {
    this.#muted.clear();
  }
}

function nameOf({ name }: LineSource): string {
  return name;
}
