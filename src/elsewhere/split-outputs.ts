import type { Duplex, Writable } from "node:stream";

/** Size of a frame header in bytes: stream, three zeroes, length (big-endian). */
const HEADER = 8;

/**
 * Demultiplexes an engine's stream into the two outputs of a process, with their backpressure. Ends
 * both when the stream ends, also in the middle of a frame.
 */
export function splitOutputs(stream: Duplex, stdout: Writable, stderr: Writable): void {
  let header = Buffer.alloc(0);
  let left = 0;
  let output = stdout;
  const pass = (bytes: Buffer) => {
    left -= bytes.length;
    // One piece can have many frames. Only the first full output pauses the stream.
    if (output.write(bytes) || stream.isPaused()) return;
    stream.pause();
    output.once("drain", () => stream.resume());
  };
  stream.on("data", (piece: Buffer) => {
    for (let at = 0; at < piece.length; ) {
      if (left > 0) {
        const end = Math.min(piece.length, at + left);
        pass(piece.subarray(at, end));
        at = end;
        continue;
      }
      const missing = HEADER - header.length;
      header = Buffer.concat([header, piece.subarray(at, at + missing)]);
      at += missing;
      if (header.length < HEADER) return;
      output = header[0] === 2 ? stderr : stdout;
      left = header.readUInt32BE(4);
      header = Buffer.alloc(0);
    }
  });
  const end = () => {
    stdout.end();
    stderr.end();
  };
  // A failed connection ends both outputs, like an early end.
  stream.once("end", end);
  stream.once("error", end);
  stream.once("close", end);
}
