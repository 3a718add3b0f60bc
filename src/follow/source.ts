import type { Identity } from "./machine.ts";

/** What a path named for a time. */
export interface Generation {
  readonly identity: Identity;
}

/** One generation of a followed file: an open descriptor of a regular file. */
export interface FollowFile extends Generation {
  /**
   * fstat(2): bytes, and any number that changes when the file is written (mtime in milliseconds). `changed` is the like for the inode itself (ctime):
   * when it moves and `modified` does not, the file may have been renamed or unlinked. `links`: names that it has;
   * a file without one is closed when it was read to its end.
   */
  stat(): { size: number; modified: number; changed?: number; links?: number };
  /** pread(2): up to `buffer.length` bytes at `position`, 0 at the end. */
  read(position: number, buffer: Uint8Array): number;
  /** Offset of the first byte at or after `position` that is in no hole; undefined when only a hole follows (lseek(2), SEEK_DATA). */
  nextData?(position: number): number | undefined;
  close(): void | Promise<void>;
}

/** A path that is followed, with everything outside the engine injected. */
export interface FollowSource<File extends FollowFile = FollowFile> {
  /** The generation to begin with; the caller goes on owning it. Undefined: there is none yet, the first to come is read from its beginning. */
  readonly file: File | undefined;
  /** What the path names now, undefined when nothing. Rejects when that cannot be asked (session lost): following goes on meanwhile. */
  locate(): Promise<Identity | undefined>;
  /** Opens the path anew; undefined when nothing is there any more. {@link follow} closes what it got from here. */
  reopen(): Promise<File | undefined>;
  /**
   * Opens what was renamed away from the path since this was last asked, oldest first, except what is `known`: generations that came and went before
   * they could be opened by the path. {@link follow} closes them.
   */
  renamedAway?(known: (identity: Identity) => boolean): Promise<File[]>;
  /** Calls back when inotify reports a write to the file (`content`), or a change of its name or its directory (`name`). Returns the unsubscribe. */
  onChange?(listener: (what: "content" | "name") => void): () => void;
  /** True while writes to the newest file are reported by {@link onChange}. */
  isWatched?(): boolean;
  /** Milliseconds after which to ask what the path names although nothing says so. Default: at every tick of the safety net. */
  nameCheckMs?(): number;
}
