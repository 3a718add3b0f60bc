import { fstatSync, readSync } from "node:fs";
import { sizeByReading } from "../../../../src/follow/index.ts";
import {
  type ByteSource,
  ChainSource,
  detectEncoding,
  type Encoding,
  encodeAs,
  KEPT_GENERATIONS,
  looksBinary,
  type NextData,
  readableSource,
  regularSource,
  StreamSource,
} from "../../../../src/text/index.ts";

/**
 * The part of an open file that the screen uses; {@link OpenFile} implements it. The caller keeps
 * ownership.
 */
export interface ScreenFile {
  /** Path for error messages. */
  readonly path?: string;
  readonly fd: number;
  /** True if pread(2) works at any position. */
  readonly isSeekable: boolean;
  /**
   * Returns the end of the hole at a position; undefined if unknown. See
   * {@link ByteSource.nextData}.
   */
  nextData?(position: number): number | undefined;
  /**
   * Returns the content from the beginning, for files that cannot seek or whose size is unknown.
   */
  stream(options: { signal: AbortSignal }): AsyncIterable<Uint8Array>;
}

/** An earlier file of a rotated log. */
export interface EarlierFile {
  readonly name: string;
  readonly fd: number;
  nextData?(position: number): number | undefined;
}

export interface Content {
  source: ByteSource;
  /** The chain of generations; set for a regular file, which other generations may follow. */
  chain?: ChainSource;
  /** The stream; set if the bytes are read as a stream. */
  stream?: StreamSource;
  encoding: Encoding;
  /** Length of the byte order mark; 0 without a mark. */
  mark: number;
}

/** Number of bytes from which the encoding is detected. */
const HEAD = 64 * 1024;

/**
 * Reads regular files and block devices in place. Streams other content and keeps its newest part
 * in memory: files without a size (/proc), and files that cannot seek. `failed` receives the error
 * of a read. `earlier`: files shown before a regular file, oldest first.
 */
export function contentOf(
  file: ScreenFile,
  failed: (message: string) => void,
  earlier: readonly EarlierFile[] = [],
): Content {
  // A file that cannot seek may have no descriptor either.
  const stat = file.isSeekable ? fstatSync(file.fd) : undefined;
  if (stat?.isBlockDevice())
    return { source: readableSource(regularSource(file.fd, deviceSize(file.fd)), failed), ...PLAIN };
  if (stat && (stat.size > 0 || isEmpty(file.fd))) {
    const [first = file, ...rest] = [...earlier, file];
    const kept = KEPT_GENERATIONS + rest.length;
    const chain = new ChainSource(first.fd, (text) => encodeAs(text, encoding), holesOf(first), kept);
    const source = readableSource(chain, failed);
    const { encoding, mark } = detectEncoding(headOf(source));
    // A byte order mark is recognised only at the beginning.
    if (earlier.length > 0 && mark === 0) chain.beginWith(`here begins ${nameIn(first)}`);
    for (const one of rest) chain.continueWith(one.fd, 0, `here begins ${nameIn(one)}`, holesOf(one));
    return { source, chain, encoding, mark };
  }
  const stream = new StreamSource();
  return { source: stream, stream, ...PLAIN };
}

function nameIn(file: EarlierFile | ScreenFile): string {
  return "name" in file ? file.name : (file.path ?? "").replace(/^.*\//s, "");
}

/** True if the visible part is not text, so that a hex dump shows it better. */
export function seemsBinary({ source }: Content, atEnd: boolean): boolean {
  const head = Buffer.alloc(4096);
  const from = atEnd ? Math.max(source.start(), source.end() - head.length) : source.start();
  return looksBinary(head.subarray(0, source.read(from, head)));
}

const PLAIN = { encoding: "utf-8", mark: 0 } as const;

/** Returns the ends of the holes of an open file. */
export function holesOf(file: Pick<ScreenFile, "nextData">): NextData | undefined {
  return file.nextData && ((position) => file.nextData?.(position));
}

function headOf(source: ByteSource): Buffer {
  const head = Buffer.alloc(HEAD);
  return head.subarray(0, source.read(0, head));
}

/**
 * True if the file has no bytes. False for a file that cannot be read this way: /proc/PID/pagemap
 * accepts only whole words, and some files of /proc are write-only. The stream then reports the
 * error.
 */
function isEmpty(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1), 0, 1, 0) === 0;
  } catch {
    return false;
  }
}

/**
 * Returns the size of a block device, which fstat(2) does not report. The size is the first offset
 * that cannot be read.
 */
function deviceSize(fd: number): number {
  return sizeByReading((offset, byte) => {
    try {
      return readSync(fd, byte, 0, 1, offset);
    } catch {
      return 0;
    }
  });
}

/** Bytes that are read ahead of the screen without a follow: /dev/zero is endless. */
const READ_AHEAD = 1024 * 1024;

/** Copies a stream into its ring buffer on demand. Wake it after every move of the viewer. */
export class StreamPump {
  readonly #abort = new AbortController();
  #wake: () => void = () => {};
  #done: Promise<void> = Promise.resolve();

  /**
   * `wanted(readAhead)` returns whether the screen is near the end of the data. `ended` receives
   * the error, or undefined at the end of the stream.
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
        // A stream that is always ready (/dev/zero) must not delay keys and frames.
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

  /** Resolves once nothing reads the stream. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#wake();
    await this.#done;
  }
}
