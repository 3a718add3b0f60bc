import { fstatSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { isBroken, isTerminal, Lifeline } from "../../src/descriptors/index.ts";
import { complain, printable } from "../io/fail.ts";
import { failOutput } from "../io/output.ts";
import type { NamedTarget, SessionPool } from "../targets/session-pool.ts";
import { type Flag, FlagSet, writeFlags } from "./arguments.ts";
import { cleanUp, onExit } from "./on-exit.ts";
import { type Ripgrep, type RipgrepOptions, startRipgrep } from "./ripgrep.ts";
import { follow, hidesBinary, type OutputFilter, SEARCH_MEMORY, writeOutput } from "./run.ts";
import { SearchFiles } from "./search-files.ts";
import { SearchStatus } from "./status.ts";

/**
 * Maximum size of files whose output passes through porthole, which detects when ripgrep hides a
 * match.
 */
const SMALL = 64 * 1024 * 1024;

/** A path that cannot exist. */
const NO_FILE = "/dev/null/";

/** One run of ripgrep. */
export class Search {
  readonly #program: string;
  readonly #flags: readonly Flag[];
  readonly #set: FlagSet;

  constructor(program: string, flags: readonly Flag[]) {
    this.#program = program;
    this.#flags = flags;
    this.#set = new FlagSet(flags);
  }

  /** Runs ripgrep for an option that needs no files: `--version`, `--type-list`. */
  onNothing(): Promise<number> {
    return this.#run([], { size: 0, isParallel: false, start: this.#spawn });
  }

  /**
   * Prints what ripgrep prints after a search of targets that all failed: the summary of `--json`
   * or `--stats`.
   */
  async onFailed(): Promise<number> {
    if (this.#set.isOn("json", "no-json") || this.#set.isOn("stats", "no-stats"))
      await this.#run(["--no-messages", "--", NO_FILE], { size: 0, isParallel: false, start: this.#spawn });
    return SearchStatus.failed;
  }

  /** Searches local paths: ripgrep opens them itself, in the current directory. */
  onPaths(targets: readonly NamedTarget[]): Promise<number> {
    const sizes = targets.map(({ text }) => {
      const stat = statSync(text, { throwIfNoEntry: false });
      return stat?.isDirectory() ? Number.POSITIVE_INFINITY : (stat?.blocks ?? 0) * 512;
    });
    // ripgrep skips its own output file, so it must get the real standard output, not a pipe.
    const size = fstatSync(1).isFile() ? Number.POSITIVE_INFINITY : sizes.reduce((sum, each) => sum + each, 0);
    return this.#run(["--", ...targets.map(({ text }) => text)], {
      size,
      isParallel: targets.length > 1,
      start: this.#spawn,
    });
  }

  /** Searches files that agents open, and passes them to ripgrep. */
  async onTargets(
    targets: readonly NamedTarget[],
    sessions: SessionPool,
    { isRaw, failed }: { isRaw: boolean; failed: (error: unknown) => void },
  ): Promise<number> {
    // Connects to all agents first: after this point, a signal ends the process at once.
    const reached: NamedTarget[] = [];
    for (const each of targets) {
      try {
        await sessions.session(each.target);
        reached.push(each);
      } catch (error) {
        failed(error);
      }
    }
    const names = reached.map(({ text }) => text);
    const files = new SearchFiles({ program: this.#program, flags: this.#flags, isRaw }, names, failed);
    const release = onExit(() => files.close());
    try {
      await files.open(reached, sessions);
      if (files.paths.length === 0) return await this.onFailed();
      const found = files.hasDirectory ? await this.#onTrees(files, sessions, isRaw) : undefined;
      if (found !== undefined) return found;
      await files.openBelow();
      const tree = ["--no-ignore-parent", ...(files.hasDirectory ? ["--follow"] : [])];
      const feeding: { done?: Promise<void> } = {};
      const start: Start = (args, options) => {
        const child = files.start(args, options);
        feeding.done = files.feed();
        return child;
      };
      const status = await this.#run([...tree, "--", ...files.paths], {
        size: files.bytes,
        isParallel: files.isParallel,
        start,
      });
      files.close();
      await feeding.done;
      return status;
    } finally {
      files.close();
      release();
    }
  }

  /** Searches on trees. Returns the exit status; undefined if the search needs links. */
  async #onTrees(files: SearchFiles, sessions: SessionPool, isRaw: boolean): Promise<number | undefined> {
    const { NotOnTrees, searchTrees } = await import("./tree-search.ts");
    const { filter, first, last } = await this.#presentation();
    const command = (flags: readonly Flag[]) => [
      ...[this.#program, "--no-config", ...first, ...writeFlags(flags), ...last, "--no-ignore-parent"],
    ];
    const memory = totalmem() / 2;
    try {
      if (files.paths.length > files.directories.length) throw new NotOnTrees("files are among the targets");
      const given = { directories: files.directories, flags: this.#flags, isRaw, command, filter, memory };
      const { output, status } = await searchTrees(given, sessions);
      await this.#write(output);
      if (hidesBinary(output)) this.#sayHidden();
      return status;
    } catch (error) {
      if (!(error instanceof NotOnTrees)) throw error;
      if (process.env.PORTHOLE_DEBUG) complain(printable(`the search goes by links: ${error.message}`));
      return undefined;
    }
  }

  async #write(output: Buffer): Promise<void> {
    try {
      await writeOutput(output);
    } catch (error) {
      cleanUp();
      failOutput(error, SearchStatus.failed);
    }
  }

  #sayHidden(): void {
    if (!this.#set.isOn("no-messages", "messages"))
      complain("binary file matches: it contains a NUL byte (use -a to search it as text)");
  }

  readonly #spawn: Start = (args, options) => startRipgrep(this.#program, args, options);

  async #run(rest: readonly string[], { size, isParallel, start }: Work): Promise<number> {
    const { filter, first, last } = await this.#presentation();
    const args = ["--no-config", ...first, ...writeFlags(this.#flags), ...last, ...rest];
    const isPiped = filter !== undefined || size <= SMALL;
    // Ends ripgrep with this process: it may wait for input that never ends.
    using lifeline = new Lifeline();
    const child = start(args, { input: "inherit", output: isPiped ? "pipe" : "inherit" });
    lifeline.tie(child.pid);
    const release = onExit(() => child.kill());
    try {
      // Each thread buffers the output of a file until the search of the file ends.
      const memory = Math.min(SEARCH_MEMORY + (isParallel ? 2 * size : 0), totalmem() / 2);
      const end = await follow(child, memory, { filter });
      if (end.hidesBinary) this.#sayHidden();
      // ripgrep ends with this status, too, if the reader of its output is gone.
      if (!isPiped && end.status === SearchStatus.unmatched && isBroken(1)) lostReader();
      return end.status;
    } catch (error) {
      child.kill();
      if ((error as NodeJS.ErrnoException).syscall !== "write") throw error;
      cleanUp();
      failOutput(error, SearchStatus.failed);
    } finally {
      release();
    }
  }

  /** Returns the options that give a pipe the output format of a terminal. */
  async #presentation(): Promise<{ filter?: OutputFilter; first: string[]; last: string[] }> {
    if (!isTerminal(1)) return { first: [], last: [] };
    const { TerminalOutput } = await import("./terminal-output.ts");
    const filter = new TerminalOutput(this.#set.values("colors"), this.#set.isOn("json", "no-json"));
    const first = ["--heading", "--line-number", "--line-buffered"];
    const { NO_COLOR, TERM } = process.env;
    const isColoured = NO_COLOR === undefined && TERM !== undefined && TERM !== "dumb";
    const wanted = this.#flags.findLast(({ name }) => name === "color" || name === "pretty");
    const isAuto = wanted === undefined || wanted.value === "auto";
    return { filter, first, last: [...(isAuto && isColoured ? ["--color=always"] : []), ...filter.flags] };
  }
}

/** Ends the process as if it had written to its output. */
function lostReader(): never {
  cleanUp();
  failOutput(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }), SearchStatus.failed);
}

/** The input of a single run. */
interface Work {
  /** Size in bytes; infinite if unknown. */
  size: number;
  isParallel: boolean;
  start: Start;
}

type Start = (args: readonly string[], options: Omit<RipgrepOptions, "directory">) => Ripgrep;
