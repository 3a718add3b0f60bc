import { readSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { readStream } from "../../descriptors/bytes/read-stream.ts";
import { openDirectory } from "../../descriptors/files/file.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { type LateSignal, readable, readableSoon, signalOf } from "../../descriptors/poll.ts";
import { connectStreamAt } from "../../descriptors/sockets/fd-socket.ts";
import { endStream } from "../../descriptors/sockets/socket.ts";
import { PortholeError } from "../../errors.ts";
import { BoundedBuffer } from "./bounded-buffer.ts";
import { hintIfDenied, requestText } from "./denied-request.ts";

/** An HTTP response; headers by lower-case name. */
export interface HttpResponse {
  status: number;
  headers: Map<string, string>;
  body: Buffer;
}

/**
 * Sends one GET over a Unix socket, in HTTP/1.0. So there is no chunked encoding, and the response
 * ends with the connection. Node's client would take 20 % of the time of a small command. dockerode
 * makes most requests that start or remove objects.
 * @throws PortholeError with the errno of connect(2): ENOENT, ECONNREFUSED, EACCES; CANCELLED at
 * the deadline (ETIMEDOUT) or through the signal; TARGET for an invalid response or one that is too
 * large
 */
export async function httpGet(
  socketPath: string,
  path: string,
  options: { timeoutMs: number; signal?: LateSignal | undefined },
): Promise<HttpResponse> {
  using socket = takeBegun(socketPath, path) ?? ask(socketPath, path);
  return parseHttpResponse(await readToEnd(socket, until(options)));
}

/** Requests that were sent by {@link beginGet}. */
const begun = new Map<string, OwnedFd>();

/** Sends a request whose response the first {@link httpGet} of the same path reads. */
export function beginGet(socketPath: string, path: string): void {
  try {
    begun.set(`${socketPath} ${path}`, ask(socketPath, path));
  } catch {
    // The request itself reports the error.
  }
}

/**
 * Sends one HEAD over a Unix socket, as {@link httpGet} does, and returns a response with an empty
 * body.
 * @throws PortholeError as {@link httpGet}
 */
export async function httpHead(
  socketPath: string,
  path: string,
  options: { timeoutMs: number; signal?: LateSignal | undefined },
): Promise<HttpResponse> {
  using socket = ask(socketPath, path, "HEAD");
  const bytes = await readToEnd(socket, until(options));
  return parseHttpResponse(bytes, { isHead: true });
}

/**
 * Sends one POST with a JSON body over a Unix socket, as {@link httpGet} does.
 * @throws PortholeError as {@link httpGet}, but CANCELLED only through the signal
 */
export async function httpPost(
  socketPath: string,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const text = JSON.stringify(body);
  using socket = send(socketPath, `POST ${path} HTTP/1.0\r\n${JSON_BODY}${lengthOf(text)}\r\n${text}`);
  return parseHttpResponse(await readToEnd(socket, { signal }));
}

/** A connection that the other side has turned into a bidirectional stream. */
export interface HttpStream {
  /** Does not block. The caller owns it. */
  socket: OwnedFd;
  /** The first bytes of the stream, which arrived with the response. */
  first: Buffer;
}

/**
 * Sends one POST with a JSON body that turns the connection into a stream (status 101). It is
 * HTTP/1.1 with an upgrade: proxies relay both directions of nothing else.
 * @returns the response if the other side refuses; its body is the JSON object in it
 * @throws PortholeError as {@link httpPost}
 */
export async function httpUpgrade(
  socketPath: string,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<HttpStream | HttpResponse> {
  const text = JSON.stringify(body);
  const socket = send(socketPath, `POST ${path} HTTP/1.1\r\n${JSON_BODY}${UPGRADE}${lengthOf(text)}\r\n${text}`);
  try {
    const held = new BoundedBuffer(MAX_HEAD + FIRST_BODY);
    const end = await readHead(socket, held, { signal });
    const first = Buffer.from(held.bytes.subarray(end + HEAD_END.length));
    const status = statusOf(held.bytes);
    if (status === 101) return { socket, first };
    // The other side waits for another request, and closes the connection at the end of all.
    endStream(socket);
    const rest = Buffer.concat([first, await readToEnd(socket, { signal })]);
    socket.close();
    if (status === undefined) throw notHttp();
    // The object may be in one chunk of a body.
    return { status, headers: new Map(), body: rest.subarray(rest.indexOf("{"), rest.lastIndexOf("}") + 1) };
  } catch (error) {
    socket.close();
    throw error;
  }
}

const JSON_BODY = "Host: localhost\r\nContent-Type: application/json\r\n";
const UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
const lengthOf = (text: string) => `Content-Length: ${Buffer.byteLength(text)}\r\n`;

/** A response with a status other than 200. */
export class HttpStatusError extends PortholeError {
  /** Undefined if the response is not HTTP. */
  readonly status: number | undefined;
  /** The error message in the response, if any. */
  readonly serverMessage: string | undefined;

  constructor(status: number | undefined, serverMessage: string | undefined, path: string) {
    super(
      "TARGET",
      `HTTP status ${status ?? "unknown"} for ${requestText({ path })}${serverMessage ? `: ${serverMessage}` : ""}`,
      {
        hint: serverMessage === undefined ? hintIfDenied(status, { path }) : undefined,
      },
    );
    this.status = status;
    this.serverMessage = serverMessage;
  }
}

/** Maximum length of a streamed line, and of all response headers, in bytes. */
const [MAX_LINE, MAX_HEAD] = [1024 * 1024, 65_536];
/** Maximum bytes of a streamed body that are read with the headers. */
const FIRST_BODY = 65_536;

/**
 * Sends one GET whose response is lines that arrive over time. Yields lines in batches until the
 * other side closes the connection. `timeoutMs` limits only the wait for the response headers.
 * @throws PortholeError as {@link httpGet}; TARGET for a status other than 200
 */
export async function* httpLines(
  socketPath: string,
  path: string,
  options: { timeoutMs: number; signal: AbortSignal },
): AsyncGenerator<string[], void, void> {
  const held = new BoundedBuffer(MAX_LINE);
  for await (const piece of httpBody(socketPath, path, options)) {
    // The subscription is active: a state requested after this misses no change.
    if (piece.length === 0) yield [];
    held.append(piece);
    const end = held.bytes.lastIndexOf(10);
    if (end === -1) continue;
    const lines = held.bytes.toString("utf8", 0, end).split("\n").filter(Boolean);
    held.drop(end + 1);
    if (lines.length > 0) yield lines;
  }
}

/**
 * Sends one GET whose response body arrives over time. Yields an empty chunk when the response
 * starts, then each chunk in a buffer of its own. `timeoutMs` limits only the wait for the response
 * headers.
 * @throws PortholeError as {@link httpGet}; TARGET for a status other than 200, with the start of
 * the error message
 */
export async function* httpBody(
  socketPath: string,
  path: string,
  options: { timeoutMs: number; signal: AbortSignal },
): AsyncGenerator<Buffer, void, void> {
  using socket = ask(socketPath, path);
  const wait = until(options);
  const held = new BoundedBuffer(MAX_HEAD + FIRST_BODY);
  const end = await readHead(socket, held, wait);
  const status = statusOf(held.bytes);
  const first = Buffer.from(held.bytes.subarray(end + HEAD_END.length));
  if (status !== 200) {
    const body = first.length > 0 ? first : await readToEnd(socket, wait);
    const text = /"(?:message|cause)":"((?:[^"\\]|\\.){1,300})/.exec(body.toString("utf8", 0, 2_000))?.[1];
    throw new HttpStatusError(status, text, path);
  }
  yield Buffer.alloc(0);
  if (first.length > 0) yield first;
  yield* readStream(socket, options.signal);
}

