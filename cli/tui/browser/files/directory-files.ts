import { type Backing, joinPath, typeOf } from "../../../../src/files/index.ts";
import type { FileStat } from "../../../../src/protocol/index.ts";
import type { DirectoryEntry } from "../../../../src/sessions/index.ts";
import { pathBytes } from "../../../../src/target.ts";
import type { Item } from "../../../ls/item.ts";
import type { Connection } from "../../connection/connection.ts";
import type { FileItem } from "./files-items.ts";
import { NameOrder } from "./name-order.ts";
import { PackedNames } from "./packed-names.ts";
import { PackedStats } from "./packed-stats.ts";

/** What all files of a directory have in common. */
export interface DirectoryOptions {
  connection: Connection;
  path: string;
  users: Map<number, string>;
  groups: Map<number, string>;
  backingOf(stat: FileStat | undefined): Backing | undefined;
}

/** Marks of a file: listed by the current read, and listed by the last complete one. */
const [SEEN, LISTED] = [1, 2];

/**
 * The files of a directory. Reading it again updates them in place: a second list of 200,000 files
 * would take as much memory as the first.
 */
export class DirectoryFiles {
  #table = new FileTable();
  /** The files of the last complete read, by name. */
  #items: FileItem[] = [];

  /** Begins a read. {@link end} ends it; without that the files stay listed. */
  begin(options: DirectoryOptions): void {
    this.#table.begin(options);
  }

  add(entry: DirectoryEntry): void {
    this.#table.add(entry);
  }

  /** Sorts the files that were added, in parts between which keys are handled. */
  settle(signal?: AbortSignal): Promise<void> {
    return this.#table.settle(signal);
  }

  /** Returns the files that the current read has listed so far, by name. */
  listed(): FileItem[] {
    return this.#table.seen();
  }

  /**
   * Ends a read: removes the files that it did not list. Returns the files by name, in the same
   * array if none has changed.
   */
  end(): FileItem[] {
    const { isChanged, removed } = this.#table.end();
    if (!isChanged) return this.#items;
    if (removed > this.#table.count / 2) this.#table = this.#table.withoutRemoved();
    this.#items = this.listed();
    return this.#items;
  }

  /** Returns the names that begin with `prefix`. */
  namesFrom(prefix: string): string[] {
    return this.#table.namesFrom(pathBytes(prefix));
  }
}

/**
 * Files as rows of packed tables. A row belongs to one name for good, so that an item always means
 * the same file. A file takes some 200 bytes: what can be computed is, when it is used.
 */
class FileTable {
  #options: DirectoryOptions | undefined;
  readonly #names = new PackedNames();
  readonly #stats = new PackedStats();
  readonly #links = new Map<number, string>();
  readonly #items: DirectoryFile[] = [];
  readonly #order = new NameOrder((a, b) => this.#names.compare(a, b));
  /** The rows by name when the read began. */
  #known: Uint32Array = new Uint32Array(0);
  #types = new Uint8Array(64);
  #marks = new Uint8Array(64);
  /** The row after that of the last entry: usually that of the next one. */
  #next = 0;
  #isChanged = false;

  get options(): DirectoryOptions {
    return this.#options as DirectoryOptions;
  }

  get count(): number {
    return this.#items.length;
  }

