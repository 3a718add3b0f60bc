import { closeSync, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** The text of the last line of a sparse log. */
export const LAST = "the very last line";

function row(line: number): string {
  const status = line % 97 === 0 ? 502 : 200;
  const agent = line % 10_088 === 0 ? "Examplebot/2.1" : "Mozilla/5.0 (X11; Linux x86_64)";
  if (line % 20_000 === 7)
    return `2026/11/23 10:00:00 [error] 29#29: *${line} upstream timed out (110: Connection timed out)\n`;
  return `10.0.${line % 256}.${(line * 7) % 256} - - [23/Nov/2026:10:00:00 +0000] "GET /api/items/${line} HTTP/1.1" ${status} ${(line * 31) % 90_000} "-" "${agent}"\n`;
}

/** Returns lines with this total size. */
export function rows(bytes: number): Buffer {
  let text = "";
  for (let line = 0; text.length < bytes; line++) text += row(line);
  return Buffer.from(text);
}

/**
 * Writes a file that consists only of lines, to the disk: a write-back during the measurement would
 * disturb it.
 */
export function writeDense(path: string, bytes: number): void {
  const block = rows(8 * 2 ** 20);
  const fd = openSync(path, "w");
  for (let written = 0; written < bytes; written += block.length) writeSync(fd, block);
  fsyncSync(fd);
  closeSync(fd);
}

/** Writes text at both ends, at most 1 MiB each, and leaves a hole between them. */
export function writeSparse(path: string, bytes: number): void {
  const text = rows(Math.min(2 ** 20, bytes / 2 - 200));
  const fd = openSync(path, "w");
  writeSync(fd, text);
  ftruncateSync(fd, bytes);
  const end = Buffer.concat([Buffer.from("\n"), text, Buffer.from(`${LAST}\n`)]);
  writeSync(fd, end, 0, end.length, bytes - end.length);
  closeSync(fd);
}
