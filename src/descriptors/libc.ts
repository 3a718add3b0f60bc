import koffi from "koffi";
import { PortholeError } from "../errors.ts";

// Struct layouts in this folder are those of 64-bit little-endian Linux; where x64 and arm64
// differ, the code checks `process.arch`. Node has no build for a big-endian arm64.
if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch))
  throw new PortholeError(
    "USAGE",
    `cannot run on ${process.platform} ${process.arch}: porthole needs Linux on x64 or arm64`,
  );

const library = koffi.load(null);

/**
 * The C functions that this folder calls. A pointer is a plain number, the address of {@link
 * Memory}: koffi then converts nothing, and a call costs 0.2 us more than the system call. Each
 * returns what C returns; after -1 read {@link errno} before anything else. Variadic functions are
 * declared with the arguments used: for integers both calling conventions are the same on x64 and
 * arm64.
 */
export const libc = onFirstUse({
  close: declare<(fd: number) => number>("int close(int)"),
  dup3: declare<(fd: number, as: number, flags: number) => number>("int dup3(int, int, int)"),
  fcntl: declare<(fd: number, command: number, argument: number) => number>("int fcntl(int, int, long)"),
  flock: declare<(fd: number, operation: number) => number>("int flock(int, int)"),
  fchmod: declare<(fd: number, mode: number) => number>("int fchmod(int, uint)"),
  mkfifo: declare<(path: number, mode: number) => number>("int mkfifo(uintptr_t, uint)"),
  umount2: declare<(path: number, flags: number) => number>("int umount2(uintptr_t, int)"),
  linkat: declare<(from: number, path: number, to: number, name: number, flags: number) => number>(
    "int linkat(int, uintptr_t, int, uintptr_t, int)",
  ),
  renameat2: declare<(call: number, from: number, path: number, to: number, name: number, flags: number) => number>(
    "int64_t syscall(long, int, uintptr_t, int, uintptr_t, uint)",
  ),
  utimensat: declare<(directory: number, path: number, times: number, flags: number) => number>(
    "int utimensat(int, uintptr_t, uintptr_t, int)",
  ),
  pipe2: declare<(fds: number, flags: number) => number>("int pipe2(uintptr_t, int)"),
  statx: declare<(call: number, directory: number, path: number, flags: number, mask: number, into: number) => number>(
    "int64_t syscall(long, int, uintptr_t, int, uint, uintptr_t)",
  ),
  openat2: declare<(call: number, directory: number, path: number, how: number, size: number) => number>(
    "int64_t syscall(long, int, uintptr_t, uintptr_t, size_t)",
  ),

  socket: declare<(family: number, type: number, protocol: number) => number>("int socket(int, int, int)"),
  socketpair: declare<(family: number, type: number, protocol: number, fds: number) => number>(
    "int socketpair(int, int, int, uintptr_t)",
  ),
  bind: declare<(fd: number, address: number, length: number) => number>("int bind(int, uintptr_t, uint)"),
  connect: declare<(fd: number, address: number, length: number) => number>("int connect(int, uintptr_t, uint)"),
  listen: declare<(fd: number, backlog: number) => number>("int listen(int, int)"),
  accept4: declare<(fd: number, address: number, length: number, flags: number) => number>(
    "int accept4(int, uintptr_t, uintptr_t, int)",
  ),
  shutdown: declare<(fd: number, how: number) => number>("int shutdown(int, int)"),
  getsockopt: declare<(fd: number, level: number, name: number, value: number, length: number) => number>(
    "int getsockopt(int, int, int, uintptr_t, uintptr_t)",
  ),
  setsockopt: declare<(fd: number, level: number, name: number, value: number, length: number) => number>(
    "int setsockopt(int, int, int, uintptr_t, uint)",
  ),
  sendmsg: declare<(fd: number, message: number, flags: number) => number>("int64_t sendmsg(int, uintptr_t, int)"),
  recvmsg: declare<(fd: number, message: number, flags: number) => number>("int64_t recvmsg(int, uintptr_t, int)"),

  epoll_create1: declare<(flags: number) => number>("int epoll_create1(int)"),
  epoll_ctl: declare<(epoll: number, operation: number, fd: number, event: number) => number>(
    "int epoll_ctl(int, int, int, uintptr_t)",
  ),
  epoll_wait: declare<(epoll: number, events: number, capacity: number, timeoutMs: number) => number>(
    "int epoll_wait(int, uintptr_t, int, int)",
  ),
  poll: declare<(entries: number, count: number, timeoutMs: number) => number>("int poll(uintptr_t, ulong, int)"),

  inotify_init1: declare<(flags: number) => number>("int inotify_init1(int)"),
  inotify_add_watch: declare<(fd: number, path: number, mask: number) => number>(
    "int inotify_add_watch(int, uintptr_t, uint)",
  ),
  inotify_rm_watch: declare<(fd: number, watch: number) => number>("int inotify_rm_watch(int, int)"),

  read: declare<(fd: number, into: number, length: number) => number>("int64_t read(int, uintptr_t, size_t)"),
  pread: declare<(fd: number, into: number, length: number, offset: bigint) => number>(
    "int64_t pread(int, uintptr_t, size_t, int64_t)",
  ),
  write: declare<(fd: number, from: number, length: number) => number>("int64_t write(int, uintptr_t, size_t)"),
  /**
   * preadv2(2) and pwritev2(2): the offset takes two words; -1 in the first means the file's own
   * offset.
   */
  vector2: declare<
    (call: number, fd: number, vector: number, count: number, low: number, high: number, flags: number) => number
  >("int64_t syscall(long, int, uintptr_t, int, int64_t, int64_t, int)"),
  lseek: declare<(fd: number, offset: number, whence: number) => number | bigint>("int64_t lseek(int, int64_t, int)"),
  ftruncate: declare<(fd: number, length: number) => number>("int ftruncate(int, int64_t)"),
  fallocate: declare<(fd: number, mode: number, offset: number, length: number) => number>(
    "int fallocate(int, int, int64_t, int64_t)",
  ),
  sendfile: declare<(out: number, source: number, offset: number, length: number) => number>(
    "int64_t sendfile(int, int, uintptr_t, size_t)",
  ),
  splice: declare<
    (source: number, sourceOffset: number, out: number, outOffset: number, length: number, flags: number) => number
  >("int64_t splice(int, uintptr_t, int, uintptr_t, size_t, uint)"),
  copy_file_range: declare<
    (source: number, sourceOffset: number, out: number, outOffset: number, length: number, flags: number) => number
  >("int64_t copy_file_range(int, uintptr_t, int, uintptr_t, size_t, uint)"),

  pidfd_open: declare<(call: number, pid: number, flags: number) => number>("int64_t syscall(long, int, uint)"),
  pidfd_send_signal: declare<(call: number, pidfd: number, signal: number, info: number, flags: number) => number>(
    "int64_t syscall(long, int, int, uintptr_t, uint)",
  ),
  clone: declare<(run: number | bigint, stack: number, flags: number, argument: number) => number>(
    "int clone(uintptr_t, uintptr_t, int, uintptr_t)",
  ),
  dlsym: declare<(library: number, name: string) => number | bigint>("uintptr_t dlsym(uintptr_t, str)"),
  pthread_sigmask: declare<(how: number, set: number, old: number) => number>(
    "int pthread_sigmask(int, uintptr_t, uintptr_t)",
  ),
  prlimit: declare<(pid: number, resource: number, limits: number, old: number) => number>(
    "int prlimit(int, int, uintptr_t, uintptr_t)",
  ),
  posix_spawn: declare<
    (pid: number, path: number, actions: number, attributes: number, args: number, environment: number) => number
  >("int posix_spawn(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)"),
  posix_spawn_file_actions_init: declare<(actions: number) => number>("int posix_spawn_file_actions_init(uintptr_t)"),
  posix_spawn_file_actions_destroy: declare<(actions: number) => number>(
    "int posix_spawn_file_actions_destroy(uintptr_t)",
  ),
  posix_spawn_file_actions_addopen: declare<
    (actions: number, fd: number, path: number, flags: number, mode: number) => number
  >("int posix_spawn_file_actions_addopen(uintptr_t, int, uintptr_t, int, uint)"),
  posix_spawn_file_actions_adddup2: declare<(actions: number, fd: number, as: number) => number>(
    "int posix_spawn_file_actions_adddup2(uintptr_t, int, int)",
  ),
  posix_spawn_file_actions_addchdir_np: declare<(actions: number, path: number) => number>(
    "int posix_spawn_file_actions_addchdir_np(uintptr_t, uintptr_t)",
  ),
  fchdir: declare<(fd: number) => number>("int fchdir(int)"),
  waitpid: declare<(pid: number, status: number, options: number) => number>("int waitpid(int, uintptr_t, int)"),
  _exit: declare<(status: number) => never>("void _exit(int)"),

  signal: declare<(signal: number, handler: number) => number | bigint>("uintptr_t signal(int, uintptr_t)"),
  prctl: declare<(option: number, argument: number) => number>("int prctl(int, ulong)"),
  sched_yield: declare<() => number>("int sched_yield()"),
  getrandom: declare<(into: number, length: number, flags: number) => number>(
    "int64_t getrandom(uintptr_t, size_t, uint)",
  ),
  gettid: declare<() => number>("int gettid()"),
  getpgrp: declare<() => number>("int getpgrp()"),
  ioctl: declare<(fd: number, request: number, argument: number) => number>("int ioctl(int, ulong, uintptr_t)"),
  raise: declare<(signal: number) => number>("int raise(int)"),
  strerror: declare<(errno: number) => string>("str strerror(int)"),
});

