import { constants } from "node:fs";
import { writeAll } from "../../descriptors/bytes/write-all.ts";
import { pipe } from "../../descriptors/files/file.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { type OutputContainer, outputContainer, outputRecords } from "../../engines/output/logs.ts";
import { PortholeError } from "../../errors.ts";
import type { FileStat } from "../../protocol/file-stat.ts";
import type { OutputPath } from "../../target.ts";
import { OpenFile } from "../interface/open-file.ts";
import type { Session } from "../interface/session.ts";

/**
 * A container's output, as its engine stores it. This process writes it into a pipe. The session
 * has no other files.
 */
export class OutputSession implements Session {
  readonly name: string;
  readonly route = "engine";
  readonly fresh = false;
  readonly instance: string;
  readonly agent = undefined;
  readonly offline = undefined;
  readonly ended = undefined;
  readonly #container: OutputContainer;

  private constructor(name: string, container: OutputContainer) {
    this.name = name;
    this.#container = container;
    this.instance = `${container.id}.${container.startedAt}`;
  }

  /** @throws PortholeError TARGET, also if the engine stores no output; CANCELLED */
  static async open(name: string, engine: string | undefined, signal?: AbortSignal): Promise<OutputSession> {
    return new OutputSession(name, await outputContainer(name, engine, signal));
  }

  /** @throws PortholeError USAGE for another path than the streams of {@link OutputPath} */
  async open(path: string): Promise<OpenFile> {
    if (!isOutputPath(path)) throw this.#noFiles();
    const [reader, writer] = pipe({ nonBlocking: true });
    const ended = this.#feed(path, writer);
    // {@link OpenFile} reports the error when it requests the end of the file.
    ended.catch(() => undefined);
    return new OpenFile(`${this.name}:${path}`, reader, OUTPUT_STAT, () => ended);
  }

  whyMissing(): undefined {
    return undefined;
  }

  stat(): Promise<never> {
    return Promise.reject(this.#noFiles());
  }

  list(): AsyncIterable<never> {
    return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(this.#noFiles()) }) };
  }

  processes(): AsyncIterable<never> {
    return this.list();
  }

  async layer(): Promise<undefined> {
    return undefined;
  }

  readlink(): Promise<never> {
    return this.stat();
  }

  openProcessFile(): Promise<never> {
    return this.stat();
  }

  mounts(): Promise<never> {
    return this.stat();
  }

  watch(): Promise<never> {
    return this.stat();
  }

  readEvents(): void {}

  close(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Resolves with the bytes written. */
  async #feed(path: OutputPath, writer: OwnedFd): Promise<bigint> {
    let count = 0n;
    const abort = new AbortController();
    try {
      for await (const { bytes } of outputRecords(this.#container, { path, signal: abort.signal })) {
        await writeAll(writer, bytes);
        count += BigInt(bytes.length);
      }
      return count;
    } catch (error) {
      // The reader has closed its end.
      if ((error as NodeJS.ErrnoException).code === "EPIPE") return count;
      throw error;
    } finally {
      abort.abort();
      writer.close();
    }
  }

  #noFiles(): PortholeError {
    return new PortholeError("USAGE", `${this.name} is the output of a container, not a file`, {
      hint: "read it with cat, head, tail, grep, hexdump or open",
    });
  }
}

function isOutputPath(path: string): path is OutputPath {
  return path === "@stdout" || path === "@stderr" || path === "@logs";
}

const NO_DEVICE = { major: 0, minor: 0 };

/** The stat of a relayed file: only the end of the output shows whether it is complete. */
const OUTPUT_STAT: FileStat = {
  ...{ mode: constants.S_IFIFO | 0o400, links: 1, uid: 0, gid: 0, size: 0n, blocks: 0n, inode: 0n },
  ...{ device: NO_DEVICE, rdev: NO_DEVICE, mountId: 0n, atime: 0n, mtime: 0n, ctime: 0n, btime: 0n, relayed: true },
};
