import { type Backing, joinPath, typeOf } from "../../../src/files/index.ts";
import type { FileStat } from "../../../src/protocol/index.ts";
import type { DirectoryEntry } from "../../../src/sessions/index.ts";
import type { Item } from "../../ls/item.ts";
import type { Connection } from "./connection.ts";
import type { FileItem } from "./files-items.ts";
import { PackedStats } from "./packed-stats.ts";

/** What all files of a directory have in common. */
interface DirectoryOptions {
  connection: Connection;
  path: string;
  users: Map<number, string>;
  groups: Map<number, string>;
  backingOf(stat: FileStat | undefined): Backing | undefined;
}

/**
 * Makes the items of a directory's files. A file takes some 250 bytes: what can be computed is,
 * when it is used.
 */
export class DirectoryFiles {
  readonly #options: DirectoryOptions;
  readonly #stats = new PackedStats();
  readonly #links = new Map<number, string>();
  #count = 0;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  add({ name, type, stat, link }: DirectoryEntry): FileItem {
    const index = this.#count++;
    this.#stats.add(stat);
    if (link !== undefined) this.#links.set(index, link);
    return new DirectoryFile(this, index, name, stat === undefined ? type : typeOf(stat));
  }

  get options(): DirectoryOptions {
    return this.#options;
  }

  stat(index: number): FileStat | undefined {
    return this.#stats.at(index);
  }

  link(index: number): string | undefined {
    return this.#links.get(index);
  }
}

class DirectoryFile implements FileItem, Item {
  readonly name: string;
  readonly type: number;
  readonly #files: DirectoryFiles;
  readonly #index: number;

  constructor(files: DirectoryFiles, index: number, name: string, type: number) {
    this.name = name;
    this.type = type;
    this.#files = files;
    this.#index = index;
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
    return this.#files.options.backingOf(this.stat);
  }
  get path(): string {
    return joinPath(this.#files.options.path, this.name);
  }
  get target(): string {
    return this.#files.options.connection.text(this.path);
  }
  get stat(): FileStat | undefined {
    return this.#files.stat(this.#index);
  }
  get link(): string | undefined {
    return this.#files.link(this.#index);
  }
  get linkMode(): undefined {
    return undefined;
  }
  get total(): undefined {
    return undefined;
  }
  get users(): Map<number, string> {
    return this.#files.options.users;
  }
  get groups(): Map<number, string> {
    return this.#files.options.groups;
  }
}
