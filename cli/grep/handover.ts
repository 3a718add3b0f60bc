import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { setInheritable, spawnChild } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { type Ripgrep, type RipgrepOptions, startRipgrep } from "./ripgrep.ts";

/** A descriptor for ripgrep, and the name of its link. */
export interface PassedDescriptor {
  name: string;
  fd: number;
  /** Closes this process's copy. */
  close(): void;
}

/**
 * Passes descriptors to ripgrep, so that one ripgrep searches any number of files. It inherits as
 * many as its limit allows, under the same numbers. Holder processes keep the other files open. A
 * holder is a ripgrep that waits for the end of its standard input. The input ends when this
 * process ends, even by SIGKILL.
 */
export class Handover {
  readonly #program: string;
  readonly #link: (name: string, to: string) => void;
  /** Maximum number of descriptors that one process inherits. */
  get capacity(): number {
    this.#capacity ??= capacity();
    return this.#capacity;
  }

  #capacity: number | undefined;
  readonly #holders: ChildProcess[] = [];
  #block: PassedDescriptor[] = [];

  /** @param link creates a link of that name to a path in `/proc` */
  constructor(program: string, link: (name: string, to: string) => void) {
    this.#program = program;
    this.#link = link;
  }

  add(handed: PassedDescriptor): void {
    if (this.#block.length > 0 && this.#block.length >= this.capacity) this.#hold();
    this.#block.push(handed);
  }

  /** Starts the search, which inherits the last descriptors. Closes this process's copies. */
  start(args: readonly string[], options: RipgrepOptions): Ripgrep {
    for (const { name, fd } of this.#block) {
      this.#link(name, `/proc/self/fd/${fd}`);
      setInheritable(fd);
    }
    try {
      return startRipgrep(this.#program, args, options);
    } finally {
      for (const each of this.#block.splice(0)) each.close();
    }
  }

  /** Ends the holders and closes the descriptors that were not passed. */
  close(): void {
    for (const holder of this.#holders.splice(0)) holder.kill("SIGKILL");
    for (const each of this.#block.splice(0)) each.close();
  }

  #hold(): void {
    for (const { fd } of this.#block) setInheritable(fd);
    const holder = spawnChild(this.#program, ["--no-config", "--quiet", "--fixed-strings", "x", "-"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    holder.on("error", () => {});
    if (holder.pid === undefined)
      throw new PortholeError("FILE", `cannot run ${this.#program} to keep ${this.#block.length} files open`, {
        hint: "search fewer files, or raise ulimit -n",
      });
    holder.unref();
    this.#holders.push(holder);
    for (const { name, fd, close } of this.#block.splice(0)) {
      this.#link(name, `/proc/${holder.pid}/fd/${fd}`);
      close();
    }
  }
}

/**
 * Returns the number of descriptors that a process can inherit. Reserves some for this process, for
 * ripgrep and for the start of a child.
 */
function capacity(): number {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  return Math.max(1, Math.floor(Number(soft ?? 1024) * 0.6) - 32);
}
