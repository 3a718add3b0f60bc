import type { InotifyEvent } from "../descriptors/inotify-event.ts";
import type { PortholeError } from "../errors.ts";
import type { AgentInfo, AgentRoute } from "../protocol/agent-info.ts";
import type { FileStat } from "../protocol/file-stat.ts";
import type { ProcessesRecord } from "../protocol/records.ts";
import type { OfflineKind } from "../routes/registry.ts";
import type { OpenFile } from "./open-file.ts";

/** One name in a directory. */
export interface DirectoryEntry {
  /** Lone surrogates stand for bytes that are not UTF-8, as in every path here. */
  name: string;
  /** `d_type` as in getdents64(2), 0 where unknown. */
  type: number;
  /** Only when asked for and to be had. */
  stat: FileStat | undefined;
  link: string | undefined;
  /** Why {@link stat} or {@link link} are missing, though asked for: `ENOENT` for a name that went away meanwhile. */
  errno: string | undefined;
}

/** Options of {@link Session.open}. */
export interface OpenOptions {
  write?: boolean;
  /** Fail with ELOOP where the path's last part is a symbolic link. */
  noFollow?: boolean;
  /** In bytes; default 0. */
  offset?: bigint;
  /** Open also what loses what is read from it, such as a pipe; without it such a file is looked at only. */
  consume?: boolean | undefined;
}

/** A way to a target's files. Files that it opened stay open when it is closed. */
export interface Session extends AsyncDisposable {
  /** Container name, `pid:N`, or empty for this machine. */
  readonly name: string;
  /** `local`: this machine; `engine`: what an engine keeps, without an agent. */
  readonly route: AgentRoute | "local" | "engine";
  /** Names the life of the target that this session is with: the same until a container is restarted; up to its first dot, until it is made anew. */
  readonly instance: string;
  /** What the agent says of itself, undefined without one. */
  readonly agent: AgentInfo | undefined;
  /** What the target is where it does not run, so that its files are all there is; undefined where it has processes. */
  readonly offline: OfflineKind | undefined;
  /** Why nothing is left of what was at a path, such as `/run was in memory`; undefined where that is not so. */
  whyMissing(path: string): string | undefined;
  /** True when the agent was started for this session, false when it lived already. */
  readonly fresh: boolean;
  /**
   * Opens a file or device there and brings its descriptor here: read-only unless `write`, never blocking (O_NONBLOCK), never created. `offset`
   * is where a relayed file begins to come ({@link OpenFile.relayed}); any other has positions of its own.
   * Links of the target's processes are followed at the beginning of a path: `/proc/N/root`, `cwd`, `exe` and `fd/M`.
   * @throws PortholeError FILE with the errno of the kernel there, or with `consumes` for a file that would lose what is read (FIFO, pipe, terminal and
   * most other character devices, `/proc/kmsg`, `trace_pipe`): it was not opened; SESSION
   */
  open(path: string, options?: OpenOptions): Promise<OpenFile>;
  /**
   * Opens regular files of one directory for reading, up to 64 names, in less time than as many
   * {@link open}. Undefined stands for a name that must be opened by itself, which says why: it does
   * not exist, is not a regular file, or is relayed. Absent where it would save nothing.
   * @throws PortholeError FILE for the directory; SESSION
   */
  openMany?(directory: string, names: readonly string[]): Promise<(OpenFile | undefined)[]>;
  /** statx(2) of a path; of a final symbolic link itself with `noFollow`. */
  stat(path: string, options?: { noFollow?: boolean }): Promise<FileStat>;
  /** A directory's entries, in the directory's own order. Break off whenever you like. */
  list(path: string, options?: { stat?: boolean }): AsyncIterable<DirectoryEntry>;
  /** Target of a symbolic link. */
  readlink(path: string): Promise<string>;
  /** The target's processes, each followed by its open files and the deleted files in its memory when `files`. */
  processes(options?: { files?: boolean }): AsyncIterable<ProcessesRecord>;
  /**
   * Reopens an open file of a process of the target, deleted or not; `pid` is the number inside the target. {@link open} does the same for a path
   * of the form `/proc/N/fd/M`. Throws FILE: ENXIO for what has no path to reopen (a socket).
   */
  openProcessFile(pid: number, fd: number, options?: Omit<OpenOptions, "noFollow">): Promise<OpenFile>;
  /** The target's mount table, as proc_pid_mountinfo(5). */
  mounts(): Promise<OpenFile>;
  /**
   * Hears of inotify(7) events of `mask` on `path`, as hints to look again, until the function it resolves with is called.
   * @throws PortholeError FILE with the errno: ENOSPC when the watches are used up
   */
  watch(path: string, mask: number, listener: (event: InotifyEvent) => void): Promise<() => void>;
  /** Tells listeners of {@link watch} the events that the kernel has queued now: what happened before the call is known after it. */
  readEvents(): void;
  /** Why the session ended, undefined while it lives. */
  readonly ended: PortholeError | undefined;
  /** Idempotent. */
  close(): void;
}
