import type { FileTimes } from "../../src/descriptors/index.ts";
import type { OpenFile } from "../../src/sessions/index.ts";

/**
 * A directory that receives copies. It is on this machine, or on the one where the command was
 * started.
 */
export interface CopyDirectory extends Disposable {
  /** True if {@link subdirectory} made it. */
  readonly isNew: boolean;
  /** Device and inode, such as `8:1:42`; undefined if no source can be this directory. */
  readonly identity: string | undefined;
  /** Does the same as LocalDirectory.subdirectory(). */
  subdirectory(name: Buffer): CopyDirectory;
  /** Does the same as LocalDirectory.link(). */
  link(name: Buffer, text: Buffer, times: FileTimes, options: { replace: boolean }): void;
  /** Copies a whole file with its mode and times. The caller closes it. */
  receive(file: OpenFile, name: Buffer, options: ReceiveOptions): Promise<void>;
  /** Does the same as LocalDirectory.finish(). */
  finish(mode: number, times: FileTimes): void;
}

export interface ReceiveOptions {
  replace: boolean;
  /** Called with the bytes copied so far. */
  onProgress: (copied: bigint) => void;
}
