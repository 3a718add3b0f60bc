import { Agent, type ClientRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { inspect } from "node:util";
import { PortholeError } from "../../errors.ts";
import { BoundedBuffer, MAX_RESPONSE } from "./bounded-buffer.ts";
import type { Engine } from "./engine.ts";
import { EngineError } from "./engine-error.ts";
import type { EngineRequest } from "./engine-json.ts";

/**
 * How the connection is used: `answer`: the client reads the whole response; `pieces`: it reads a
 * stream; `stream`: bidirectional after the response.
 */
export type ResponseKind = "answer" | "pieces" | "stream";

/**
 * Chunks of a response, each an object until the response is complete. Docker's and Podman's chunks
 * have 2 KB and more.
 */
const MAX_PIECES = 65_536;

/**
 * The connection of one request, for an HTTP client without limits. It closes at the signal, above
 * 32 MiB, and if data other than the response arrives. The client may not report that;
 * {@link failed} does.
 */
export class EngineConnection extends Agent {
  /**
   * Rejects with the signal's reason, EngineError, PortholeError TARGET, or an Error with a message
   * for users. Never resolves.
   */
  readonly failed: Promise<never>;
  /** The error of {@link failed}. */
  failure: unknown;
  /** The request, for messages of the decoder. */
  request: EngineRequest;
  readonly #signal: AbortSignal;
  readonly #socketPath: string;
  readonly #dial: () => Duplex;
  readonly #reuse: Engine["reuse"];
  #kind: ResponseKind = "answer";
  #reject!: (error: unknown) => void;
  #socket: Duplex | undefined;
  #answer: IncomingMessage | undefined;
  #isSent = false;
  #bytes = 0;

  constructor({ socketPath, dial, reuse }: Engine, signal: AbortSignal) {
    super({ keepAlive: reuse !== undefined });
    this.#socketPath = socketPath;
    this.#dial = dial ?? (() => connect(socketPath));
    this.#reuse = reuse;
    this.request = { socketPath, path: "" };
    this.#signal = signal;
    this.failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // Prevents an unhandled rejection if no caller waits.
    this.failed.catch(() => undefined);
    signal.addEventListener("abort", this.#abort);
    if (signal.aborted) this.#abort();
  }

  /** Declares the next request. */
  expect(method: string, path: string, kind: ResponseKind): void {
    this.request = { socketPath: this.#socketPath, method, path };
    this.#kind = kind;
  }

  /**
   * Closes the connection, or leaves it to the next request after a complete response. A stream that
   * the caller has taken over stays open.
   */
  close(): void {
    this.#signal.removeEventListener("abort", this.#abort);
    const socket = this.#socket;
    if (socket === undefined) return;
    if (!socket.destroyed && this.#isSent && this.#answer !== undefined && isLeftOpen(this.#answer))
      this.#reuse?.(socket);
    socket.destroy();
  }

  override createConnection(): Duplex {
    const socket = this.#dial();
    this.#socket = socket;
    socket.on("data", this.#count);
    if (this.failure !== undefined) socket.destroy();
    return socket;
  }

  /** Node calls this for every request, inside the request's constructor. */
  addRequest(request: ClientRequest, options: object): void {
    const { method, path } = this.request;
    request.once("finish", () => {
      this.#isSent = true;
    });
    // Prepended, so that the client sees the response after this listener.
    request.prependListener("response", (answer: IncomingMessage) => this.#take(answer));
    request.prependListener("upgrade", (_: IncomingMessage, socket: Socket) => {
      if (this.#kind === "stream") this.#release(socket);
      else this.#fail(this.#wrong("switches protocols", `${method} ${path}`));
    });
    if (this.#kind === "stream") startAtOnce(request);
    (Agent.prototype as unknown as RequestQueue).addRequest.call(this, request, options);
  }

  /** docker-modem formats all options of a request for its log, even without one. */
  [inspect.custom](): string {
    return `EngineConnection ${this.#socketPath}`;
  }

  #take(answer: IncomingMessage): void {
    const status = answer.statusCode ?? 0;
    this.#answer = answer;
    // docker-modem would follow a redirect to any host.
    delete answer.headers.location;
    answer.on("close", () => {
      if (!answer.complete) this.#fail(new Error("the engine ended its response early"));
    });
    // 304: already in the requested state.
    const isRefusal = (status < 200 || status >= 300) && status !== 304;
    if (isRefusal) this.#refuse(status, answer);
    else if (this.#kind === "stream") this.#fail(this.#wrong("returns no stream", this.request.path));
    else if (this.#kind === "answer") this.#limitPieces(answer);
  }

  #refuse(status: number, answer: IncomingMessage): void {
    const held = new BoundedBuffer();
    this.#limitPieces(answer);
    answer.on("data", (piece: Buffer) => {
      if (this.failure === undefined) held.append(piece);
    });
    // The connection stays open: the response is complete.
    answer.on("end", () => this.#report(new EngineError(status, held.bytes.toString(), this.request)));
  }

  #limitPieces(answer: IncomingMessage): void {
    let pieces = 0;
    answer.on("data", () => {
      pieces++;
      if (pieces > MAX_PIECES) this.#fail(new PortholeError("TARGET", `response in more than ${MAX_PIECES} chunks`));
    });
  }

  /** Transfers the socket to the caller. */
  #release(socket: Duplex): void {
    socket.off("data", this.#count);
    this.#signal.removeEventListener("abort", this.#abort);
    this.#socket = undefined;
    // The socket may fail before the caller listens; the caller checks `destroyed`.
    socket.on("error", () => undefined);
  }

  readonly #count = ({ length }: Buffer): void => {
    this.#bytes += length;
    if (this.#bytes > MAX_RESPONSE)
      this.#fail(new PortholeError("TARGET", `response larger than ${MAX_RESPONSE} bytes`));
  };

  readonly #abort = (): void => this.#fail(this.#signal.reason);

  #fail(error: unknown): void {
    this.#report(error);
    this.#socket?.destroy();
  }

  #report(error: unknown): void {
    this.failure ??= error;
    this.#reject(error);
  }

  #wrong(what: string, request: string): PortholeError {
    return new PortholeError("TARGET", `the engine at ${this.#socketPath} ${what} for ${request}`);
  }
}

/** True if the server waits for another request on the connection (RFC 9112, 9.3). */
function isLeftOpen({ complete, httpVersion, headers }: IncomingMessage): boolean {
  return complete && httpVersion === "1.1" && !/close/i.test(headers.connection ?? "");
}

/** A method of http.Agent that its type declarations omit. */
interface RequestQueue {
  addRequest(request: ClientRequest, options: object): void;
}

/**
 * A request without a body whose response turns the connection into a stream. docker-modem neither
 * ends nor flushes the request, and Node would announce a body.
 */
function startAtOnce(request: ClientRequest): void {
  if (!request.hasHeader("Content-Length")) {
    request.removeHeader("Transfer-Encoding");
    request.setHeader("Content-Length", 0);
  }
  process.nextTick(() => request.flushHeaders());
}
