import type { ChildProcess } from "node:child_process";
import type { Transform } from "node:stream";
import { spawnChild } from "../../descriptors/processes/child-process.ts";
import { messageOf, PortholeError } from "../../errors.ts";
import type { OpenFile } from "../interface/open-file.ts";

/** Formats that are detected by their first bytes. */
export type Compression = "gzip" | "zstd";

/** Maximum bytes per piece of decompressed data. */
const PIECE = 256 * 1024;
/**
 * Maximum window of a zstd frame, as a power of two: 32 MiB. `zstd -19` needs 8 MiB; only `--ultra`
 * and `--long` need more.
 */
const ZSTD_WINDOW_LOG = 25;

/**
 * Detects the compression of a regular file by its first bytes (RFC 1952, RFC 8878); undefined if
 * the file is not compressed.
 */
export function compressionOf(file: Pick<OpenFile, "kind" | "isSeekable" | "read">): Compression | undefined {
  if (file.kind !== "file" || !file.isSeekable) return undefined;
  const head = Buffer.alloc(4);
  try {
    if (file.read(head, 0) < 4) return undefined;
  } catch {
    // Ignores the error: the caller's next read reports it.
    return undefined;
  }
  const [first = 0, second, third, fourth] = head;
  if (first === 0x1f && second === 0x8b && third === 0x08) return "gzip";
  // A frame, or a skippable one: 0xfd2fb528 and 0x184d2a5?, in little-endian order.
  const isFrame = first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd;
  const isSkippable = first >>> 4 === 0x5 && second === 0x2a && third === 0x4d && fourth === 0x18;
  return isFrame || isSkippable ? "zstd" : undefined;
}

/**
 * Decompresses all members or frames of a stream: gzip by node:zlib; zstd by node:zlib from Node
 * 22.15 on, else by the program `zstd`.
 * @throws PortholeError FILE for damaged or truncated data, and if no decompressor is available
 */
export async function* decompress(
  name: string,
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Buffer> {
  const zlib = process.getBuiltinModule("node:zlib");
  if (compression === "gzip") yield* through(name, source, zlib.createGunzip({ chunkSize: PIECE }));
  else if ("createZstdDecompress" in zlib) yield* through(name, source, zstdTransform(zlib));
  else yield* throughProgram(name, source);
}

/** @types/node describes Node 20, which has no zstd. */
function zstdTransform(zlib: object): Transform {
  const { createZstdDecompress, constants } = zlib as {
    createZstdDecompress(options: object): Transform;
    constants: { ZSTD_d_windowLogMax: number };
  };
  return createZstdDecompress({ chunkSize: PIECE, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } });
}

async function* through(name: string, source: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Buffer> {
  const { pipeline, Readable } = process.getBuiltinModule("node:stream");
  // An error of the source also fails the transform, which ends the loop.
  pipeline(Readable.from(source, { objectMode: false }), transform, () => undefined);
  try {
    for await (const piece of transform) yield piece as Buffer;
  } catch (error) {
    throw damaged(name, error);
  } finally {
    transform.destroy();
  }
}

async function* throughProgram(name: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const { pipeline, Readable } = process.getBuiltinModule("node:stream");
  const memory = `--memory=${2 ** (ZSTD_WINDOW_LOG - 20)}MB`;
  const child = spawnChild("zstd", ["-dcq", memory, "-"], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = endOf(child);
  let messages = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (messages.length < 1000) messages += text;
  });
  // Ignores write errors: if the program ends early, its exit status is reported.
  pipeline(Readable.from(source, { objectMode: false }), child.stdin, () => undefined);
  try {
    for await (const piece of child.stdout) yield piece as Buffer;
    const status = await ended;
    if (status instanceof Error) throw missing(name, status);
    if (status !== 0)
      throw damaged(
        name,
        messages
          .trim()
          .split("\n")
          .at(0)
          ?.replace(/^.*?: /, "") || `status ${status}`,
      );
  } finally {
    child.kill();
  }
}

/** Resolves with the exit status, or with the error if the program could not start. */
function endOf(child: ChildProcess): Promise<number | Error> {
  return new Promise((resolve) => {
    child.once("error", resolve);
    child.once("close", (status) => resolve(status ?? 1));
  });
}

function missing(name: string, cause: Error): PortholeError {
  return new PortholeError("FILE", `${name}: cannot decompress zstd: Node ${process.versions.node} has no zstd`, {
    cause,
    hint: "run porthole with Node 22.15 or later, or install the program zstd",
  });
}

function damaged(name: string, cause: unknown): PortholeError {
  if (cause instanceof PortholeError) return cause;
  const text = messageOf(cause);
  const reason = text === "unexpected end of file" ? "the compressed data is truncated" : text;
  return new PortholeError("FILE", `${name}: cannot decompress: ${reason}`, { cause });
}
