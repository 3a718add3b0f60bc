import { DT_DIR, DT_LNK, DT_REG } from "../../src/descriptors/index.ts";
import type { Item } from "./item.ts";

/** The default colours of ls(1). */
const defaults =
  "di=01;34:ln=01;36:pi=33:so=01;35:bd=01;33:cd=01;33:su=37;41:sg=30;43:tw=30;42:ow=34;42:st=37;44:ex=01;32";

const byType: Record<number, string> = { 1: "pi", 2: "cd", 4: "di", 6: "bd", 8: "fi", 10: "ln", 12: "so" };

/**
 * Colours of names. LS_COLORS (dir_colors(5)) overrides the defaults, by kinds (`di`, `ln`, `ex`
 * ...) and endings (`*.tar`).
 */
export class Colours {
  readonly #kinds = new Map<string, string>();
  /** Later entries come first, because the last setting of an ending applies. */
  readonly #endings: [string, string][] = [];

  constructor(setting = "") {
    for (const part of `${defaults}:${setting}`.split(":")) {
      const [key, value] = /^([^=]+)=([\d;]+|target)$/.exec(part)?.slice(1) ?? [];
      if (key === undefined || value === undefined) continue;
      if (key.startsWith("*")) this.#endings.unshift([key.slice(1), value]);
      else this.#kinds.set(key, value);
    }
  }

  /** True if the colour of a symbolic link depends on its target. */
  get needsTargets(): boolean {
    return this.#isSet("or") || this.#isSet("mi") || this.#followsLinks;
  }

  /** Colours the name of a file. */
  name(item: Pick<Item, "name" | "type" | "stat" | "linkMode">, text: string): string {
    return paint(this.styleOf(item), text);
  }

  /** Returns the SGR parameters for the name of a file; undefined for no colour. */
  styleOf(item: Pick<Item, "name" | "type" | "stat" | "linkMode">): string | undefined {
    const style = this.#styleOf(item);
    return style === "target" ? undefined : style;
  }

  #styleOf({ name, linkMode, stat, type }: Pick<Item, "name" | "type" | "stat" | "linkMode">): string | undefined {
    if (type === DT_LNK) {
      if (linkMode === 0 && (this.#followsLinks || this.#isSet("or"))) return this.#kinds.get("or");
      if (linkMode && this.#followsLinks) return this.#byMode(linkMode, stat?.links ?? 1, name);
      return this.#kinds.get("ln");
    }
    if (stat === undefined) return this.#plain(type, name);
    return this.#byMode(stat.mode, stat.links, name);
  }

  target(item: Pick<Item, "link" | "linkMode">, text: string): string {
    if (item.linkMode === undefined) return text;
    if (item.linkMode === 0) return paint(this.#kinds.get(this.#isSet("mi") ? "mi" : "or"), text);
    return paint(this.#byMode(item.linkMode, 1, item.link ?? ""), text);
  }

  get #followsLinks(): boolean {
    return this.#kinds.get("ln") === "target";
  }

  /** False for 0 and 00, which mean the default colour. */
  #isSet(kind: string): boolean {
    return !/^0{0,2}$/.test(this.#kinds.get(kind) ?? "");
  }

  #byMode(mode: number, links: number, name: string): string | undefined {
    return this.#special(mode, links) ?? this.#plain(mode >> 12, name);
  }

  #special(mode: number, links: number): string | undefined {
    const of = (kind: string, applies: boolean) => (applies && this.#isSet(kind) ? this.#kinds.get(kind) : undefined);
    const isSticky = (mode & 0o1000) !== 0;
    const isOpen = (mode & 0o002) !== 0;
    if (mode >> 12 === DT_DIR) return of("tw", isSticky && isOpen) ?? of("ow", isOpen) ?? of("st", isSticky);
    if (mode >> 12 !== DT_REG) return undefined;
    return (
      of("su", (mode & 0o4000) !== 0) ??
      of("sg", (mode & 0o2000) !== 0) ??
      of("ex", (mode & 0o111) !== 0) ??
      of("mh", links > 1)
    );
  }

  #plain(type: number, name: string): string | undefined {
    return (type === DT_REG ? this.#byEnding(name) : undefined) ?? this.#kinds.get(byType[type] ?? "or");
  }

  /**
   * Returns the style of the longest matching ending. Prefers an exact match over a match that
   * ignores case.
   */
  #byEnding(name: string): string | undefined {
    const lower = name.toLowerCase();
    const exact = this.#endings.find(([end]) => name.endsWith(end));
    return (exact ?? this.#endings.find(([end]) => lower.endsWith(end.toLowerCase())))?.[1];
  }
}

function paint(colour: string | undefined, text: string): string {
  return colour === undefined || colour === "target" ? text : `\x1b[${colour}m${text}\x1b[0m`;
}
