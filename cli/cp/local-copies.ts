import { type FileTimes, type LocalDirectory, NewFile } from "../../src/descriptors/index.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import { pathText } from "../../src/target.ts";
import type { CopyDirectory, ReceiveOptions } from "./copy-directory.ts";
import { withCopyName } from "./copy-name.ts";

/** A directory of this machine. Owns the directory's descriptor. */
export class LocalCopies implements CopyDirectory {
  readonly #directory: LocalDirectory;

  constructor(directory: LocalDirectory) {
    this.#directory = directory;
  }

  get isNew(): boolean {
    return this.#directory.isNew;
  }

  get identity(): string {
    const { devMajor, devMinor, ino } = this.#directory.stat;
    return `${devMajor}:${devMinor}:${ino}`;
  }

  subdirectory(name: Buffer): LocalCopies {
    return new LocalCopies(this.#directory.subdirectory(name));
  }

  link(name: Buffer, text: Buffer, times: FileTimes, options: { replace: boolean }): void {
    this.#directory.link(name, text, times, options);
  }

  async receive(file: OpenFile, name: Buffer, { replace, onProgress }: ReceiveOptions): Promise<void> {
    using target = NewFile.create(this.#directory, name);
    try {
      onProgress(await file.copyTo(target.fd, { onProgress, isNew: true }));
    } catch (error) {
      throw withCopyName(error, pathText(this.#directory.nameFor(name)));
    }
    const { mode, atime, mtime } = file.stat;
    target.complete(mode, { atime, mtime }, { replace });
  }

  finish(mode: number, times: FileTimes): void {
    this.#directory.finish(mode, times);
  }

  [Symbol.dispose](): void {
    this.#directory.close();
  }
}
