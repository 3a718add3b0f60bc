import type { ChildProcess } from "node:child_process";
import { write as writeCallback } from "node:fs";
import { promisify } from "node:util";
import { limitMemory, writable } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { Messages } from "./messages.ts";

const writeOut = promisify(writeCallback);

/** ripgrep's exit statuses, which are grep's. */
export const SearchStatus = { matched: 0, unmatched: 1, failed: 2 } as const;

/** Memory limit of ripgrep in bytes, for lines and for the output of one file. */
export const SEARCH_MEMORY = 512 * 1024 * 1024;

/** ripgrep's notice about a file that contains a NUL byte. */
const BINARY = /binary file matches \(found "\\0" byte around offset \d+\)/;

/** True if ripgrep's output contains such a notice. */
export function hidesBinary(output: Buffer): boolean {
  return BINARY.test(output.toString("latin1"));
}

/** Filters the output of ripgrep before it is written. */
export interface OutputFilter {
  /** True if the file content so far contained an escape character. */
  readonly hasEscape: boolean;
  push(bytes: Buffer): Buffer;
  end(): Buffer;
}

/** The end of a run. */
export interface RunEnd {
  status: number;
  /** True if a file matched, but ripgrep hid its lines because the file contains a NUL byte. */
  hidesBinary: boolean;
}

/** The destination of a run's output. */
export interface RunOutput {
  filter?: OutputFilter | undefined;
  /**
   * Receives the output if it is a pipe. By default, the output is written to the standard output.
   */
  write?: (bytes: Buffer) => void | Promise<void>;
  messages?: Messages;
}

/**
 * Waits for the end of ripgrep. Converts its messages, and filters its output if it is a pipe.
 * @param memory limit of its memory in bytes
 * @throws PortholeError FILE if it was aborted; the error of a failed write
 */
export async function follow(
  child: ChildProcess,
  memory: number,
  { filter, write = writeOutput, messages = new Messages() }: RunOutput = {},
): Promise<RunEnd> {
  const ended = endOf(child);
  ended.catch(() => {});
  // ripgrep may end before the limit is set.
  if (child.pid !== undefined) attempt(() => limitMemory(child.pid as number, memory));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => messages.push(text));
  let hidesBinary = false;
  let tail = "";
  if (child.stdout) {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      await write(filter?.push(chunk) ?? chunk);
      if (hidesBinary) continue;
      const text = tail + chunk.toString("latin1");
      hidesBinary = BINARY.test(text);
      tail = text.slice(-MAX_REMARK);
    }
    if (filter) await write(filter.end());
  }
  const { status, signal } = await ended;
  if (signal === null && status !== null && status <= SearchStatus.failed) {
    messages.end();
    return { status, hidesBinary };
  }
  throw aborted(signal ?? `status ${status}`, messages.takeLast());
}

const MAX_REMARK = 100;

function aborted(how: string, reason: string): PortholeError {
  const detail = reason === "" ? "" : `: ${reason}`;
  return new PortholeError("FILE", `ripgrep was terminated by ${how}${detail}`, { hint: remedy(how, reason) });
}

function remedy(how: string, reason: string): string | undefined {
  if (/memory allocation/.test(reason)) return "a line, or the output of one file, is too long for the memory";
  if (how === "SIGBUS") return "a file was truncated during the search: retry, or use --no-mmap";
  return undefined;
}

function endOf(child: ChildProcess): Promise<{ status: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => reject(startError(error)));
    // `close` comes after the last message; `exit` may come before it.
    child.once("close", (status, signal) => resolve({ status, signal }));
  });
}

function startError({ code, message }: NodeJS.ErrnoException): PortholeError {
  const hint = code === "E2BIG" ? "name the directory instead of its files, with -g for a pattern" : undefined;
  return new PortholeError("FILE", `cannot run ripgrep: ${message.replace(/^spawn /, "")}`, { errno: code, hint });
}

/** Writes off the main thread: a slow reader must not delay signals. */
export async function writeOutput(bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += (await writeOut(1, bytes, at, bytes.length - at, null)).bytesWritten;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      await writable(1);
    }
  }
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {}
}
