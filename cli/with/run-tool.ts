import type { ChildProcess, StdioOptions } from "node:child_process";
import { errnoText, isTerminal, setNonBlocking, spawnChild, stateOf } from "../../src/descriptors/index.ts";
import { isInHelper } from "../../src/elsewhere/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { OpenFile } from "../../src/sessions/index.ts";

/** Files for a local program. It inherits the standard streams that are not set. */
export interface ToolFiles {
  /** The program's standard input; by default inherited. */
  input?: OpenFile | undefined;
  /** Files that are inherited as descriptors 3, 4 and so on: see {@link toolPath}. */
  files?: readonly OpenFile[];
  /** Working directory; by default that of this process. */
  directory?: string | undefined;
}

/** The end of a program. Either the status or the signal is null. */
export interface ToolEnd {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/** Exit statuses if the program did not run, as those of env(1) and docker run. */
export const ToolStatus = { failed: 125, cannotRun: 126, notFound: 127 } as const;

/** The first descriptor after the standard streams. */
export const FIRST_FILE = 3;

/**
 * Returns the path by which a program reopens file `index` of {@link ToolFiles.files}
 * (proc_pid_fd(5)). The program uses its own permissions and gets its own offset.
 */
export function toolPath(index: number): string {
  return `/proc/self/fd/${FIRST_FILE + index}`;
}

/**
 * Runs a local program on open files. Takes ownership of the files and closes them after the start.
 * The files are blocking in the program, as programs expect. The program handles SIGINT and SIGQUIT
 * of the terminal itself (same process group). Other terminating signals are passed on.
 * @throws PortholeError FILE with the errno of execve(2) if the start failed: ENOENT, EACCES, E2BIG
 */
export async function runTool(command: string, args: readonly string[], given: ToolFiles): Promise<ToolEnd> {
  const { input, files = [], directory } = given;
  const all = input === undefined ? files : [input, ...files];
  const odd = [command, ...args].find((arg) => !arg.isWellFormed());
  try {
    if (odd !== undefined) {
      const hint = "name the file as a target, and write {} in the command";
      throw new PortholeError("USAGE", `cannot pass on an argument that is not UTF-8: '${odd}'`, { hint });
    }
    // Each file has its own open file description, so no other process shares the flag.
    for (const file of all) setNonBlocking(file.descriptor, false);
    return await withSignals(async (begin) => {
      const stdio: StdioOptions = [input?.fd ?? "inherit", "inherit", "inherit", ...files.map((file) => file.fd)];
      const child = begin(start(command, args, stdio, { cwd: directory }));
      for (const file of all) file.close();
      return endOf(child, command);
    });
  } finally {
    for (const file of all) file.close();
  }
}

/** Passes signals to the program that `run` gives to `begin`, until `run` ends. */
export async function withSignals<T>(run: (begin: (child: ChildProcess) => ChildProcess) => Promise<T>): Promise<T> {
  let child: ChildProcess | undefined;
  const release = passSignals(
    (signal) => child?.kill(signal),
    () => child?.pid,
  );
  try {
    return await run((started) => {
      child = started;
      return started;
    });
  } finally {
    release();
  }
}

export function start(
  command: string,
  args: readonly string[],
  stdio: StdioOptions,
  how: { cwd?: string | undefined; env?: NodeJS.ProcessEnv | undefined } = {},
): ChildProcess {
  try {
    return spawnChild(command, args, { stdio, ...how });
  } catch (error) {
    throw startError(command, error);
  }
}

export function endOf(child: ChildProcess, command: string): Promise<ToolEnd> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(startError(command, error)));
    child.once("exit", (status, signal) => resolve({ status, signal }));
  });
}

/** The error for a program that could not be started; `errno` is that of execve(2). */
export class CannotRun extends PortholeError {}

/** Replaces Node's message for a failed start, "spawn NAME ENOENT". */
export function startError(command: string, error: unknown): CannotRun {
  const { code, errno, message } = error as NodeJS.ErrnoException;
  const reason = typeof errno === "number" ? errnoText(-errno) : message;
  const hint =
    code === "ENOENT" && isInHelper()
      ? "it runs on the engine's machine, in porthole's image; with one file and no {} it runs on yours"
      : undefined;
  return new CannotRun("FILE", `cannot run '${command}': ${reason}`, { errno: code, hint, cause: error });
}

const ends = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
const keys = ["SIGINT", "SIGQUIT"] as const;

/** Keeps this process alive while the program runs. Returns a function that undoes this. */
function passSignals(pass: (signal: NodeJS.Signals) => void, program: () => number | undefined): () => void {
  // A terminal sends the signal to the whole process group. Without a terminal, this process passes
  // the signal on.
  const onKey = (signal: NodeJS.Signals) => {
    if (![0, 1, 2].some(isTerminal)) pass(signal);
  };
  const onStop = (signal: NodeJS.Signals) => {
    onKey(signal);
    void stopAfter(program());
  };
  process.on("SIGTSTP", onStop);
  process.on("SIGCONT", pass);
  for (const signal of ends) process.on(signal, pass);
  for (const signal of keys) process.on(signal, onKey);
  return () => {
    process.off("SIGTSTP", onStop);
    process.off("SIGCONT", pass);
    for (const signal of ends) process.off(signal, pass);
    for (const signal of keys) process.off(signal, onKey);
  };
}

/**
 * Stops this process after the program has stopped: the shell regards the job as stopped when this
 * process is. Otherwise a quick `fg` could reach a program that still restores the terminal. The
 * program would then stop after the `fg` and stay stopped.
 */
async function stopAfter(pid: number | undefined): Promise<void> {
  const end = performance.now() + STOP_MS;
  while (pid !== undefined && runs(pid) && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, STOP_LOOK_MS));
  process.kill(process.pid, "SIGSTOP");
}

/**
 * Maximum milliseconds to wait for the program to stop. A program that does not stop keeps running,
 * as in any job.
 */
const STOP_MS = 2000;
const STOP_LOOK_MS = 5;

/** False for a process that is stopped or has ended, by its state in proc_pid_stat(5). */
function runs(pid: number): boolean {
  return !"TtZX".includes(stateOf(pid) ?? "X");
}
