import { fstatSync, readSync } from "node:fs";
import {
  type ByteSource,
  ChainSource,
  detectEncoding,
  type Encoding,
  encodeAs,
  looksBinary,
  type NextData,
  readableSource,
  regularSource,
  StreamSource,
} from "../../../src/text/index.ts";

/** What the screen needs of an open file; {@link OpenFile} has it. The caller keeps owning it. */
export interface ScreenFile {
  /** Path for error messages. */
  readonly path?: string;
  readonly fd: number;
  /** True when pread works at any position. */
  readonly isSeekable: boolean;
  /** Where holes end: see {@link ByteSource.nextData}. Undefined if unknown. */
  nextData?(position: number): number | undefined;
  /** The content from the beginning, for what has no positions or does not know its size. */
  stream(options: { signal: AbortSignal }): AsyncIterable<Uint8Array>;
}

export interface Content {
  source: ByteSource;
  /** Set for a regular file, which other generations may follow. */
  chain?: ChainSource;
  /** Set when the bytes come as a stream and have to be pumped. */
  stream?: StreamSource;
  encoding: Encoding;
  /** Bytes of the byte order mark at the beginning. */
  mark: number;
}

/** Bytes by which an encoding is told. */
const HEAD = 64 * 1024;

/**
 * Regular files and block devices are read in place. What tells no size (/proc) or has no positions
 * is kept in memory as it comes, the newest part of it. `failed` hears of bytes that could not be
 * read.
 */
export function contentOf(file: ScreenFile, failed: (message: string) => void): Content {
  // What has no positions may have no descriptor either.
  const stat = file.isSeekable ? fstatSync(file.fd) : undefined;
  if (stat?.isBlockDevice())
    return { source: readableSource(regularSource(file.fd, deviceSize(file.fd)), failed), ...PLAIN };
  if (stat && (stat.size > 0 || isEmpty(file.fd))) {
    const chain = new ChainSource(file.fd, (text) => encodeAs(text, encoding), holesOf(file));
    const source = readableSource(chain, failed);
    const { encoding, mark } = detectEncoding(headOf(source));
    return { source, chain, encoding, mark };
  }
  const stream = new StreamSource();
  return { source: stream, stream, ...PLAIN };
}

/** True when the text that would be seen there is none, so that it is better shown by its bytes. */
export function seemsBinary({ source }: Content, atEnd: boolean): boolean {
  const head = Buffer.alloc(4096);
  const from = atEnd ? Math.max(source.start(), source.end() - head.length) : source.start();
  return looksBinary(head.subarray(0, source.read(from, head)));
}

const PLAIN = { encoding: "utf-8", mark: 0 } as const;

/** Where the holes of an open file end. */
export function holesOf(file: Pick<ScreenFile, "nextData">): NextData | undefined {
  return file.nextData && ((position) => file.nextData?.(position));
}

function headOf(source: ByteSource): Buffer {
  const head = Buffer.alloc(HEAD);
  return head.subarray(0, source.read(0, head));
}

/**
 * What cannot be read so is not: /proc/PID/pagemap wants whole words, others of /proc are only
 * written to. The stream tells.
 */
function isEmpty(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1), 0, 1, 0) === 0;
  } catch {
    return false;
  }
}

/**
 * A block device tells no size to fstat(2): the first offset, by sectors, at which nothing can be
 * read.
 */
function deviceSize(fd: number): number {
  const byte = Buffer.alloc(1);
  const has = (sector: number) => {
    try {
      return readSync(fd, byte, 0, 1, sector * SECTOR) > 0;
    } catch {
      return false;
    }
  };
  let high = 1;
  while (has(high)) high *= 2;
  let low = 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (has(middle)) low = middle + 1;
    else high = middle;
  }
  return low * SECTOR;
}

const SECTOR = 512;

/** How far beyond the screen a stream is read without follow: /dev/zero never ends. */
const READ_AHEAD = 1024 * 1024;

/**
 * Moves a stream's bytes into its ring while they are wanted. Wake it after every move of the
 * viewer.
 */
export class StreamPump {
  readonly #abort = new AbortController();
  #wake: () => void = () => {};
  #done: Promise<void> = Promise.resolve();

  /**
   * `wanted(readAhead)` returns whether the screen is near the end of the data. `ended` receives the
   * error, or undefined at the end of the stream.
   */
  start(
    file: ScreenFile,
    ring: StreamSource,
    handlers: { wanted(readAhead: number): boolean; grown(): void; ended(error: unknown): void },
  ): void {
    const run = async () => {
      for await (const chunk of file.stream({ signal: this.#abort.signal })) {
        ring.append(chunk);
        handlers.grown();
        while (!handlers.wanted(READ_AHEAD) && !this.#abort.signal.aborted)
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        // Something that is always ready (/dev/zero) must not keep keys and frames waiting.
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#abort.signal.aborted) return;
      }
    };
    this.#done = run().then(
      () => handlers.ended(undefined),
      (error) => handlers.ended(error),
    );
  }

  wake(): void {
    this.#wake();
  }

  /** Resolves when the stream is not read any more. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#wake();
    await this.#done;
  }
}
