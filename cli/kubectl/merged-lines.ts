import { setTimeout as sleep } from "node:timers/promises";
import { LineSplitter } from "../../src/follow/index.ts";
import { complain, printable } from "../io/fail.ts";
import type { Part, Request } from "./arguments.ts";
import { type Exec, startExec } from "./exec.ts";
import type { Helpers } from "./helpers.ts";
import type { Interrupt } from "./interrupt.ts";
import { type LineFormat, LinePrinter } from "./line-printer.ts";
import { type LineRecord, milliseconds, parseRecord, Resumption } from "./line-record.ts";
import { lostNode, say, write } from "./output.ts";
import { PlaceMerge } from "./place-merge.ts";
import type { NodePlan } from "./plan.ts";

/** Milliseconds that a line waits for an earlier one of a node that sends nothing. */
const WINDOW_MS = 250;
/** Maximum bytes of waiting lines of a follow; above it, lines are printed at once. */
const MAX_WAITING = 4 * 1024 * 1024;
/** The same without a follow; a node that sends more than its share waits. */
const MAX_SHARED = 1024 * 1024;
/** Milliseconds before the first and the last attempts to reach a lost node. */
const [FIRST_RETRY_MS, LAST_RETRY_MS] = [500, 30_000];

/** Options that say how lines are printed, which is done here. */
const PRINTED_HERE: ReadonlySet<string> = new Set(["json", "prefix", "quiet", "silent", "verbose", "color"]);
/** Options that choose where a run begins. */
const BEGINNING: ReadonlySet<string> = new Set(["lines", "bytes", "since"]);

/** The request as nodes get it: records, in order of their times for `--merge`. */
export function wireRequest(request: Request): Request {
  const json: Part = { word: { words: ["--json"], option: "json" } };
  return { ...request, parts: [...request.parts.filter((part) => !isOption(part, PRINTED_HERE)), json] };
}

function isOption(part: Part, names: ReadonlySet<string>): boolean {
  return "word" in part && part.word.option !== undefined && names.has(part.word.option);
}

/** The format that the options of tail and head ask for. */
export function formatOf({ parts }: Request, isTerminal: boolean, noColour: boolean): LineFormat {
  const has = (...names: string[]) => parts.some((part) => isOption(part, new Set(names)));
  const color = parts
    .flatMap((part) => ("word" in part && part.word.option === "color" ? part.word.words : []))
    .join("=");
  const format = has("json") ? "json" : has("prefix") ? "prefix" : has("quiet", "silent") ? "plain" : "headers";
  const colours = /always$/.test(color) || (isTerminal && !noColour && !/never$/.test(color));
  return { format, colours, isTerminal, delimiter: has("zero-terminated") ? "\0" : "\n" };
}

/**
 * Runs tail or head on several nodes and prints their lines: with `--merge` by time, otherwise node
 * by node, and when following as they arrive. A lost node of a follow is reported and tried again.
 */
export async function mergedLines(
  request: Request,
  plans: readonly NodePlan[],
  helpers: Helpers,
  interrupt: Interrupt,
): Promise<number> {
  const has = (...names: string[]) => request.parts.some((part) => isOption(part, new Set(names)));
  const follows = has("f", "F", "follow");
  const printer = new LinePrinter(formatOf(request, process.stdout.isTTY === true, process.env.NO_COLOR !== undefined));
  const output = has("merge")
    ? new MergedOutput(printer, plans, follows)
    : {
        take: (_: NodePlan, record: LineRecord) => write(printer.print(record)),
        leave: async () => {},
        end: async () => {},
      };
  const run = (plan: NodePlan) => new NodeRun(plan, request.kubectl, helpers, interrupt, output, follows).run();
  let statuses: number[] = [];
  if (follows || has("merge")) statuses = await Promise.all(plans.map(run));
  else for (const plan of plans) statuses.push(await run(plan));
  await output.end();
  return Math.max(...statuses);
}

interface Lines {
  /** Resolves when it accepts more. */
  take(plan: NodePlan, record: LineRecord): Promise<void>;
  /** The node sends nothing for now. */
  leave(plan: NodePlan): Promise<void>;
  end(): Promise<void>;
}

/** Prints records of several nodes in order of their times: exactly, unless it follows. */
class MergedOutput implements Lines {
  readonly #merge: PlaceMerge<NodePlan, LineRecord>;
  readonly #printer: LinePrinter;
  readonly #mostOfOne: number;
  /** Nodes that have sent too much. */
  readonly #full = new Map<NodePlan, () => void>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(printer: LinePrinter, plans: readonly NodePlan[], follows: boolean) {
    this.#printer = printer;
    const limits = follows ? [WINDOW_MS, MAX_WAITING] : [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    const [windowMs = 0, mostBytes = 0] = limits;
    this.#merge = new PlaceMerge({ windowMs, mostBytes });
    this.#mostOfOne = follows ? Number.POSITIVE_INFINITY : MAX_SHARED / plans.length;
    for (const plan of plans) this.#merge.open(plan);
  }

