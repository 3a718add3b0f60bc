import { isTerminal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { searchOpenFile } from "../../src/search-open-file.ts";
import type { OpenFile, Session } from "../../src/sessions/index.ts";
import { Matcher, type MatchOptions, Output, Scanner } from "../../src/text/index.ts";
import type { GrepOptions } from "../grep/options.ts";
import { type Presentation, present, refuseContradictions } from "../grep/presentation.ts";
import { report } from "../io/fail.ts";
import { write } from "../io/output.ts";
import { Progress } from "../io/progress.ts";
import { type NamedTarget, Reach } from "../targets/reach.ts";

/** ripgrep's exit statuses, which are grep's. */
const Status = { matched: 0, unmatched: 1, failed: 2 } as const;

/** `porthole grep`: searches every target, goes on after one that fails. */
export async function grep(first: string, rest: string[], options: GrepOptions): Promise<number> {
  const match: MatchOptions = {
    patterns: options.regexp ?? [first],
    fixed: options.fixedStrings,
    ignoreCase: options.ignoreCase,
    word: options.wordRegexp,
    line: options.lineRegexp,
  };
  const targets = options.regexp === undefined ? rest : [first, ...rest];
  const reach = new Reach(options);
  let scanner: Scanner | undefined;
  try {
    if (targets.length === 0)
      throw new PortholeError("USAGE", "no target to search", { hint: "porthole grep PATTERN TARGET..." });
    refuseContradictions(options);
    const matcher = compile(match);
    scanner = new Scanner(match);
    return await new Grep(reach, scanner, matcher, options).run(targets);
  } catch (error) {
    report(error);
    return Status.failed;
  } finally {
    await scanner?.close();
    reach.close();
  }
}

class Grep {
  readonly #reach: Reach;
  readonly #scanner: Scanner;
  readonly #matcher: Matcher;
  readonly #options: GrepOptions;
  readonly #progress = isTerminal(2) ? new Progress() : undefined;
  readonly #output = new Output((bytes) => {
    // Whoever reads it may show it on the same terminal, or be gone and end us.
    if (isTerminal(1)) this.#progress?.giveWay();
    else this.#progress?.erase();
    write(bytes, Status.failed);
  });
  #presentation: Presentation | undefined;
  #hasMatched = false;
  #hasFailed = false;
  /** Bytes of all files; counted only for the progress. */
  #searched = 0;

  constructor(reach: Reach, scanner: Scanner, matcher: Matcher, options: GrepOptions) {
    this.#reach = reach;
    this.#scanner = scanner;
    this.#matcher = matcher;
    this.#options = options;
  }

  async run(targets: string[]): Promise<number> {
    try {
      return await this.#run(targets);
    } finally {
      this.#progress?.erase();
    }
  }

  async #run(targets: string[]): Promise<number> {
    const { maxCount, quiet } = this.#options;
    if (maxCount === 0) return Status.unmatched;
    const named = await this.#reach.expand(targets, (error) => this.#fail(error));
    const isSeveral = named.length > 1 || targets.length > 1;
    for (const target of named) {
      try {
        await this.#target(target, isSeveral);
      } catch (error) {
        this.#fail(error);
      }
      if (this.#hasMatched && quiet) return Status.matched;
    }
    (await this.#present(isSeveral)).finish();
    this.#output.flush();
    if (this.#hasFailed) return Status.failed;
    return this.#hasMatched ? Status.matched : Status.unmatched;
  }

  async #target({ text, target }: NamedTarget, isSeveral: boolean): Promise<void> {
    const session = await this.#reach.session(target);
    const file = await session.open(target.path);
    try {
      if (this.#progress !== undefined && !isSeveral && file.kind !== "directory")
        this.#progress.total = file.size() || undefined;
      if (file.kind !== "directory") return await this.#file(await this.#present(isSeveral), text, file, "convert");
    } finally {
      file.close();
    }
    await this.#directory(await this.#present(true), session, text, target.path);
  }

  /** Regular files below, except what is hidden; symbolic links are not followed. */
  async #directory(presentation: Presentation, session: Session, text: string, path: string): Promise<void> {
    const { walk } = await import("../../src/files/index.ts");
    // With the slash a directory that is named by a link is entered.
    const slash = path.endsWith("/") ? "" : "/";
    const isSought = (name: string) => this.#options.hidden === true || !name.startsWith(".");
    const files = walk(session, path + slash, {
      enter: ({ name, depth }) => depth === 0 || isSought(name),
      failed: (error) => this.#fail(error),
    });
    for await (const { path: found, name, type } of files) {
      if (type !== DT_REG || !isSought(name)) continue;
      try {
        const file = await session.open(found, { noFollow: true });
        try {
          await this.#file(presentation, text + slash + found.slice((path + slash).length), file, "quit");
        } finally {
          file.close();
        }
      } catch (error) {
        if (session.ended !== undefined) throw error;
        this.#fail(error);
      }
      if (this.#hasMatched && this.#options.quiet) return;
    }
  }

  async #file(presentation: Presentation, name: string, file: OpenFile, mode: "convert" | "quit"): Promise<void> {
    const binary = this.#options.text ? "text" : mode;
    const printer = presentation.file(name, binary);
    const progress = this.#progress;
    const searched = this.#searched;
    try {
      await searchOpenFile(file, this.#matcher, printer, {
        ...presentation.context,
        invert: this.#options.invertMatch,
        lineNumbers: presentation.lineNumbers,
        binary,
        scanner: this.#scanner,
        idle: () => this.#output.flush(),
        onProgress:
          progress &&
          ((read) => {
            this.#searched = searched + read;
            progress.at(this.#searched);
          }),
      });
    } finally {
      if (printer.matches > 0) this.#hasMatched = true;
      this.#output.flush();
    }
  }

  /** Whether names are shown is known when it is known whether the only target is a directory. */
  async #present(isSeveral: boolean): Promise<Presentation> {
    if (this.#presentation !== undefined) return this.#presentation;
    const screen = { isTerminal: isTerminal(1), safe: undefined };
    const safe = screen.isTerminal ? (await import("../../src/text/index.ts")).safeLine : undefined;
    this.#presentation = present(this.#options, this.#matcher, this.#output, { ...screen, safe }, isSeveral);
    return this.#presentation;
  }

  /** What was printed so far comes before the complaint. */
  #fail(error: unknown): void {
    this.#output.flush();
    this.#progress?.erase();
    this.#hasFailed = true;
    report(error);
  }
}

/** `d_type` of getdents64(2). */
const DT_REG = 8;

function compile(match: MatchOptions): Matcher {
  try {
    return new Matcher(match);
  } catch (error) {
    throw new PortholeError("USAGE", error instanceof Error ? error.message : String(error), { cause: error });
  }
}
