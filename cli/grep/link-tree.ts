import { lstatSync, mkdirSync, rmdirSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { PrivateDirectory } from "../../src/routes/index.ts";
import { pathBytes } from "../../src/target.ts";

/**
 * A private directory in which the targets' names are paths: `web:/var/log/app.log` is a link in
 * the directory `web:/var/log`. ripgrep runs in {@link directory}, so that it prints these names.
 * It is made on first use.
 */
export class LinkTree {
  readonly #levels: number;
  #private: PrivateDirectory | undefined;
  #directory: string | undefined;
  readonly #made = new Set<string>();
  readonly #files: string[] = [];

  constructor(names: readonly string[]) {
    this.#levels = Math.max(0, ...names.map(levelsAbove));
  }

  get #root(): PrivateDirectory {
    this.#private ??= PrivateDirectory.make("grep");
    return this.#private;
  }

  /** The working directory of ripgrep. It has enough parents for every leading `..` of a name. */
  get directory(): string {
    if (this.#directory !== undefined) return this.#directory;
    this.#directory = `${this.#root.path}/at${"/0".repeat(this.#levels)}`;
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    return this.#directory;
  }

  /**
   * Creates a link and its parent directories, unless there is one. Replaces a file: it has the
   * name of a target below a directory that is another target, and is not its content.
   */
  link(name: string, to: string): void {
    this.#directoryOf(name);
    this.#files.push(name);
    const path = this.#at(name);
    unlessThere(
      () => symlinkSync(to, path),
      () => {
        if (!lstatSync(path).isFile()) return;
        unlinkSync(path);
        symlinkSync(to, path);
      },
    );
  }

  /** Creates a file and its parent directories, unless the name exists. */
  file(name: string, content: string | Uint8Array = ""): void {
    this.#directoryOf(name);
    unlessThere(() => writeFileSync(this.#at(name), content, { mode: 0o600, flag: "wx" }));
  }

  /** Creates a shell script outside of {@link directory}. Returns the directory with it. */
  program(name: string, script: string): string {
    const directory = `${this.#root.path}/bin`;
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(`${directory}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o700, flag: "wx" });
    return directory;
  }

  removeFile(name: string): void {
    try {
      unlinkSync(this.#at(name));
    } catch {}
  }

  /** Creates a directory and its parents. */
  addDirectory(name: string): void {
    if (this.#made.has(name)) return;
    const slash = name.lastIndexOf("/");
    // Creates each parent directory first: `a/../b` needs `a`.
    if (slash > 0) this.addDirectory(name.slice(0, slash));
    this.#made.add(name);
    if (slash === name.length - 1) return;
    unlessThere(() => mkdirSync(this.#at(name), { mode: 0o700 }));
  }

  /** Removes everything. Idempotent. */
  remove(): void {
    if (this.#private === undefined) return;
    // Removes files by their known names: reading the directory to find them takes three times as
    // long.
    for (const name of this.#files.splice(0)) this.removeFile(name);
    for (const name of [...this.#made].reverse()) unlessLeft(() => rmdirSync(this.#at(name)));
    this.#made.clear();
    for (let path = this.#directory; path !== undefined && path !== this.#private.path; path = dirname(path))
      unlessLeft(() => rmdirSync(path as string));
    this.#private.remove();
    this.#private = undefined;
  }

  #directoryOf(name: string): void {
    const slash = name.lastIndexOf("/");
    if (slash > 0) this.addDirectory(name.slice(0, slash));
  }

  #at(name: string): string | Buffer {
    const path = `${this.directory}/${name}`;
    return name.isWellFormed() ? path : pathBytes(path);
  }
}

function unlessThere(make: () => void, otherwise: () => void = () => undefined): void {
  try {
    make();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    otherwise();
  }
}

/** {@link PrivateDirectory.remove} removes what is left. */
function unlessLeft(remove: () => void): void {
  try {
    remove();
  } catch {}
}

/** Returns the number of levels that a relative path goes above its beginning. */
function levelsAbove(path: string): number {
  let depth = 0;
  let minDepth = 0;
  for (const part of path.split("/")) {
    if (part === "..") depth--;
    else if (part !== "" && part !== ".") depth++;
    minDepth = Math.min(minDepth, depth);
  }
  return -minDepth;
}