  async take(plan: NodePlan, record: LineRecord): Promise<void> {
    const time = record.time === undefined ? undefined : milliseconds(record.time);
    this.#merge.push(plan, { line: record, time, bytes: record.json.length }, performance.now());
    if (this.#merge.bytes > MAX_WAITING || this.#merge.bytesOf(plan) > this.#mostOfOne) {
      this.#print();
      await this.#writing;
      if (this.#merge.bytesOf(plan) > this.#mostOfOne)
        await new Promise<void>((resolve) => this.#full.set(plan, resolve));
    } else this.#isChanged();
  }

  /** Prints soon: a chunk of a node has many lines. */
  #isChanged(): void {
    if (this.#isDueSoon) return;
    this.#isDueSoon = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#print(), 1);
  }

  #isDueSoon = false;

  async leave(plan: NodePlan): Promise<void> {
    this.#merge.close(plan);
    this.#print();
    await this.#writing;
  }

  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#print(Number.POSITIVE_INFINITY);
    await this.#writing;
  }

  /** Prints what is due, and looks again when more is. */
  #print(now = performance.now()): void {
    clearTimeout(this.#timer);
    this.#isDueSoon = false;
    const pieces: Buffer[] = [];
    for (let record = this.#merge.take(now); record !== undefined; record = this.#merge.take(now))
      pieces.push(this.#printer.print(record));
    if (pieces.length > 0) {
      const written = write(Buffer.concat(pieces));
      this.#writing = this.#writing.then(() => written);
    }
    for (const [plan, goOn] of this.#full) {
      if (this.#merge.bytesOf(plan) > this.#mostOfOne) continue;
      this.#full.delete(plan);
      void this.#writing.then(goOn);
    }
    const { due } = this.#merge;
    if (due === undefined || due === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#print(), Math.max(1, due - performance.now()));
  }
}

/** The command on one node, until it ends. */
class NodeRun {
  readonly #resumption = new Resumption();
  readonly #plan: NodePlan;
  readonly #kubectl: readonly string[];
  readonly #helpers: Helpers;
  readonly #interrupt: Interrupt;
  readonly #output: Lines;
  readonly #follows: boolean;
  #isLost = false;

  constructor(
    plan: NodePlan,
    kubectl: readonly string[],
    helpers: Helpers,
    interrupt: Interrupt,
    output: Lines,
    follows: boolean,
  ) {
    this.#plan = plan;
    this.#kubectl = kubectl;
    this.#helpers = helpers;
    this.#interrupt = interrupt;
    this.#output = output;
    this.#follows = follows;
  }

  async run(): Promise<number> {
    let helper = await this.#interrupt.orEnd(this.#helpers.on(this.#plan.node));
    let words = this.#plan.words;
    for (let delay = FIRST_RETRY_MS; ; delay = Math.min(LAST_RETRY_MS, delay * 2)) {
      const exec = startExec({ ...{ kubectl: this.#kubectl, helper, words, output: "pipe" }, said: say });
      const remove = this.#interrupt.listen((name) => exec.signal(name));
      const began = performance.now();
      await this.#read(exec);
      const { status, reason } = await exec.ended.finally(remove);
      await this.#output.leave(this.#plan);
      if (status !== undefined || this.#interrupt.received !== undefined) return status ?? 0;
      const lost = lostNode(this.#plan.node, reason);
      if (!this.#follows || lost.code !== "SESSION") throw lost;
      if (!this.#isLost) complain(printable(`${lost.message}; trying again`));
      this.#isLost = true;
      if (performance.now() - began > LAST_RETRY_MS) delay = FIRST_RETRY_MS;
      await this.#interrupt.orEnd(sleep(delay));
      words = this.#again();
      // The helper may be another pod now.
      helper = await this.#interrupt.orEnd(
        this.#helpers.find().then(
          () => this.#helpers.on(this.#plan.node),
          () => helper,
        ),
      );
    }
  }

  async #read(exec: Exec): Promise<void> {
    const splitter = new LineSplitter(10);
    let part: Uint8Array[] = [];
    for await (const piece of exec.stdout ?? []) {
      for (const line of splitter.push(piece as Buffer)) {
        part.push(line);
        if (line.at(-1) !== 10) continue;
        const record = parseRecord(part.length === 1 ? line : Buffer.concat(part));
        part = [];
        if (record === undefined || !this.#resumption.isNew(record)) continue;
        this.#found();
        await this.#output.take(this.#plan, record);
      }
    }
  }

  /** Reports once that a lost node sends again. */
  #found(): void {
    if (!this.#isLost) return;
    this.#isLost = false;
    const gap = this.#resumption.isComplete ? "" : "; lines without a time that were written meanwhile are not shown";
    complain(printable(`the node ${this.#plan.node} is back${gap}`));
  }

  /** The words of a new run, which begins where the last one ended. */
  #again(): string[] {
    return resumedWords(this.#plan.words, this.#resumption.options());
  }
}

/** Replaces the options that choose where a run begins. */
export function resumedWords(words: readonly string[], beginning: readonly string[]): string[] {
  const [command = "", ...rest] = words;
  const end = rest.indexOf("--");
  const options: string[] = [];
  for (let at = 0; at < end; at++) {
    const word = rest[at] ?? "";
    if (/^-\d+$/.test(word)) continue;
    const name = /^--([a-z]+)/.exec(word)?.[1] ?? (word === "-n" ? "lines" : word === "-c" ? "bytes" : "");
    if (!BEGINNING.has(name)) options.push(word);
    else if (!word.includes("=")) at++;
  }
  return [command, ...options, ...beginning, ...rest.slice(end)];
}
