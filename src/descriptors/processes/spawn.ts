import { constants } from "node:fs";
import { constants as osConstants } from "node:os";
import { PortholeError } from "../../errors.ts";
import { EPOLLIN, F_SETFD, FD_CLOEXEC, SIGKILL } from "../constants.ts";
import { systemError } from "../errno.ts";
import { openDirectory, setInheritable, setNonBlocking } from "../files/file.ts";
import { libc, Memory } from "../libc.ts";
import type { OwnedFd } from "../owned-fd.ts";
import { Reactor, type Watch } from "../poll.ts";
import { openPidfd, signalPidfd } from "./pidfd.ts";

/** The end of a process. Either the status or the signal is null. */
export interface ProcessEnd {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/** A child process. It is reaped when it ends. */
export interface SpawnedProcess<End = ProcessEnd> {
  readonly pid: number;
  /** Resolves when the process has ended. */
  readonly ended: Promise<End>;
  /** Sends SIGKILL, unless it has ended. */
  kill(): void;
  /** Lets this process exit before the child. */
  unref(): void;
}

/** A standard stream of a program: that of this process, /dev/null, or a descriptor. */
export type ProgramStream = "inherit" | "ignore" | OwnedFd;

/** How {@link spawnProgram} starts a program. */
export interface ProgramOptions {
  /** The program's descriptors from 0 on. The caller still owns its own. */
  streams: readonly ProgramStream[];
  /** Descriptors of this process that the program inherits under the same numbers. */
  inherited?: readonly number[];
  /** Working directory; default: that of this process. */
  directory?: string | undefined;
  environment: NodeJS.ProcessEnv;
}

/**
 * Starts a program with an empty environment and with /dev/null as standard input and output. See
 * docs/decisions.md, "An agent is started without fork". `ended` resolves with `status 1` or
 * `signal 9`.
 * @param descriptors become the program's descriptors 2, 3 and so on; the caller still owns its own
 * @throws PortholeError ATTACH with the errno
 */
export function spawnProcess(
  program: string,
  args: readonly string[],
  descriptors: readonly OwnedFd[],
): SpawnedProcess<string> {
  return watched(
    () => spawn(program, args, { streams: ["ignore", "ignore", ...descriptors], environment: {} }),
    endText,
  );
}

/**
 * Starts a program that does not use the terminal, as {@link spawnProcess} does. Its streams that
 * are inherited block, as programs expect.
 * @param args as text, or as bytes if they are not UTF-8
 * @throws PortholeError ATTACH with the errno of posix_spawn(3)
 */
export function spawnProgram(
  program: string,
  args: readonly (string | Buffer)[],
  options: ProgramOptions,
): SpawnedProcess {
  return watched(() => spawn(program, args, options), endOf);
}

function watched<End>(start: () => number, endOf: (status: number) => End): SpawnedProcess<End> {
  // Throws in a worker thread, before anything is started.
  const reactor = Reactor.shared();
  const pid = start();
  const pidfd = pidfdOf(pid);
  let watch: Watch | undefined;
  const ended = new Promise<End>((resolve) => {
    watch = reactor.watch(pidfd, EPOLLIN, () => {
      watch?.close();
      pidfd.close();
      resolve(endOf(reap(pid)));
    });
  });
  const kill = () => {
    if (!pidfd.closed) signalPidfd(pidfd, SIGKILL);
  };
  return { pid, ended, kill, unref: () => watch?.unref() };
}

/** The number is the child's own until it is reaped. */
function pidfdOf(pid: number): OwnedFd {
  try {
    return openPidfd(pid) as OwnedFd;
  } catch (error) {
    process.kill(pid, "SIGKILL");
    reap(pid);
    throw error;
  }
}

/** Size of posix_spawn_file_actions_t, at least; glibc and musl use 80 bytes. */
const FILE_ACTIONS = 256;

function spawn(program: string, args: readonly (string | Buffer)[], options: ProgramOptions): number {
  const { streams, directory, environment } = options;
  // Node sets close-on-exec for its standard streams, too.
  const own = [...streams.keys()].filter((as) => streams[as] === "inherit");
  const inherited = [...own, ...(options.inherited ?? [])];
  const actions = new Memory(FILE_ACTIONS);
  const pid = new Memory(4);
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const text = new CStrings([program, ...args, ...variables, "/dev/null", directory ?? "."]);
  const vector = text.pointers(0, args.length + 1);
  const variableVector = text.pointers(args.length + 1, variables.length);
  const nothing = text.address(args.length + 1 + variables.length);
  // V8 may collect a Memory after its last use here, even while C uses it.
  const kept: unknown[] = [actions, pid, text, vector, variableVector];
  libc.posix_spawn_file_actions_init(actions.address);
  try {
    for (const [as, stream] of streams.entries()) {
      if (stream === "inherit") setNonBlocking(as, false);
      else if (stream === "ignore")
        libc.posix_spawn_file_actions_addopen(
          actions.address,
          as,
          nothing,
          as === 0 ? constants.O_RDONLY : constants.O_WRONLY,
          0,
        );
      else libc.posix_spawn_file_actions_adddup2(actions.address, stream.number, as);
    }
    const addresses = [text.address(0), actions.address, 0, vector.address, variableVector.address] as const;
    const start = () => passing(inherited, () => libc.posix_spawn(pid.address, ...addresses));
    const error =
      directory === undefined ? start() : inDirectory(directory, nothing + "/dev/null".length + 1, actions, start);
    if (error !== 0) throw systemError("ATTACH", `cannot start ${program}`, error);
    return pid.view.getInt32(0, true);
  } finally {
    libc.posix_spawn_file_actions_destroy(actions.address);
    kept.length = 0;
  }
}

/** Runs `start` while programs inherit the descriptors. */
function passing(descriptors: readonly number[], start: () => number): number {
  try {
    for (const fd of descriptors) setInheritable(fd);
    return start();
  } finally {
    for (const fd of descriptors) libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

function inDirectory(directory: string, address: number, actions: Memory, start: () => number): number {
  let add: typeof libc.posix_spawn_file_actions_addchdir_np;
  try {
    add = libc.posix_spawn_file_actions_addchdir_np;
  } catch {
    return fromDirectory(directory, start);
  }
  add(actions.address, address);
  return start();
}

/** The C library has no function for it, as glibc before 2.29: enters the directory itself. */
function fromDirectory(directory: string, start: () => number): number {
  const here = openDirectory(".");
  try {
    process.chdir(directory);
    return start();
  } finally {
    libc.fchdir(here.number);
    here.close();
  }
}

/** Texts for C, in one piece of memory. */
class CStrings {
  readonly #memory: Memory;
  readonly #offsets: number[] = [];

  /** @throws PortholeError USAGE for a text with a NUL byte, which would end it */
  constructor(texts: readonly (string | Buffer)[]) {
    const bytes = Buffer.concat(texts.flatMap((text) => [typeof text === "string" ? Buffer.from(text) : text, NUL]));
    this.#memory = new Memory(bytes.length);
    this.#memory.bytes.set(bytes);
    for (let at = 0; at < bytes.length; at = bytes.indexOf(0, at) + 1) this.#offsets.push(at);
    if (this.#offsets.length !== texts.length)
      throw new PortholeError("USAGE", "cannot start a program with a NUL byte in an argument");
  }

  address(index: number): number {
    return this.#memory.address + (this.#offsets[index] as number);
  }

  /** An array of pointers to `count` texts that ends with a null pointer. */
  pointers(from: number, count: number): Memory {
    const vector = new Memory(8 * (count + 1));
    for (let index = 0; index < count; index++) vector.setPointer(8 * index, this.address(from + index));
    return vector;
  }
}

const NUL = Buffer.alloc(1);

/** Removes the zombie of an ended child, and returns its wait status (wait(2)). */
function reap(pid: number): number {
  const status = new Memory(4);
  libc.waitpid(pid, status.address, 0);
  return status.view.getUint32(0, true);
}

function endText(value: number): string {
  const signal = value & 0x7f;
  return signal === 0 ? `status ${(value >> 8) & 0xff}` : `signal ${signal}`;
}

function endOf(value: number): ProcessEnd {
  const number = value & 0x7f;
  if (number === 0) return { status: (value >> 8) & 0xff, signal: null };
  const [signal] = Object.entries(osConstants.signals).find(([, each]) => each === number) ?? [`signal ${number}`];
  return { status: null, signal: signal as NodeJS.Signals };
}
