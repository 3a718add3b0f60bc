import type { FoundLine } from "../../../grep/found-lines.ts";
import { grouped } from "../../canvas/grouped.ts";
import type { Connection } from "../../connection/connection.ts";
import type { ListItem } from "../../lists/list.ts";

/** Maximum number of lines. */
export const MAX_LINES = 10_000;

/** A directory to search. */
export interface GrepScope {
  connection: Connection;
  path: string;
  /** Prefix of the names of its files: a target that ends with the path. Unique in a search. */
  name: string;
}

/** A matching line, or the heading of a file. */
export interface GrepItem extends ListItem {
  match?: { connection: Connection; path: string; found: FoundLine };
}

/** The results of a search so far, grouped by file. */
export class GrepResults {
  readonly items: GrepItem[] = [];
  isStopped = false;
  readonly #scopes: readonly GrepScope[];
  readonly #headings = new Map<string, GrepItem & { count: number }>();
  #lines = 0;
  #hasMore = false;
  #failures = 0;
  #failure = "";

  constructor(scopes: readonly GrepScope[]) {
    this.#scopes = scopes;
  }

  /** Adds a line. False if there are too many lines. */
  add(found: FoundLine): boolean {
    if (this.#lines === MAX_LINES) {
      this.#hasMore = true;
      return false;
    }
    const { name, line, pieces } = found;
    const scope = this.#scopes.find((one) => name.startsWith(prefixOf(one)));
    if (!scope) return true;
    const heading = this.#heading(name);
    heading.count++;
    heading.note = heading.count === 1 ? "1 line" : `${grouped(heading.count)} lines`;
    this.#lines++;
    this.items.push({
      key: `${name}\0${line}`,
      text: `${name} ${pieces.map(({ text }) => text).join("")}`,
      within: heading.key,
      match: { connection: scope.connection, path: name.slice(prefixOf(scope).length), found },
    });
    return true;
  }

  failed(message: string): void {
    this.#failures++;
    this.#failure ||= message;
  }

  /** Files that could not be searched, for the status row. */
  get trouble(): string {
    if (this.#failures === 0) return "";
    return this.#failures === 1 ? this.#failure : `${this.#failures} not searched: ${this.#failure}`;
  }

  get summary(): string {
    const count = `${grouped(this.#lines)} in ${grouped(this.#headings.size)} files`;
    if (this.#hasMore) return `only the first ${grouped(MAX_LINES)} lines: the search was stopped`;
    return this.isStopped ? `${count}, stopped` : count;
  }

  #heading(name: string): GrepItem & { count: number } {
    const known = this.#headings.get(name);
    if (known) return known;
    const heading = { key: name, text: name, heading: true, note: "", count: 0 };
    this.#headings.set(name, heading);
    this.items.push(heading);
    return heading;
  }
}

/** Returns the part of the name before the path: `web:`. */
function prefixOf({ name, path }: GrepScope): string {
  return name.slice(0, name.length - path.length);
}
