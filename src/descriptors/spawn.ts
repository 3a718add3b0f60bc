import { constants } from "node:fs";
import { EPOLLIN, SIGKILL } from "./constants.ts";
import { systemError } from "./errno.ts";
import { cString } from "./file-times.ts";
import { libc, Memory } from "./libc.ts";
import type { OwnedFd } from "./owned-fd.ts";
import { openPidfd, signalPidfd } from "./pidfd.ts";
import { Reactor, type Watch } from "./poll.ts";

/** A child process of {@link spawnProcess}. It is reaped when it ends. */
export interface SpawnedProcess {
  readonly pid: number;
  /** Resolves when the process has ended, with `status 1` or `signal 9`. */
  readonly ended: Promise<string>;
  /** Sends SIGKILL, unless it has ended. */
  kill(): void;
  /** Lets this process exit before the child. */
  unref(): void;
}

/**
 * Starts a program with an empty environment and with /dev/null as standard input and output
 * (posix_spawn(3)). See docs/decisions.md, "The agent is started without fork".
 * @param descriptors become the program's descriptors 2, 3 and so on; the caller still owns its own
 * @throws PortholeError ATTACH with the errno
 */
export function spawnProcess(
  program: string,
  args: readonly string[],
  descriptors: readonly OwnedFd[],
): SpawnedProcess {
  // Throws in a worker thread, before anything is started.
  const reactor = Reactor.shared();
  const pid = spawn(program, args, descriptors);
  const pidfd = pidfdOf(pid);
  let watch: Watch | undefined;
  const ended = new Promise<string>((resolve) => {
    watch = reactor.watch(pidfd, EPOLLIN, () => {
      watch?.close();
      pidfd.close();
      resolve(reap(pid));
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
const FIRST_DESCRIPTOR = 2;

function spawn(program: string, args: readonly string[], descriptors: readonly OwnedFd[]): number {
  const actions = new Memory(FILE_ACTIONS);
  const pid = new Memory(4);
  const [nothing, path] = [cString(Buffer.from("/dev/null")), cString(Buffer.from(program))];
  const words = [path, ...args.map((word) => cString(Buffer.from(word)))];
  const [vector, environment] = [pointers(words), pointers([])];
  // V8 may collect a Memory after its last use here, even while C uses it.
  const kept = [actions, pid, nothing, path, vector, environment, ...words];
  libc.posix_spawn_file_actions_init(actions.address);
  try {
    for (const [fd, flags] of [
      [0, constants.O_RDONLY],
      [1, constants.O_WRONLY],
    ] as const)
      libc.posix_spawn_file_actions_addopen(actions.address, fd, nothing.address, flags, 0);
    for (const [index, { number }] of descriptors.entries())
      libc.posix_spawn_file_actions_adddup2(actions.address, number, FIRST_DESCRIPTOR + index);
    const error = libc.posix_spawn(pid.address, path.address, actions.address, 0, vector.address, environment.address);
    if (error !== 0) throw systemError("ATTACH", `cannot start ${program}`, error);
    return pid.view.getInt32(0, true);
  } finally {
    libc.posix_spawn_file_actions_destroy(actions.address);
    kept.length = 0;
  }
}

/** An array of pointers that ends with a null pointer. */
function pointers(words: readonly Memory[]): Memory {
  const vector = new Memory(8 * (words.length + 1));
  for (const [index, { address }] of words.entries()) vector.setPointer(8 * index, address);
  return vector;
}

/** Removes the zombie of an ended child, and returns how it ended (wait(2)). */
function reap(pid: number): string {
  const status = new Memory(4);
  libc.waitpid(pid, status.address, 0);
  const value = status.view.getUint32(0, true);
  const signal = value & 0x7f;
  return signal === 0 ? `status ${(value >> 8) & 0xff}` : `signal ${signal}`;
}
