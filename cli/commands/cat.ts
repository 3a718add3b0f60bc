import { writeSync } from "node:fs";
import { isTerminal, WRITE_FAILED } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { OpenFile, Session } from "../../src/sessions/index.ts";
import type { Target } from "../../src/target.ts";
import { complain, exitStatus, printable, report } from "../io/fail.ts";
import { failOutput, write } from "../io/output.ts";
import { inputPieces } from "../io/standard-input.ts";
import { LOOKAHEAD, type OpenResult, openAhead } from "../targets/open-ahead.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";

/**
 * `porthole cat`: writes each target to standard output. Continues after a failure and returns the
 * highest status.
 */
export async function cat(
  targets: string[],
  options: ConnectionOptions & { trace?: boolean; consume?: boolean; decompress?: boolean },
): Promise<number> {
  using sessions = new SessionPool(options);
  let status = 0;
  const failed = (error: unknown) => {
    endIfOutputIsLost(error);
    report(error);
    status = Math.max(status, exitStatus(error));
  };
  for (const text of targets.length > 0 ? targets : ["-"]) {
    try {
      if (text === "-") await catInput();
      else
        for await (const opened of openAhead(sessions, await sessions.expand([text], failed), {
          maxAhead: options.trace ? 1 : LOOKAHEAD,
          consume: options.consume,
        })) {
          if ("error" in opened) failed(opened.error);
          else await catOne(opened, options).catch(failed);
        }
    } catch (error) {
      failed(error);
    }
  }
  return status;
}

async function catOne(
  opened: Exclude<OpenResult, { error: unknown }>,
  { trace, decompress }: { trace?: boolean; decompress?: boolean },
): Promise<void> {
  const { session, file, took } = opened;
  const { text, target } = opened.named;
  try {
    if (trace) tell(target, session, file, took);
    if (file.kind === "directory")
      throw new PortholeError("FILE", `cannot read ${text}: Is a directory`, { errno: "EISDIR" });
    // Files that the kernel generates (/proc/N/mem) are also relayed, but need no notice.
    if (file.relayed && file.stat.size > 0n)
      complain(`${printable(text)}: relayed by the agent, because its file system may not answer`);
    const whole = decompress ? await decompressed(file, text) : undefined;
    if (isTerminal(1)) await show(whole ?? file.stream());
    else if (whole) for await (const chunk of whole) write(chunk);
    else await copy(file);
  } finally {
    file.close();
  }
}

/** Copies standard input from its current offset. */
async function catInput(): Promise<void> {
  const output = isTerminal(1) ? await safely() : { push: (chunk: Buffer) => chunk, end: () => "" };
  for await (const chunk of inputPieces()) write(output.push(chunk));
  write(output.end());
}

/** `--trace`: prints the descriptor, the route and the time taken. */
function tell(target: Target, session: Session, file: OpenFile, milliseconds: number): void {
  const agent = session.agent === undefined ? "" : session.fresh ? ", new agent" : ", live agent";
  writeSync(
    2,
    `Got file descriptor for '${printable(target.path)}'\nThe file descriptor is ${file.fd}\n` +
      `route ${session.route}${agent}, ${milliseconds.toFixed(1)} ms\n${whyCopied(session)}${noEvents(session)}`,
  );
}

function noEvents({ noEvents: why }: Session): string {
  if (why === undefined) return "";
  return `no events from the engine, so porthole asks it once a second whether the container has changed: ${printable(why)}\n`;
}

function whyCopied({ whyCopied: why }: Session): string {
  return why === undefined ? "" : `a copy by the engine, because no agent reads it in place: ${printable(why)}\n`;
}

/** Copies the file, with a progress line if standard error is a terminal. */
async function copy(file: OpenFile): Promise<void> {
  if (!isTerminal(2)) return void (await file.copyTo(1));
  const { Progress } = await import("../io/progress.ts");
  // Files that the kernel generates have the size 0: their total is unknown.
  const progress = new Progress(file.size() || undefined);
  try {
    await file.copyTo(1, { onProgress: (copied) => progress.at(Number(copied)) });
  } finally {
    progress.erase();
  }
}

/** `--decompress`: returns the decompressed data; undefined if the file is not compressed. */
async function decompressed(file: OpenFile, name: string): Promise<AsyncIterable<Buffer> | undefined> {
  const { compressionOf, decompress } = await import("../../src/sessions/index.ts");
  const compression = compressionOf(file);
  return compression && decompress(name, file.stream(), compression);
}

async function show(chunks: AsyncIterable<Buffer>): Promise<void> {
  const terminal = await safely();
  for await (const chunk of chunks) write(terminal.push(chunk));
  write(terminal.end());
}

async function safely() {
  const { TerminalStream } = await import("../../src/text/index.ts");
  return new TerminalStream({ colours: process.env.NO_COLOR === undefined });
}

/** Ends the process after a failed write to the output. Ignores an error of a target. */
function endIfOutputIsLost(error: unknown): void {
  if (error instanceof PortholeError && error.message.startsWith(WRITE_FAILED) && error.errno !== "EINVAL")
    failOutput(error);
}