/**
 * Sends one GET whose response starts, and then has no data until an event makes the connection
 * readable. Resolves when the subscription is active, so that a state requested after this misses
 * no change. The caller owns the descriptor.
 * @throws PortholeError as {@link httpLines}; TARGET (EAGAIN) if an event has happened already
 */
export async function httpSubscribe(
  socketPath: string,
  path: string,
  options: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<OwnedFd> {
  const socket = ask(socketPath, path);
  try {
    const held = new BoundedBuffer(MAX_HEAD);
    const end = await readHead(socket, held, until(options));
    const status = statusOf(held.bytes);
    if (status !== 200) throw new HttpStatusError(status, undefined, path);
    if (held.bytes.length > end + HEAD_END.length)
      throw new PortholeError("TARGET", "the state changed meanwhile", { errno: "EAGAIN" });
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

function takeBegun(socketPath: string, path: string): OwnedFd | undefined {
  const key = `${socketPath} ${path}`;
  const socket = begun.get(key);
  begun.delete(key);
  return socket;
}

function ask(socketPath: string, path: string, method: "GET" | "HEAD" = "GET"): OwnedFd {
  return send(socketPath, `${method} ${path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n`);
}

function send(socketPath: string, request: string): OwnedFd {
  const socket = connectEngine(socketPath);
  try {
    // A request fits into the empty buffer of a new socket.
    writeSync(socket.number, request);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * Connects to an engine's socket. The caller owns the descriptor.
 * @throws PortholeError with the errno of connect(2)
 */
export function connectEngine(socketPath: string): OwnedFd {
  using directory = openDirectory(dirname(socketPath));
  return connectStreamAt(directory, basename(socketPath));
}

/** A wait for a response. */
interface Wait {
  timeoutMs?: number | undefined;
  signal?: LateSignal | undefined;
  /** Its end as performance.now() returns it; undefined means no limit. */
  deadline?: number | undefined;
}

function until(options: Wait & { timeoutMs: number }): Wait {
  return { ...options, deadline: performance.now() + options.timeoutMs };
}

async function readToEnd(socket: OwnedFd, wait: Wait): Promise<Buffer> {
  const held = new BoundedBuffer();
  // Requests to other engines are sent meanwhile.
  await undefined;
  while ((await readMore(socket, held, wait)) > 0);
  return held.bytes;
}

/** Reads a response until the end of its headers, and returns where that is. */
async function readHead(socket: OwnedFd, held: BoundedBuffer, wait: Wait): Promise<number> {
  for (;;) {
    if ((await readMore(socket, held, wait)) === 0)
      throw new PortholeError("TARGET", "the engine closed the connection without a response");
    const end = endOfHead(held.bytes);
    if (end !== undefined) return end;
  }
}

/** Waits for bytes, reads them and returns their number; 0 at the end. */
async function readMore(socket: OwnedFd, held: BoundedBuffer, { deadline, signal, timeoutMs }: Wait): Promise<number> {
  const left = deadline === undefined ? undefined : Math.max(1, deadline - performance.now());
  const isAborted = typeof signal === "object" && signal.aborted;
  try {
    if (isAborted || !readableSoon(socket, left)) await readable(socket, { timeoutMs: left, signal: signalOf(signal) });
  } catch (error) {
    if (!(error instanceof PortholeError) || error.errno !== "ETIMEDOUT") throw error;
    const text = `no ${held.bytes.length === 0 ? "" : "complete "}response within ${(timeoutMs ?? 0) / 1000} s`;
    throw new PortholeError("CANCELLED", text, { errno: error.errno, cause: error });
  }
  const length = readSync(socket.number, held.reserve());
  held.commit(length);
  return length;
}

const HEAD_END = "\r\n\r\n";
const [CR, LF] = [13, 10];

/**
 * Returns the end of the headers; undefined if it has not arrived yet.
 * @throws PortholeError TARGET above the limit
 */
function endOfHead(bytes: Buffer): number | undefined {
  const { indexOf } = Uint8Array.prototype;
  const limit = Math.min(bytes.length, MAX_HEAD) - HEAD_END.length;
  for (let at = indexOf.call(bytes, CR); at !== -1 && at <= limit; at = indexOf.call(bytes, CR, at + 1))
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at;
  if (bytes.length < MAX_HEAD) return undefined;
  throw new PortholeError("TARGET", `response headers larger than ${MAX_HEAD} bytes`);
}

function statusOf(bytes: Buffer): number | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(bytes.subarray(0, 16).toString())?.[1];
  return status === undefined ? undefined : Number(status);
}

/**
 * Parses an HTTP/1.0 response (RFC 1945). The headers of a response to HEAD are those of GET: its
 * length is not that of the body, which is empty.
 * @throws PortholeError TARGET if it is invalid or truncated
 */
export function parseHttpResponse(bytes: Buffer, { isHead = false } = {}): HttpResponse {
  if (bytes.length === 0) throw new PortholeError("TARGET", "the connection closed without a response");
  const end = endOfHead(bytes);
  const status = statusOf(bytes);
  if (end === undefined || status === undefined) throw notHttp();
  const [, ...lines] = bytes.subarray(0, end).toString().split("\r\n");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const body = bytes.subarray(end + HEAD_END.length);
  if (isHead) return { status, headers, body };
  const length = headers.get("content-length");
  if (headers.has("transfer-encoding") || (length !== undefined && Number(length) !== body.length)) {
    throw new PortholeError("TARGET", `truncated HTTP response: ${body.length} of ${length ?? "?"} bytes`);
  }
  return { status, headers, body };
}

function notHttp(): PortholeError {
  return new PortholeError("TARGET", "the response is not HTTP");
}
