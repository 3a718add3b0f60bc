import { PortholeError } from "../../src/errors.ts";
import { joinPath } from "../../src/files/index.ts";
import type { DirectoryEntry } from "../../src/sessions/index.ts";
import type { Item } from "./item.ts";
import { PackedEntries } from "./packed-entries.ts";
import { sortByAmount, sortByBytes } from "./sort.ts";

/** The properties that all entries of a directory share. */
export type Directory = Pick<Item, "target" | "path" | "users" | "groups">;

/** A sorted sequence of items that can be read repeatedly. */
export interface Items extends Iterable<Item> {
  readonly length: number;
  at(index: number): Item | undefined;
}

/**
 * The entries of a directory. Each access creates a new item. Values that are assigned to an item
 * persist.
 */
export class Entries implements Items {
  directory: Directory;
  readonly packed = new PackedEntries();
  readonly linkModes = new Map<number, number>();
  readonly totals = new Map<number, bigint>();
  #order: Uint32Array | undefined;

  constructor(directory: Directory) {
    this.directory = directory;
  }

  /** Removes all entries, so that another directory can be read. */
  clear(directory: Directory): void {
    this.directory = directory;
    this.packed.clear();
    this.linkModes.clear();
    this.totals.clear();
    this.#order = undefined;
  }

  get length(): number {
    return this.packed.length;
  }

  /** Appends an entry. Throws FILE (ENOMEM) if memory is exhausted. */
  add(entry: Pick<DirectoryEntry, "name" | "type" | "stat" | "link">): void {
    try {
      this.packed.add(entry);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const { target } = this.directory;
      const text = `cannot list ${target}: not enough memory for more than ${this.length} entries`;
      throw new PortholeError("FILE", text, { errno: "ENOMEM", cause: error });
    }
  }

  /** Sorts by name. With `t` or `S`, sorts newest or largest first, then by name. */
  sort({ t, S, reverse }: { t?: boolean; S?: boolean; reverse?: boolean }): void {
    const { packed, totals } = this;
    const order = sortByBytes(packed);
    if (S) sortByAmount(order, (index) => totals.get(index) ?? packed.stat(index)?.size ?? 0n);
    else if (t) sortByAmount(order, (index) => packed.stat(index)?.mtime ?? 0n);
    this.#order = reverse ? order.reverse() : order;
  }

  at(index: number): Item | undefined {
    return index < this.length ? new Entry(this, this.#order?.[index] ?? index) : undefined;
  }

  *[Symbol.iterator](): Generator<Item> {
    for (let index = 0; index < this.length; index++) yield new Entry(this, this.#order?.[index] ?? index);
  }
}

class Entry implements Item {
  readonly #entries: Entries;
  readonly #index: number;

  constructor(entries: Entries, index: number) {
    this.#entries = entries;
    this.#index = index;
  }

  get name() {
    return this.#entries.packed.name(this.#index);
  }
  get target() {
    return joinPath(this.#entries.directory.target, this.name);
  }
  get path() {
    return joinPath(this.#entries.directory.path, this.name);
  }
  get type() {
    return this.#entries.packed.type(this.#index);
  }
  get stat() {
    return this.#entries.packed.stat(this.#index);
  }
  get link() {
    return this.#entries.packed.link(this.#index);
  }
  get users() {
    return this.#entries.directory.users;
  }
  get groups() {
    return this.#entries.directory.groups;
  }

  get linkMode(): number | undefined {
    return this.#entries.linkModes.get(this.#index);
  }
  set linkMode(mode: number | undefined) {
    if (mode !== undefined) this.#entries.linkModes.set(this.#index, mode);
  }

  get total(): bigint | undefined {
    return this.#entries.totals.get(this.#index);
  }
  set total(sum: bigint | undefined) {
    if (sum !== undefined) this.#entries.totals.set(this.#index, sum);
  }
}
