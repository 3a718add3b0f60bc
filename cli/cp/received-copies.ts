import { ftruncateSync, writeSync } from "node:fs";
import { errnoText, type LocalDirectory, NewFile } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { pathBytes, pathText } from "../../src/target.ts";
import { ATTRIBUTES, FRAME_HEAD, MAX_FRAME, readAttributes } from "./copy-frames.ts";
import { isOutputLost, withRemedy } from "./copy-tree.ts";
import { type Destination, openDestination } from "./destination.ts";

export interface ReceivedOptions {
  /** The destination that the user named. */
  path: string;
  replace: boolean;
  /** The place of the sources, if copies of several places have one destination. */
  place?: string | undefined;
  /** Receives the error of a file that cannot be created. */
  failed: (error: unknown) => void;
}

/**
 * Creates the files that porthole on another machine sends (copy-frames.ts). The other machine
 * chooses only names, each one component long; this machine chooses the directory.
 */
export class ReceivedCopies implements Disposable {
  readonly #options: ReceivedOptions;
  #destination: Destination | undefined;
  /** Open directories below the destination; undefined for one that could not be created. */
  readonly #directories: (LocalDirectory | undefined)[] = [];
  #file: NewFile | undefined;
  /** Copies of other places in the destination: their places, by name. */
  readonly #earlier = new Map<string, string>();
  readonly #names = new Set<string>();
  #rest: Buffer = Buffer.alloc(0);

  constructor(options: ReceivedOptions) {
    this.#options = options;
  }

  /** Names of the copies in the destination, in base64. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /**
   * Handles the whole frames in the bytes so far.
   * @throws PortholeError if no more files can be written, the destination is invalid, or SESSION
   * for
   *   bytes that are not frames
   */
  take(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (rest.length >= FRAME_HEAD) {
      const length = rest.readUInt32BE(1);
      if (length > MAX_FRAME) throw broken();
      if (rest.length < FRAME_HEAD + length) break;
      this.#read(rest.toString("latin1", 0, 1), rest.subarray(FRAME_HEAD, FRAME_HEAD + length));
      rest = rest.subarray(FRAME_HEAD + length);
    }
    this.#rest = Buffer.from(rest);
  }

  /** Removes an incomplete file. */
  [Symbol.dispose](): void {
    this.#file?.close();
    for (const directory of this.#directories) directory?.close();
    this.#destination?.directory.close();
  }

  #read(kind: string, payload: Buffer): void {
    try {
      this.#frame(kind, payload);
    } catch (error) {
      // A payload that is too short for its kind.
      throw error instanceof RangeError ? broken() : error;
    }
  }

  #frame(kind: string, payload: Buffer): void {
    if (kind === "n" && this.#destination === undefined) this.#noteEarlier(payload);
    else if (kind === "c") this.#destination = openDestination(this.#options.path, payload.readUInt32BE(0));
    else if (kind === "u") this.#directories.pop()?.close();
    else if (kind === "x") this.#endFile();
    else if (kind === "d") this.#directories.push(this.#try((into) => into.subdirectory(this.#nameOf(payload))));
    else if (kind === "f") this.#file = this.#try((into) => NewFile.create(into, this.#nameOf(payload)));
    else if (kind === "b") this.#try(() => this.#write(payload));
    else if (kind === "e") this.#try(() => this.#complete(payload));
    else if (kind === "m") this.#try((into) => this.#finish(into, payload));
    else if (kind === "l") this.#try((into) => this.#link(into, payload));
    else throw broken();
  }

  /**
   * Runs an action for a file and reports its error. Returns undefined after an error, and below a
   * directory that failed.
   */
  #try<T>(action: (into: LocalDirectory) => T): T | undefined {
    const into = this.#directories.length === 0 ? this.#destination?.directory : this.#directories.at(-1);
    if (this.#destination === undefined) throw broken();
    if (into === undefined) return undefined;
    try {
      return action(into);
    } catch (error) {
      this.#endFile();
      if (!(error instanceof PortholeError) || isOutputLost(error)) throw error;
      this.#options.failed(withRemedy(error, this.#options.replace));
      return undefined;
    }
  }

  #noteEarlier(payload: Buffer): void {
    const end = 2 + payload.readUInt16BE(0);
    this.#earlier.set(payload.toString("base64", 2, end), payload.toString("utf8", end));
  }

  /**
   * The name that the user gave the single copy, or else the name that was sent.
   * @throws PortholeError FILE EEXIST for the name of a copy from another place
   */
  #nameOf(name: Buffer): Buffer {
    if (this.#directories.length > 0) return Buffer.from(name);
    if (this.#destination?.name !== undefined) return pathBytes(this.#destination.name);
    const key = name.toString("base64");
    const earlier = this.#earlier.get(key);
    if (earlier !== undefined)
      throw new PortholeError(
        "FILE",
        `not copied from ${this.#options.place}: ${pathText(name)} is already the copy from ${earlier}`,
        { errno: "EEXIST", hint: "--parents copies each to a directory of its container and path" },
      );
    this.#names.add(key);
    return Buffer.from(name);
  }

  #write(payload: Buffer): void {
    const position = Number(payload.readBigInt64BE(0));
    for (let at = 8; at < payload.length && this.#file !== undefined; )
      at += writeTo(this.#file.fd, payload.subarray(at), position + at - 8);
  }

  #complete(payload: Buffer): void {
    const { mode, times } = readAttributes(payload.subarray(8));
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    using closed = file;
    truncate(closed.fd, Number(payload.readBigInt64BE(0)));
    closed.complete(mode, times, { replace: this.#options.replace });
  }

  #finish(into: LocalDirectory, payload: Buffer): void {
    const { mode, times } = readAttributes(payload);
    if (into.isNew) into.finish(mode, times);
  }

  #link(into: LocalDirectory, payload: Buffer): void {
    const end = 2 + payload.readUInt16BE(0);
    const text = payload.subarray(end, payload.length - ATTRIBUTES);
    const { times } = readAttributes(payload.subarray(payload.length - ATTRIBUTES));
    into.link(this.#nameOf(payload.subarray(2, end)), Buffer.from(text), times, { replace: this.#options.replace });
  }

  #endFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

function writeTo(fd: number, bytes: Buffer, position: number): number {
  return withErrno(() => writeSync(fd, bytes, 0, bytes.length, position));
}

function truncate(fd: number, size: number): void {
  withErrno(() => ftruncateSync(fd, size));
}

function withErrno<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code, errno = 0 } = error as NodeJS.ErrnoException;
    throw new PortholeError("FILE", `write failed: ${errnoText(Math.abs(errno))}`, { errno: code, cause: error });
  }
}

function broken(): PortholeError {
  return new PortholeError("SESSION", "porthole on the other machine sent no copies", {
    hint: "use the same version of porthole on both machines",
  });
}