/** Numbers of system calls that some C libraries do not wrap (musl before 1.2.5). */
export const SystemCall =
  process.arch === "x64"
    ? {
        statx: 332,
        preadv2: 327,
        pwritev2: 328,
        renameat2: 316,
        openat2: 437,
        open_tree: 428,
        move_mount: 429,
        mount_setattr: 442,
      }
    : {
        statx: 291,
        preadv2: 286,
        pwritev2: 287,
        renameat2: 276,
        openat2: 437,
        open_tree: 428,
        move_mount: 429,
        mount_setattr: 442,
      };

/** The calling thread's errno. Valid only until the next call of any kind. */
export const errno: () => number = koffi.errno;

/**
 * Calls `handler` from Node's event loop while `fd` is readable. Only poll.ts may use it, with an
 * epoll descriptor.
 */
export function pollHandle(fd: number, handler: () => void): PollHandle {
  return koffi.node.poll(fd, { readable: true }, handler);
}

/** The safe part of koffi's handle. Call no method after close(). */
export interface PollHandle {
  ref(): void;
  unref(): void;
  close(): void;
}

/**
 * Memory that C may read and write. Its address never changes (V8 does not move backing stores).
 * Keep the object referenced as long as C uses the address.
 */
export class Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly address: number;

  constructor(size: number) {
    const buffer = new ArrayBuffer(size);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.address = Number(koffi.address(buffer));
  }

  /** Writes a pointer or size_t; user-space addresses stay far below 2^53. */
  setPointer(offset: number, value: number): void {
    this.view.setUint32(offset, value >>> 0, true);
    this.view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
  }
}

/** A signature for koffi; the type of the function is only for the compiler. */
type Signature<F> = string & { type?: F };

function declare<F>(signature: string): Signature<F> {
  return signature;
}

/**
 * Prepares each function when its name is first looked up, by a proxy behind the object: that takes
 * koffi 15 us, and a command uses only a few. An accessor for each function would take 0.3 ms.
 */
function onFirstUse<T extends Record<string, Signature<unknown>>>(
  signatures: T,
): { readonly [Name in keyof T]: T[Name] extends Signature<infer F> ? F : never } {
  return Object.create(
    new Proxy(signatures, {
      get(_, name, functions) {
        const signature = signatures[name as string];
        if (signature === undefined) return undefined;
        const value: unknown = library.func(signature);
        Object.defineProperty(functions, name, { value });
        return value;
      },
    }),
  );
}