  begin(options: DirectoryOptions): void {
    if (this.#options?.users !== options.users) this.#isChanged = true;
    this.#options = options;
    this.#known = this.#order.sorted();
    this.#next = 0;
    for (let row = 0; row < this.count; row++) this.#marks[row] = this.#mark(row) & ~SEEN;
  }

  add({ name, type, stat, link }: Omit<DirectoryEntry, "errno">): void {
    this.#names.stage(name);
    const row = this.#rowOfStaged() ?? this.#newRow();
    this.#next = row + 1;
    const kind = stat === undefined ? type : typeOf(stat);
    if (this.#stats.set(row, stat) || this.#types[row] !== kind || this.#links.get(row) !== link)
      this.#isChanged = true;
    this.#types[row] = kind;
    if (link !== undefined) this.#links.set(row, link);
    else this.#links.delete(row);
    if ((this.#mark(row) & LISTED) === 0) this.#isChanged = true;
    this.#marks[row] = this.#mark(row) | SEEN;
  }

  settle(signal?: AbortSignal): Promise<void> {
    return this.#order.settle(signal);
  }

  seen(): FileItem[] {
    const items: FileItem[] = [];
    for (const row of this.#order.sorted()) if (this.#mark(row) & SEEN) items.push(this.#items[row] as DirectoryFile);
    return items;
  }

  /** Returns the number of rows that are no longer in use. */
  end(): { isChanged: boolean; removed: number } {
    let removed = 0;
    for (let row = 0; row < this.count; row++) {
      const isSeen = (this.#mark(row) & SEEN) !== 0;
      if (!isSeen) removed++;
      if (!isSeen && this.#mark(row) & LISTED) this.#isChanged = true;
      this.#marks[row] = isSeen ? SEEN | LISTED : 0;
    }
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return { isChanged, removed };
  }

  /** Returns a new table of the files that are listed. Items of this one stay valid. */
  withoutRemoved(): FileTable {
    const table = new FileTable();
    table.begin(this.options);
    for (let row = 0; row < this.count; row++) {
      if ((this.#mark(row) & LISTED) === 0) continue;
      table.add({ name: this.name(row), type: this.type(row), stat: this.stat(row), link: this.link(row) });
    }
    table.end();
    return table;
  }

  namesFrom(prefix: Uint8Array): string[] {
    const names: string[] = [];
    for (let row = 0; row < this.count; row++)
      if (this.#mark(row) & (SEEN | LISTED) && this.#names.startsWith(row, prefix)) names.push(this.name(row));
    return names;
  }

  name(row: number): string {
    return this.#names.at(row);
  }

  isHidden(row: number): boolean {
    return this.#names.startsWith(row, DOT);
  }

  type(row: number): number {
    return this.#types[row] ?? 0;
  }

  stat(row: number): FileStat | undefined {
    return this.#stats.at(row);
  }

  link(row: number): string | undefined {
    return this.#links.get(row);
  }

  /**
   * Finds the row of the staged name. Most directories list their files in the same order again.
   * There is no hash table: a container that chooses the names could make it slow.
   */
  #rowOfStaged(): number | undefined {
    const staged = this.#names.length;
    if (this.#next < this.#known.length && this.#names.isEqual(this.#next, staged)) return this.#next;
    let [from, to] = [0, this.#known.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const row = this.#known[middle] as number;
      const difference = this.#names.compare(row, staged);
      if (difference === 0) return row;
      if (difference < 0) from = middle + 1;
      else to = middle;
    }
    return undefined;
  }

  #newRow(): number {
    const row = this.#names.keep();
    if (row === this.#types.length) {
      this.#types = doubled(this.#types);
      this.#marks = doubled(this.#marks);
    }
    this.#items.push(new DirectoryFile(this, row));
    this.#order.add();
    return row;
  }

  #mark(row: number): number {
    return this.#marks[row] ?? 0;
  }
}

const DOT = Buffer.from(".");

function doubled(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(2 * bytes.length);
  more.set(bytes);
  return more;
}

class DirectoryFile implements FileItem, Item {
  readonly #table: FileTable;
  readonly #row: number;

  constructor(table: FileTable, row: number) {
    this.#table = table;
    this.#row = row;
  }

  get name(): string {
    return this.#table.name(this.#row);
  }
  get isHidden(): boolean {
    return this.#table.isHidden(this.#row);
  }
  get type(): number {
    return this.#table.type(this.#row);
  }
  get key(): string {
    return this.name;
  }
  get text(): string {
    return this.name;
  }
  get entry(): Item {
    return this;
  }
  get backing(): Backing | undefined {
    return this.#table.options.backingOf(this.stat);
  }
  get path(): string {
    return joinPath(this.#table.options.path, this.name);
  }
  get target(): string {
    return this.#table.options.connection.text(this.path);
  }
  get stat(): FileStat | undefined {
    return this.#table.stat(this.#row);
  }
  get link(): string | undefined {
    return this.#table.link(this.#row);
  }
  get linkMode(): undefined {
    return undefined;
  }
  get total(): undefined {
    return undefined;
  }
  get users(): Map<number, string> {
    return this.#table.options.users;
  }
  get groups(): Map<number, string> {
    return this.#table.options.groups;
  }
}
