import { seekTo } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { lastLinesOffset, StreamEnd, StreamStart } from "../../src/follow/index.ts";
import { TimestampReader } from "../../src/text/index.ts";
import { systemZone, targetZone } from "../../src/times/index.ts";
import { exitStatus } from "../io/fail.ts";
import { isPartOfSeveral } from "../io/part-of-several.ts";
import type { Amount } from "../tail/amount.ts";
import { type Input, pieces, seekableSize, standardInput } from "../tail/input.ts";
import { cannotOpen, errorReading, fullText, printFailure, reportUsageError } from "../tail/messages.ts";
import { type CommonOptions, commonOptions, type RawOptions } from "../tail/options.ts";
import { Printer } from "../tail/printer.ts";
import { openTarget } from "../targets/open-target.ts";
import { type NamedTarget, SessionPool } from "../targets/session-pool.ts";

/**
 * `porthole head`: writes the beginning of each target to standard output, as GNU head does.
 * Returns the highest status.
 */
export async function head(texts: string[], raw: RawOptions): Promise<number> {
  let options: CommonOptions;
  try {
    options = commonOptions(raw, "head");
  } catch (error) {
    return reportUsageError("head", error);
  }
  using sessions = new SessionPool(raw);
  let status = 0;
  const failed = (text: string, error: unknown) => {
    printFailure("head", text, error);
    status = Math.max(status, exitStatus(error));
  };
  const targets = await sessions.expand(texts.length > 0 ? texts : ["-"], (error) => failed(fullText(error), error));
  const printer = await openPrinter(options, targets.length);
  for (const named of targets) await printHead(named, { sessions, printer, options, raw, failed });
  await printer.end();
  return status;
}

function openPrinter({ json, headers, delimiter }: CommonOptions, targets: number): Promise<Printer> {
  const hasSeveral = targets > 1 || isPartOfSeveral();
  return Printer.open({
    command: "head",
    headers: !json && (headers === "always" || (headers === "several" && hasSeveral)),
    prefix: false,
    json,
    shared: false,
    delimiter,
    color: "never",
  });
}

/** What the targets of a command share. */
interface Run {
  sessions: SessionPool;
  printer: Printer;
  options: CommonOptions;
  raw: RawOptions;
  failed: (text: string, error: unknown) => void;
}

/** Prints the beginning of one target. Reports a failure. */
async function printHead(named: NamedTarget, run: Run): Promise<void> {
  const { sessions, printer, options, raw, failed } = run;
  const { text, target } = named;
  const name = text === "-" ? "standard input" : text;
  const { json, amount, delimiter } = options;
  let input: Input;
  try {
    if (json && target.kind === "output" && amount.unit === "lines" && delimiter === 10) {
      const { printOutputHead } = await import("../tail/output-head.ts");
      return await printOutputHead({ text, target }, raw.engine, amount, printer);
    }
    input = await openInput(sessions, named, raw);
  } catch (error) {
    return failed(cannotOpen(name, error), error);
  }
  const zone = options.zone ?? (json ? await zoneOf(sessions, named) : systemZone);
  const times = new TimestampReader({ now: Date.now(), zone });
  const source = printer.source(json ? text : name, (line) => times.read(line));
  try {
    await printer.begin(source);
    if (input.file?.kind === "directory") throw new PortholeError("FILE", "Is a directory", { errno: "EISDIR" });
    let end = input.start;
    await copyHead(input, amount, delimiter, async (bytes) => {
      await printer.write(source, bytes);
      end += bytes.length;
    });
    // Sets the offset of the standard input to the end of the printed part, because other processes
    // may share it.
    if (input.isStdin && input.file) seekTo(0, end);
  } catch (error) {
    failed(errorReading(name, error), error);
  } finally {
    input.file?.close();
  }
}

async function openInput(sessions: SessionPool, named: NamedTarget, options: RawOptions): Promise<Input> {
  if (named.text === "-") return standardInput();
  const session = await sessions.session(named.target);
  return { file: await openTarget(session, named, options), start: 0, isStdin: false };
}

async function zoneOf(sessions: SessionPool, { target }: NamedTarget) {
  return target.kind === "local" ? systemZone : targetZone(await sessions.session(target));
}

/** Writes the first lines or bytes. With `-`, writes all but the last. */
async function copyHead(
  input: Input,
  { unit, count, sign }: Amount,
  delimiter: number,
  write: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  const by = unit === "lines" ? delimiter : undefined;
  if (sign === "-") {
    const size = seekableSize(input);
    if (size !== undefined) {
      const end =
        by === undefined ? Math.max(input.start, size - count) : lastLinesOffset(readerFor(input), size, count, by);
      for await (const piece of pieces(input, input.start, end)) await write(piece);
      return;
    }
    const kept = new StreamEnd(count, by);
    for await (const piece of pieces(input)) for (const passed of kept.push(piece)) await write(passed);
    return write(kept.finish().before);
  }
  const wanted = new StreamStart(count, by);
  if (wanted.over) return;
  for await (const piece of pieces(input)) {
    await write(wanted.push(piece).start);
    if (wanted.over) return;
  }
}

function readerFor({ file }: Input) {
  return (position: number, buffer: Uint8Array) => file?.read(buffer, position) ?? 0;
}
