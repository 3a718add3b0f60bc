import { readSync } from "node:fs";
import { type MessagePort, parentPort } from "node:worker_threads";
import { scanChunk } from "./chunks.ts";
import { Matcher } from "./matcher.ts";
import type { ScanJob, ScanReply } from "./scanner.ts";

// A module that runs only as a worker's entry; without a parent there is nobody to serve.
if (parentPort) serve(parentPort);

function serve(port: MessagePort): void {
  let matcher: Matcher | undefined;
  port.on("message", ({ file, fd, match, chunk, ...options }: ScanJob) => {
    // A scanner has one pattern.
    matcher ??= new Matcher(match);
    const read = (buffer: Uint8Array, position: number) => readSync(fd, buffer, 0, buffer.length, position);
    const reply: ScanReply = { file, chunk, report: scanChunk(matcher, read, chunk, options) };
    port.postMessage(reply);
  });
}
