import type { ChildProcess } from "node:child_process";
import { write as writeCallback } from "node:fs";
import { promisify } from "node:util";
import { limitMemory, writable } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { Messages } from "./messages.ts";

const writeOut = promisify(writeCallback);

/** ripgrep's exit statuses, which are grep's. */
export const Status = { matched: 0, unmatched: 1, failed: 2 } as const;

/** How ripgrep says of a file that it holds a NUL. */
const BINARY = /binary file matches \(found "\\0" byte around offset \d+\)/;

/** Filters the output of a run before it is written. */
export interface OutputFilter {
  push(bytes: Buffer): Buffer;
  end(): Buffer;
}

/** How a run ended. */
export interface RunEnd {
  status: number;
  /** A file matched and was not shown, because it holds a NUL. */
  hidesBinary: boolean;
}

/**
 * Follows a ripgrep to its end: its messages become porthole's, its output passes the filter, where it
 * comes through a pipe.
 * @param memory bytes that it may allocate
 * @throws PortholeError FILE where it was aborted; what writing the output failed with
 */
export async function follow(child: ChildProcess, filter: OutputFilter | undefined, memory: number): Promise<RunEnd> {
  const messages = new Messages();
  const ended = endOf(child);
  ended.catch(() => {});
  // It may have ended already.
  if (child.pid !== undefined) attempt(() => limitMemory(child.pid as number, memory));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => messages.push(text));
  let hidesBinary = false;
  let tail = "";
  if (child.stdout) {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      await writeAll(filter?.push(chunk) ?? chunk);
      if (hidesBinary) continue;
      const text = tail + chunk.toString("latin1");
      hidesBinary = BINARY.test(text);
      tail = text.slice(-LONGEST_REMARK);
    }
    if (filter) await writeAll(filter.end());
  }
  const { status, signal } = await ended;
  if (signal === null && status !== null && status <= Status.failed) {
    messages.end();
    return { status, hidesBinary };
  }
  throw aborted(signal ?? `status ${status}`, messages.takeLast());
}

const LONGEST_REMARK = 100;

function aborted(how: string, reason: string): PortholeError {
  const words = reason === "" ? "" : `: ${reason}`;
  return new PortholeError("FILE", `ripgrep was ended by ${how}${words}`, { hint: remedy(how, reason) });
}

function remedy(how: string, reason: string): string | undefined {
  if (/memory allocation/.test(reason)) return "a line, or what matches in one file, is too long to be kept in memory";
  if (how === "SIGBUS") return "a file was truncated while it was searched: try again, or use --no-mmap";
  return undefined;
}

function endOf(child: ChildProcess): Promise<{ status: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => reject(startError(error)));
    // After its last message.
    child.once("close", (status, signal) => resolve({ status, signal }));
  });
}

function startError({ code, message }: NodeJS.ErrnoException): PortholeError {
  const hint = code === "E2BIG" ? "name the directory instead of its files, with -g for a pattern" : undefined;
  return new PortholeError("FILE", `cannot run ripgrep: ${message.replace(/^spawn /, "")}`, { errno: code, hint });
}

/** Off the main thread: a slow reader must not keep signals waiting. */
async function writeAll(bytes: Buffer): Promise<void> {
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
