import type { Identity } from "./machine.ts";

/** A file that the path referred to. */
export interface Generation {
  readonly identity: Identity;
}

/** A generation of a followed file: an open descriptor of a regular file. */
export interface FollowFile extends Generation {
  /**
   * fstat(2). `size` in bytes; `modified` changes when the file is written (mtime in milliseconds);
   * `changed` changes with the inode (ctime): without a new `modified` the file may have been
   * renamed or unlinked. `links`: number of names; a file without one is closed after it is
   * drained.
   */
  stat(): { size: number; modified: number; changed?: number; links?: number };
  /** pread(2): up to `buffer.length` bytes at `position`, 0 at the end. */
  read(position: number, buffer: Uint8Array): number;
  /**
   * Offset of the first data at or after `position`; undefined if only a hole follows (lseek(2),
   * SEEK_DATA).
   */
  nextData?(position: number): number | undefined;
  close(): void | Promise<void>;
}

/** A followed path, with all I/O injected. */
export interface FollowSource<File extends FollowFile = FollowFile> {
  /**
   * The first generation; the caller owns it. If undefined, the follow waits for the first file and
   * reads it from its start.
   */
  readonly file: File | undefined;
  /**
   * Returns the identity of the path's file; undefined if the path does not exist. Rejects if that
   * cannot be checked (session lost): following continues.
   */
  locate(): Promise<Identity | undefined>;
  /** Opens the path again; undefined if it does not exist. {@link follow} closes the file. */
  reopen(): Promise<File | undefined>;
  /**
   * Opens files that were renamed away from the path since the last call, oldest first, except
   * `known` ones. {@link follow} closes them.
   */
  renamedAway?(known: (identity: Identity) => boolean): Promise<File[]>;
  /**
   * Calls back when inotify reports a write (`content`), or a change of the name or its directory
   * (`name`). Returns a function that unsubscribes.
   */
  onChange?(listener: (what: "content" | "name") => void): () => void;
  /** True while {@link onChange} reports writes to the newest file. */
  isWatched?(): boolean;
  /**
   * Reports the changes that the kernel has queued so far. Skips sources whose session is in
   * `drained`, and adds it.
   */
  readEvents?(drained: Set<object>): void;
  /** Milliseconds until the path is checked without an event. Default: every tick. */
  nameCheckMs?(): number;
}
