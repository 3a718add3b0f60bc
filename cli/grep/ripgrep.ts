import { type OwnedFd, type ProcessEnd, pipe, readStream, spawnProgram } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { pathBytes } from "../../src/target.ts";

/** A running ripgrep. */
export interface Ripgrep {
  readonly pid: number;
  /** Its standard output, if that is a pipe. Read it to the end, or call {@link close}. */
  readonly output: AsyncIterable<Buffer> | undefined;
  /** Its standard error. */
  readonly messages: AsyncIterable<Buffer>;
  readonly ended: Promise<ProcessEnd>;
  kill(): void;
  /** Ends the reads of its streams. */
  close(): void;
}

/** How {@link startRipgrep} starts it. */
export interface RipgrepOptions {
  /** Working directory; default: that of this process. */
  directory?: string | undefined;
  /** PATH for the programs of --search-zip; default: that of this process. */
  path?: string | undefined;
  input: "inherit" | "ignore";
  output: "inherit" | "pipe";
}

/**
 * Starts ripgrep. Its standard error is a pipe.
 * @throws PortholeError FILE with the errno if it cannot be started
 */
export function startRipgrep(program: string, args: readonly string[], options: RipgrepOptions): Ripgrep {
  const { RIPGREP_CONFIG_PATH: _, ...environment } = process.env;
  if (options.path !== undefined) environment.PATH = options.path;
  return startPiped(options, (streams) =>
    spawnProgram(program, args.map(pathBytes), { streams, directory: options.directory, environment }),
  );
}

/** Starts a program with pipes for its output and messages. @throws as {@link startRipgrep} */
export function startPiped(
  { input, output }: Pick<RipgrepOptions, "input" | "output">,
  start: (streams: readonly ("inherit" | "ignore" | OwnedFd)[]) => Omit<Ripgrep, "output" | "messages" | "close">,
): Ripgrep {
  const stopped = new AbortController();
  const [messages, errors] = pipe();
  const [read, written] = output === "pipe" ? pipe() : [];
  try {
    const { pid, ended, kill } = start([input, written ?? "inherit", errors]);
    return {
      ...{ pid, ended, kill },
      output: read && readStream(read, stopped.signal),
      messages: readStream(messages, stopped.signal),
      close: () => stopped.abort(),
    };
  } catch (error) {
    read?.close();
    messages.close();
    throw startError(error);
  } finally {
    errors.close();
    written?.close();
  }
}

function startError(error: unknown): unknown {
  if (!(error instanceof PortholeError) || error.code !== "ATTACH") return error;
  const { errno, message } = error;
  const hint = errno === "E2BIG" ? "name the directory instead of its files, with -g for a pattern" : undefined;
  return new PortholeError("FILE", message.replace(/^cannot start/, "cannot run"), { errno, hint, cause: error });
}
