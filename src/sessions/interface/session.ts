import type { InotifyEvent } from "../../descriptors/files/inotify-event.ts";
import type { ImageLayer } from "../../engines/layers/image-layers.ts";
import type { LayerRole } from "../../engines/layers/layers.ts";
import type { PortholeError } from "../../errors.ts";
import type { AgentInfo, AgentRoute } from "../../protocol/agent-info.ts";
import type { FileStat } from "../../protocol/file-stat.ts";
import type { ProcessesRecord } from "../../protocol/records.ts";
import type { OfflineKind } from "../../routes/agents/registry.ts";
import type { OpenFile } from "./open-file.ts";

/** An entry of a directory. */
export interface DirectoryEntry {
  /** Lone surrogates stand for bytes that are not UTF-8, as in every path of this library. */
  name: string;
  /** `d_type` as in getdents64(2); 0 if unknown. */
  type: number;
  /** Set if requested and available. */
  stat: FileStat | undefined;
  /** Target of a symbolic link. Set if requested and available. */
  link: string | undefined;
  /**
   * Why {@link stat} or {@link link} is missing although requested. `ENOENT`: the name was removed
   * meanwhile.
   */
  errno: string | undefined;
}

/** Options of {@link Session.open}. */
export interface OpenOptions {
  /** Opens for reading and writing. */
  write?: boolean | undefined;
  /** Fails with ELOOP if the last part of the path is a symbolic link. */
  noFollow?: boolean | undefined;
  /** Where a relayed file starts, in bytes; 0 by default. */
  offset?: bigint | undefined;
  /**
   * Also opens a file whose reading consumes data, such as a pipe. Without this option, the open
   * fails.
   */
  consume?: boolean | undefined;
}

/**
 * The layer that contains a file. `digest` and `instruction` belong to a layer of an image, if its
 * engine reports them.
 */
export interface FileLayer extends LayerRole, Partial<ImageLayer> {}

/** Gives access to a target's files. Files that it opened stay open after it is closed. */
export interface Session extends AsyncDisposable {
  /** Container name, `pid:N`, or empty for this machine. */
  readonly name: string;
  /**
   * `local`: this machine; `engine`: output that an engine stores, without an agent; `copy`: files
   * of a stopped container that its engine copies, because no agent can read its layers.
   */
  readonly route: AgentRoute | "local" | "engine" | "copy";
  /** Why no agent reads the files, on the route `copy`; otherwise missing. */
  readonly whyCopied?: string;
  /**
   * Why this process asks the engine once a second whether a stopped container has changed: a proxy
   * denies the engine's events. Otherwise missing.
   */
  readonly noEvents?: string | undefined;
  /**
   * Identifies the run of the target: changes when a container restarts. The part before the first
   * dot changes only when the container is recreated.
   */
  readonly instance: string;
  /** The agent's description of itself; undefined without an agent. */
  readonly agent: AgentInfo | undefined;
  /**
   * The kind of a target without processes, of which only the files exist; undefined if it has
   * processes.
   */
  readonly offline: OfflineKind | undefined;
  /** Why a path no longer exists, such as `/run was in memory`; undefined if it may exist. */
  whyMissing(path: string): string | undefined;
  /** True if the agent was started for this session, false if it was live. */
  readonly fresh: boolean;
  /**
   * Opens a file or device in the target and receives its descriptor: read-only unless `write`,
   * non-blocking (O_NONBLOCK), never created. `offset` is where a relayed file starts
   * ({@link OpenFile.relayed}); other files have positions. Follows links of the target's processes
   * at the start of a path: `/proc/N/root`, `cwd`, `exe` and `fd/M`.
   * @throws PortholeError FILE with the kernel's errno; FILE with `consumes` for a file whose data
   * reading consumes (FIFO, pipe, terminal and most other character devices, `/proc/kmsg`,
   * `trace_pipe`); USAGE for an `offset` out of range; SESSION
   */
  open(path: string, options?: OpenOptions): Promise<OpenFile>;
  /**
   * Opens regular files of one directory for reading, up to 64 names, faster than as many calls of
   * {@link open}. The result is undefined for a name that must be opened separately to get its
   * error or data. Such a name does not exist, is not a regular file, or is relayed. The method is
   * missing if it would not be faster.
   * @throws PortholeError FILE for the directory; SESSION
   */
  openMany?(directory: string, names: readonly string[]): Promise<(OpenFile | undefined)[]>;
  /**
   * statx(2) of a path; with `noFollow` of a final symbolic link itself.
   * @throws PortholeError FILE with the errno; SESSION
   */
  stat(path: string, options?: { noFollow?: boolean | undefined }): Promise<FileStat>;
  /**
   * A directory's entries, in the directory's order. Leave the loop at any time.
   * @throws PortholeError FILE with the errno; SESSION
   */
  list(path: string, options?: { stat?: boolean | undefined }): AsyncIterable<DirectoryEntry>;
  /**
   * The layer of the target's root that contains a file. Undefined if it is unknown, and for a file
   * in a volume or in memory.
   */
  layer(path: string, options?: { noFollow?: boolean | undefined }): Promise<FileLayer | undefined>;
  /**
   * Target of a symbolic link.
   * @throws PortholeError FILE with the errno: EINVAL if it is none; SESSION
   */
  readlink(path: string): Promise<string>;
  /**
   * The target's processes. With `files`, each is followed by its open files and the deleted files
   * in its memory.
   * @throws PortholeError TARGET (ESRCH) for a target that does not run; SESSION
   */
  processes(options?: { files?: boolean | undefined }): AsyncIterable<ProcessesRecord>;
  /**
   * Reopens an open file of a process of the target, deleted or not. `pid` is the number inside the
   * target. {@link open} does the same for a path `/proc/N/fd/M`.
   * @throws PortholeError FILE; ENXIO for a socket, which has no path to reopen
   */
  openProcessFile(pid: number, fd: number, options?: Omit<OpenOptions, "noFollow">): Promise<OpenFile>;
  /** The target's mount table, as in proc_pid_mountinfo(5). The caller closes it. */
  mounts(): Promise<OpenFile>;
  /**
   * Watches `path` for the inotify(7) events in `mask`. Events are hints to check again. Resolves
   * with the function that ends the watch.
   * @throws PortholeError FILE with the errno: ENOSPC if no watches are left
   */
  watch(path: string, mask: number, listener: (event: InotifyEvent) => void): Promise<() => void>;
  /**
   * Delivers the events that the kernel has queued so far to listeners of {@link watch}. Afterwards
   * the caller knows of every change before the call.
   */
  readEvents(): void;
  /** Why the session ended; undefined while it is open. */
  readonly ended: PortholeError | undefined;
  /**
   * Ends the session; pending requests fail with SESSION. Files that it opened stay open.
   * Idempotent.
   */
  close(): void;
}
