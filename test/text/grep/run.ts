import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { expect } from "vitest";
import type { GrepOptions } from "../../../cli/grep/options.ts";
import { present } from "../../../cli/grep/presentation.ts";
import {
  type BinaryMode,
  Matcher,
  type MatchOptions,
  Output,
  type Scanner,
  searchFile,
} from "../../../src/text/index.ts";

/** Options of a search, as the command has them, and as ripgrep is told them. */
export interface Case {
  rg: string[];
  options?: Partial<GrepOptions>;
  match?: Partial<MatchOptions>;
}

export interface Outcome {
  text: string;
  matched: boolean;
}

/** Searches a file as the command does, in this process. */
export async function search(
  file: string,
  pattern: string,
  { options = {}, match = {} }: Omit<Case, "rg">,
  { binary = "convert", scanner, least }: { binary?: BinaryMode; scanner?: Scanner; least?: number } = {},
): Promise<Outcome> {
  const matcher = new Matcher({ patterns: [pattern], ...match });
  const pieces: Buffer[] = [];
  const output = new Output((bytes) => pieces.push(Buffer.from(bytes)));
  const screen = { isTerminal: false, safe: undefined };
  const all: GrepOptions = { color: "never", filename: true, ...options };
  const presentation = present(all, matcher, output, screen, false);
  const printer = presentation.file(file, binary);
  const fd = openSync(file, "r");
  try {
    const read = (buffer: Uint8Array, position: number) => readSync(fd, buffer, 0, buffer.length, position);
    const how = {
      ...presentation.context,
      invert: all.invertMatch,
      lineNumbers: presentation.lineNumbers,
      binary,
      threadsFrom: least,
    };
    await searchFile({ fd, size: fstatSync(fd).size, read }, matcher, printer, how, scanner);
  } finally {
    closeSync(fd);
  }
  presentation.finish();
  output.flush();
  return { text: withoutTimes(Buffer.concat(pieces).toString("latin1")), matched: printer.matches > 0 };
}

/** What ripgrep prints for the same. */
export function ripgrep(file: string, pattern: string, args: readonly string[]): Outcome {
  const { stdout, status, stderr } = spawnSync(
    "rg",
    ["--no-config", "--no-mmap", "-j1", ...args, "-e", pattern, file],
    { encoding: "latin1", maxBuffer: 1 << 28 },
  );
  if (status !== 0 && status !== 1) throw new Error(`rg ${args.join(" ")} ${pattern}: ${stderr}`);
  return { text: withoutTimes(stdout), matched: status === 0 };
}

/** Fails with the place where two outcomes part: whole texts may be megabytes. */
export function expectSame(what: object, ours: Outcome, theirs: Outcome): void {
  let at = 0;
  if (ours.text !== theirs.text) while (ours.text[at] === theirs.text[at]) at++;
  const excerpt = ({ text, matched }: Outcome) => ({
    ...what,
    matched,
    length: text.length,
    at,
    text: text.slice(Math.max(0, at - 60), at + 60),
  });
  expect(excerpt(ours)).toEqual(excerpt(theirs));
}

/** Durations differ from run to run. */
export function withoutTimes(text: string): string {
  return text.replace(/"(secs|nanos)":\d+/g, '"$1":0').replace(/"human":"[\d.]+s"/g, '"human":""');
}
