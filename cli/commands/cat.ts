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

/** `porthole cat`: writes each target to standard output, goes on after one that fails, and returns the worst status. */
export async function cat(
  targets: string[],
  options: ConnectionOptions & { trace?: boolean; consume?: boolean },
): Promise<number> {
  const sessions = new SessionPool(options);
  let status = 0;
  const failed = (error: unknown) => {
    endIfOutputIsLost(error);
    report(error);
    status = Math.max(status, exitStatus(error));
  };
  try {
    for (const text of targets.length > 0 ? targets : ["-"]) {
      try {
        if (text === "-") await catInput();
        else
          for await (const opened of openAhead(sessions, await sessions.expand([text]), {
            most: options.trace ? 1 : LOOKAHEAD,
            consume: options.consume,
          })) {
            if ("error" in opened) failed(opened.error);
            else await catOne(opened, options.trace === true).catch(failed);
          }
      } catch (error) {
        failed(error);
      }
    }
  } finally {
    sessions.close();
  }
  return status;
}

async function catOne(opened: Exclude<OpenResult, { error: unknown }>, trace: boolean): Promise<void> {
  const { session, file, took } = opened;
  const { text, target } = opened.named;
  try {
    if (trace) tell(target, session, file, took);
    if (file.kind === "directory")
      throw new PortholeError("FILE", `cannot read ${text}: Is a directory`, { errno: "EISDIR" });
    // Of what is made up as it is read (/proc/N/mem) there is nothing to explain.
    if (file.relayed && file.stat.size > 0n)
      complain(`${printable(text)}: its file system may not answer, so the agent reads it for us`);
    if (isTerminal(1)) await show(file);
    else await copy(file);
  } finally {
    file.close();
  }
}

/** Standard input, from where it is. */
async function catInput(): Promise<void> {
  const output = isTerminal(1) ? await safely() : { push: (chunk: Buffer) => chunk, end: () => "" };
  for await (const chunk of inputPieces()) write(output.push(chunk));
  write(output.end());
}

/** The two lines of the article that porthole began from, and how the descriptor came. */
function tell(target: Target, session: Session, file: OpenFile, milliseconds: number): void {
  const agent = session.route === "local" ? "" : session.fresh ? ", new agent" : ", live agent";
  writeSync(
    2,
    `Got file descriptor for '${printable(target.path)}'\nThe file descriptor is ${file.fd}\n` +
      `route ${session.route}${agent}, ${milliseconds.toFixed(1)} ms\n`,
  );
}

/** A copy that may take long tells its progress where somebody can see it. */
async function copy(file: OpenFile): Promise<void> {
  if (!isTerminal(2)) return void (await file.copyTo(1));
  const { Progress } = await import("../io/progress.ts");
  // What the kernel makes up has no size.
  const progress = new Progress(file.size() || undefined);
  try {
    await file.copyTo(1, { onProgress: (copied) => progress.at(Number(copied)) });
  } finally {
    progress.erase();
  }
}

async function show(file: OpenFile): Promise<void> {
  const terminal = await safely();
  for await (const chunk of file.stream()) write(terminal.push(chunk));
  write(terminal.end());
}

async function safely() {
  const { TerminalStream } = await import("../../src/text/index.ts");
  return new TerminalStream({ colours: process.env.NO_COLOR === undefined });
}

/** What can be written no more ends all of it, a target that cannot be read only itself. */
function endIfOutputIsLost(error: unknown): void {
  if (error instanceof PortholeError && error.message.startsWith(WRITE_FAILED) && error.errno !== "EINVAL")
    failOutput(error);
}
