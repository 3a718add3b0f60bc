import { write as writeCallback } from "node:fs";
import { promisify } from "node:util";
import { limitMemory, writable } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { Messages } from "./messages.ts";
import type { Ripgrep } from "./ripgrep.ts";
import { SearchStatus } from "./status.ts";

const writeOut = promisify(writeCallback);

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
  child: Ripgrep,
  memory: number,
  { filter, write = writeOutput, messages = new Messages() }: RunOutput = {},
): Promise<RunEnd> {
  // ripgrep may end before the limit is set.
  attempt(() => limitMemory(child.pid, memory));
  const received = receive(child.messages, messages);
  received.catch(() => {});
  let hidesBinary = false;
  let tail = "";
  if (child.output) {
    for await (const chunk of child.output) {
      await write(filter?.push(chunk) ?? chunk);
      if (hidesBinary) continue;
      const text = tail + chunk.toString("latin1");
      hidesBinary = BINARY.test(text);
      tail = text.slice(-MAX_REMARK);
    }
    if (filter) await write(filter.end());
  }
  await received;
  const { status, signal } = await child.ended;
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

async function receive(stream: AsyncIterable<Buffer>, messages: Messages): Promise<void> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  for await (const bytes of stream) {
    // Most searches have no message.
    decoder ??= new TextDecoder();
    messages.push(decoder.decode(bytes, { stream: true }));
  }
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
