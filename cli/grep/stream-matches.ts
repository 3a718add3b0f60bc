import { totalmem } from "node:os";
import { Lifeline } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { NamedTarget, SessionPool } from "../targets/session-pool.ts";
import { type Flag, writeFlags } from "./arguments.ts";
import { type FoundLine, FoundLines } from "./found-lines.ts";
import { Messages } from "./messages.ts";
import { follow, SEARCH_MEMORY } from "./run.ts";
import { SearchFiles } from "./search-files.ts";
import { SearchStatus } from "./status.ts";

/** A search that passes its matches on as they are found. */
export interface MatchStream {
  /** Path of ripgrep. */
  program: string;
  /** Regular expression. */
  pattern: string;
  /**
   * Maximum number of lines of one file. ripgrep prints them only after it has searched the whole
   * file.
   */
  maxLines: number;
  /** Searches hidden files. */
  hidden: boolean;
  targets: readonly NamedTarget[];
  sessions: Pick<SessionPool, "session">;
  /** Returns false for a directory of a container that the search must skip. */
  mayEnter?: (path: string) => boolean;
  /** When aborted, ends ripgrep at once. */
  signal: AbortSignal;
  found(line: FoundLine): void;
  /** Receives errors of files that cannot be searched. The search continues. */
  failed(message: string): void;
}

/**
 * Milliseconds to wait for a killed ripgrep, which may be stuck in a read from a dead file server.
 */
const KILL_GRACE_MS = 1000;

/**
 * Searches targets with ripgrep as `porthole grep` does, and passes the matching lines on. Resolves
 * when ripgrep has ended, even after an abort.
 * @throws PortholeError USAGE for an invalid pattern, FILE if ripgrep ends early
 */
export async function streamMatches(search: MatchStream): Promise<void> {
  const { program, pattern, maxLines, hidden, targets, sessions, mayEnter, signal, failed } = search;
  const flags: Flag[] = [
    { name: "regexp", value: pattern },
    { name: "max-count", value: String(maxLines) },
  ];
  if (hidden) flags.push({ name: "hidden", value: undefined });
  const names = targets.map(({ text }) => text);
  const fail = (error: unknown) => failed(error instanceof Error ? error.message : String(error));
  const files = new SearchFiles({ program, flags, isRaw: false, ...(mayEnter && { mayEnter }), signal }, names, fail);
  try {
    await files.open(targets, sessions);
    await files.openBelow();
    signal.throwIfAborted();
    if (files.paths.length > 0) await run(search, files, flags);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    files.close();
  }
}

async function run(search: MatchStream, files: SearchFiles, flags: readonly Flag[]): Promise<void> {
  const { signal, targets } = search;
  let count = 0;
  const lines = new FoundLines((line) => {
    count++;
    if (!signal.aborted) search.found(line);
  });
  // Files of containers are links in a private directory, as for `porthole grep`.
  const isLocal = targets.every(({ target }) => target.kind === "local");
  const tree = isLocal ? [] : ["--no-ignore-parent", ...(files.hasDirectory ? ["--follow"] : [])];
  const args = ["--no-config", ...writeFlags(flags), ...lines.flags, ...tree, "--", ...files.paths];
  using lifeline = new Lifeline();
  const child = files.start(args, { input: "ignore", output: "pipe" });
  lifeline.tie(child.pid);
  const kill = () => child.kill();
  signal.addEventListener("abort", kill, { once: true });
  const feeding = files.feed();
  try {
    const messages: string[] = [];
    const memory = Math.min(SEARCH_MEMORY + 2 * files.bytes, totalmem() / 2);
    const { status } = await Promise.race([
      follow(child, memory, {
        write: (bytes) => lines.push(bytes),
        messages: new Messages((one) => messages.push(one)),
      }),
      graceAfter(signal),
    ]);
    const isOfFile = (message: string) => files.paths.some((path) => message.startsWith(path));
    const wrong = status === SearchStatus.failed && count === 0 ? messages.find((one) => !isOfFile(one)) : undefined;
    if (wrong !== undefined) throw new PortholeError("USAGE", wrong);
    for (const message of messages) search.failed(message);
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
    child.close();
    files.close();
    await feeding;
  }
}

/** Rejects {@link KILL_GRACE_MS} after an abort. */
function graceAfter(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const late = () => setTimeout(() => reject(signal.reason), KILL_GRACE_MS).unref();
    signal.addEventListener("abort", late, { once: true });
  });
}
