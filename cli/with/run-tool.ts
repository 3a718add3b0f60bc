import type { ChildProcess, StdioOptions } from "node:child_process";
import { accessSync, closeSync, constants, openSync, readFileSync } from "node:fs";
import { errnoText, isTerminal, setNonBlocking } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { OpenFile } from "../../src/sessions/index.ts";

/** What a program of this machine is given. Its other standard streams are this process's own. */
export interface ToolFiles {
  /** Becomes its standard input; without it this process's own. */
  input?: OpenFile | undefined;
  /** Inherited as descriptors 3, 4 and so on: see {@link toolPath}. */
  files?: readonly OpenFile[];
}

/** How a program ended: one of the two is null. */
export interface ToolEnd {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/** Descriptors below are its standard streams. */
const FIRST = 3;

/** The path by which a program opens file `index` of {@link ToolFiles.files} anew (proc_pid_fd(5)), with its own rights and an offset of its own. */
export function toolPath(index: number): string {
  return `/proc/self/fd/${FIRST + index}`;
}

/**
 * Runs a program of this machine on open files, which it takes: they are closed here once the program has them, and blocking there, as programs expect.
 * While it runs, SIGINT and SIGQUIT of the terminal are its business (it is in our process group), and other signals that ask us to end are passed on.
 * @throws PortholeError FILE with the errno of execve(2) when it could not be started: ENOENT, EACCES, E2BIG
 */
export async function runTool(command: string, args: readonly string[], given: ToolFiles): Promise<ToolEnd> {
  const { input, files = [] } = given;
  const all = input === undefined ? files : [input, ...files];
  let child: ChildProcess | undefined;
  const release = passSignals(
    (signal) => child?.kill(signal),
    () => child?.pid,
  );
  try {
    const odd = [command, ...args].find((arg) => !arg.isWellFormed());
    if (odd !== undefined) throw new PortholeError("USAGE", `cannot pass on an argument that is not UTF-8: '${odd}'`);
    // Each came from an open of its own, so nobody shares the flag.
    for (const file of all) setNonBlocking(file.descriptor, false);
    child = start(command, args, [input?.fd ?? "inherit", "inherit", "inherit", ...files.map((file) => file.fd)]);
    for (const file of all) file.close();
    return await endOf(child, command);
  } finally {
    release();
    for (const file of all) file.close();
  }
}

/**
 * Why a program of this user could not open the file anew by its path: undefined when it can. Opening asks for the rights of this user on the
 * file itself, which the descriptor that came from the agent did not need. Devices and FIFOs are not opened to find out, for that would be felt.
 */
export function reopenError(file: OpenFile, write: boolean): PortholeError | undefined {
  const path = `/proc/self/fd/${file.fd}`;
  try {
    if (file.kind === "file")
      closeSync(openSync(path, (write ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NONBLOCK));
    else accessSync(path, constants.R_OK | (write ? constants.W_OK : 0));
    return undefined;
  } catch (error) {
    const { code, errno = 0 } = error as NodeJS.ErrnoException;
    return new PortholeError("FILE", errnoText(-errno), { errno: code, cause: error });
  }
}

function start(command: string, args: readonly string[], stdio: StdioOptions): ChildProcess {
  const { spawn } = process.getBuiltinModule("node:child_process");
  try {
    return spawn(command, args, { stdio });
  } catch (error) {
    throw startError(command, error);
  }
}

function endOf(child: ChildProcess, command: string): Promise<ToolEnd> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(startError(command, error)));
    child.once("exit", (status, signal) => resolve({ status, signal }));
  });
}

/** Node's text for a failed start is "spawn NAME ENOENT". */
function startError(command: string, error: unknown): PortholeError {
  const { code, errno, message } = error as NodeJS.ErrnoException;
  const reason = typeof errno === "number" ? errnoText(-errno) : message;
  return new PortholeError("FILE", `cannot run '${command}': ${reason}`, { errno: code, cause: error });
}

const ends = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
const keys = ["SIGINT", "SIGQUIT"] as const;

/** Keeps this process alive while the program runs. Returns the end of it. */
function passSignals(pass: (signal: NodeJS.Signals) => void, program: () => number | undefined): () => void {
  // From the terminal the whole process group has it, so the program too; without one it was meant for us and so for the program.
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
 * Stops this process once the program has stopped. The shell takes the job for stopped when this process is: were the program still putting the
 * terminal in order then, a quick `fg` would reach it before its own stop, and it would stop for good.
 */
async function stopAfter(pid: number | undefined): Promise<void> {
  const end = performance.now() + STOP_MS;
  while (pid !== undefined && runs(pid) && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, STOP_LOOK_MS));
  process.kill(process.pid, "SIGSTOP");
}

/** How long a program may take to stop; one that will not is left running, as in any job. */
const STOP_MS = 2000;
const STOP_LOOK_MS = 5;

/** False for a process that is stopped or has ended: proc_pid_stat(5), the state. */
function runs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !"TtZX".includes(stat.charAt(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
