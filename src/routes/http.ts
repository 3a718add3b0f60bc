import { readSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { connectStreamAt } from "../descriptors/fd-socket.ts";
import { openDirectory } from "../descriptors/file.ts";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { readable, type WaitOptions } from "../descriptors/poll.ts";
import { PortholeError } from "../errors.ts";

/** An answer: its status, its headers by lower-case name, and its body. */
export interface HttpAnswer {
  status: number;
  headers: Map<string, string>;
  body: Buffer;
}

/** Largest answer that is read: an inspection of one container is near 10 KB, a list of 1,000 near 2 MB. */
const MAX_ANSWER = 32 * 1024 * 1024;

/**
 * One GET over a Unix socket, in HTTP/1.0: no chunks, and the end of the answer is the end of the connection. Node's own client
 * would cost the command that is run a hundred times a day a fifth of its whole time; anything beyond this one question goes through dockerode.
 * @throws PortholeError with the errno of connect(2): ENOENT, ECONNREFUSED, EACCES; CANCELLED at the deadline (ETIMEDOUT) or through the
 * signal; TARGET for an answer that is none
 */
export async function httpGet(
  socketPath: string,
  path: string,
  options: WaitOptions & { timeoutMs: number },
): Promise<HttpAnswer> {
  const socket = ask(socketPath, path);
  try {
    return parseHttpAnswer(await readToEnd(socket, performance.now() + options.timeoutMs, options.signal));
  } finally {
    socket.close();
  }
}

/** Longest line of a stream that is kept, in bytes. */
const MAX_LINE = 1024 * 1024;

/**
 * One GET whose answer is lines that come as things happen: those that came together, together, for as long as the connection lasts. Ends when
 * the other side closes it.
 * @throws PortholeError as {@link httpGet}; TARGET for another status than 200
 */
export async function* httpLines(
  socketPath: string,
  path: string,
  options: { signal: AbortSignal },
): AsyncGenerator<string[], void, void> {
  const socket = ask(socketPath, path);
  try {
    let held = Buffer.alloc(0);
    let isBody = false;
    for (;;) {
      await readable(socket, options);
      const chunk = Buffer.allocUnsafe(65_536);
      const length = readSync(socket.number, chunk);
      if (length === 0) return;
      held = Buffer.concat([held, chunk.subarray(0, length)]);
      if (!isBody) {
        const end = held.indexOf("\r\n\r\n");
        if (end === -1 && held.length < MAX_LINE) continue;
        const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(held.toString("latin1", 0, 64))?.[1];
        if (status !== "200") throw new PortholeError("TARGET", `HTTP status ${status ?? "unknown"} for ${path}`);
        isBody = true;
        held = held.subarray(end + 4);
        // The subscription stands: who asks for a state after this misses no change of it.
        yield [];
      }
      const end = held.lastIndexOf(10);
      if (end === -1 && held.length > MAX_LINE)
        throw new PortholeError("TARGET", `a line of more than ${MAX_LINE} bytes`);
      const lines = held.toString("utf8", 0, Math.max(0, end)).split("\n").filter(Boolean);
      held = Buffer.from(held.subarray(end + 1));
      if (lines.length > 0) yield lines;
    }
  } finally {
    socket.close();
  }
}

function ask(socketPath: string, path: string): OwnedFd {
  const socket = open(socketPath);
  try {
    // A request line and two headers: they fit the empty buffer of a new socket.
    writeSync(socket.number, `GET ${path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n`);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

function open(socketPath: string): OwnedFd {
  const directory = openDirectory(dirname(socketPath));
  try {
    return connectStreamAt(directory, basename(socketPath));
  } finally {
    directory.close();
  }
}

async function readToEnd(socket: OwnedFd, deadline: number, signal: AbortSignal | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let size = 0; ; ) {
    await readable(socket, { timeoutMs: Math.max(1, deadline - performance.now()), signal });
    const chunk = Buffer.allocUnsafe(65_536);
    const length = readSync(socket.number, chunk);
    if (length === 0) return Buffer.concat(chunks);
    size += length;
    if (size > MAX_ANSWER) throw new PortholeError("TARGET", `an answer of more than ${MAX_ANSWER} bytes`);
    chunks.push(chunk.subarray(0, length));
  }
}

/**
 * Takes an HTTP/1.0 answer apart (RFC 1945).
 * @throws PortholeError TARGET when it is none, or when it is shorter than it says
 */
export function parseHttpAnswer(bytes: Buffer): HttpAnswer {
  const end = bytes.indexOf("\r\n\r\n");
  const [first = "", ...lines] = bytes.toString("latin1", 0, Math.max(0, end)).split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(first)?.[1];
  if (end === -1 || status === undefined) throw new PortholeError("TARGET", "an answer that is not HTTP");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const body = bytes.subarray(end + 4);
  const length = headers.get("content-length");
  if (headers.has("transfer-encoding") || (length !== undefined && Number(length) !== body.length)) {
    throw new PortholeError("TARGET", `an HTTP answer that was cut off (${body.length} of ${length ?? "?"} bytes)`);
  }
  return { status: Number(status), headers, body };
}
