import { Agent, type ClientRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { inspect } from "node:util";
import { PortholeError } from "../errors.ts";
import { BoundedBuffer, MAX_RESPONSE } from "./bounded-buffer.ts";
import { EngineError } from "./engine-error.ts";
import type { EngineRequest } from "./engine-json.ts";

/** What a request makes of its connection: `answer` is read whole by who asked, `pieces` as it comes, `stream` goes both ways from then on. */
export type ResponseKind = "answer" | "pieces" | "stream";

/** Pieces in which an answer may come, for each is an object of its own until it is whole. Docker's and Podman's have 2 KB and more. */
const MAX_PIECES = 65_536;

/**
 * The connection of one request to an engine, for an HTTP client that has no bounds of its own: it is closed at the signal, past 32 MiB, and when anything
 * comes but the one answer. The client may say nothing of that, then or ever: {@link failed} does.
 */
export class EngineConnection extends Agent {
  /** Rejects with what went wrong: the signal's reason, Refusal, PortholeError TARGET, or an Error in words for users. Never resolves. */
  readonly failed: Promise<never>;
  /** What {@link failed} rejected with. */
  failure: unknown;
  /** What was asked, for the decoder of the answer. */
  request: EngineRequest;
  readonly #signal: AbortSignal;
  readonly #socketPath: string;
  #kind: ResponseKind = "answer";
  #reject!: (error: unknown) => void;
  #socket: Socket | undefined;
  #bytes = 0;

  constructor(socketPath: string, signal: AbortSignal) {
    super();
    this.#socketPath = socketPath;
    this.request = { socketPath, path: "" };
    this.#signal = signal;
    this.failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // Also where nobody waits for it any more.
    this.failed.catch(() => undefined);
    signal.addEventListener("abort", this.#abort);
    if (signal.aborted) this.#abort();
  }

  /** Says what is about to be asked. */
  expect(method: string, path: string, kind: ResponseKind): void {
    this.request = { socketPath: this.#socketPath, method, path };
    this.#kind = kind;
  }

  /** Closes it; a stream that its caller has taken over stays open. */
  close(): void {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#socket?.destroy();
  }

  override createConnection(): Socket {
    const socket = connect(this.#socketPath);
    this.#socket = socket;
    socket.on("data", this.#count);
    if (this.failure !== undefined) socket.destroy();
    return socket;
  }

  /** Node calls this with every request, in the middle of its constructor. */
  addRequest(request: ClientRequest, options: object): void {
    const { method, path } = this.request;
    // First, so that the client finds an answer as it is left here.
    request.prependListener("response", (answer: IncomingMessage) => this.#take(answer));
    request.prependListener("upgrade", (_: IncomingMessage, socket: Socket) => {
      if (this.#kind === "stream") this.#release(socket);
      else this.#fail(this.#wrong("leaves HTTP", `${method} ${path}`));
    });
    if (this.#kind === "stream") startAtOnce(request);
    (Agent.prototype as unknown as RequestQueue).addRequest.call(this, request, options);
  }

  /** docker-modem has every option of a request written out for its log, whether there is one or not. */
  [inspect.custom](): string {
    return `EngineConnection ${this.#socketPath}`;
  }

  #take(answer: IncomingMessage): void {
    const status = answer.statusCode ?? 0;
    // docker-modem would follow it, to any host.
    delete answer.headers.location;
    answer.on("close", () => {
      if (!answer.complete) this.#fail(new Error("the engine broke off its answer"));
    });
    // 304: it is so already.
    const isRefusal = (status < 200 || status >= 300) && status !== 304;
    if (isRefusal) this.#refuse(status, answer);
    else if (this.#kind === "stream") this.#fail(this.#wrong("gives no stream", this.request.path));
    else if (this.#kind === "answer") this.#limitPieces(answer);
  }

  #refuse(status: number, answer: IncomingMessage): void {
    const held = new BoundedBuffer();
    this.#limitPieces(answer);
    answer.on("data", (piece: Buffer) => {
      if (this.failure === undefined) held.append(piece);
    });
    answer.on("end", () => this.#fail(new EngineError(status, held.bytes.toString())));
  }

  #limitPieces(answer: IncomingMessage): void {
    let pieces = 0;
    answer.on("data", () => {
      pieces++;
      if (pieces > MAX_PIECES) this.#fail(new PortholeError("TARGET", `an answer in more than ${MAX_PIECES} pieces`));
    });
  }

  /** From here on the socket is the caller's. */
  #release(socket: Socket): void {
    socket.off("data", this.#count);
    this.#signal.removeEventListener("abort", this.#abort);
    this.#socket = undefined;
    // It may break before the caller listens, who looks whether it is destroyed.
    socket.on("error", () => undefined);
  }

  readonly #count = ({ length }: Buffer): void => {
    this.#bytes += length;
    if (this.#bytes > MAX_RESPONSE)
      this.#fail(new PortholeError("TARGET", `an answer of more than ${MAX_RESPONSE} bytes`));
  };

  readonly #abort = (): void => this.#fail(this.#signal.reason);

  #fail(error: unknown): void {
    this.failure ??= error;
    this.#reject(error);
    this.#socket?.destroy();
  }

  #wrong(what: string, request: string): PortholeError {
    return new PortholeError("TARGET", `the engine at ${this.#socketPath} ${what} for ${request}`);
  }
}

/** Of http.Agent what its declarations leave out. */
interface RequestQueue {
  addRequest(request: ClientRequest, options: object): void;
}

/** A request without a body whose stream both ways comes with the answer: docker-modem neither ends nor sends it, and Node announces a body. */
function startAtOnce(request: ClientRequest): void {
  if (!request.hasHeader("Content-Length")) {
    request.removeHeader("Transfer-Encoding");
    request.setHeader("Content-Length", 0);
  }
  process.nextTick(() => request.flushHeaders());
}
