import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { PortholeError } from "../errors.ts";
import { BoundedBuffer } from "./bounded-buffer.ts";
import { type Engine, wordsOf } from "./engine.ts";
import { Json, type Question } from "./engine-json.ts";

/** What goes with a request, and how long it may take. */
export interface CallOptions {
  /** Ends the request, and the reading of its answer. */
  signal: AbortSignal;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as a tar archive. */
  archive?: Buffer;
}

/** What an engine answered, as text that is at most 32 MiB. */
export interface CallAnswer {
  text: string;
  question: Question;
}

/** An engine that answered with another status than success. */
export class Refusal extends PortholeError {
  readonly status: number;

  constructor(status: number, words: string) {
    super("TARGET", words);
    this.status = status;
  }
}

/**
 * One request to an engine that starts or removes something; a question that can be asked lightly goes through `ask` in engine.ts.
 * @throws Refusal for a status that is no success; PortholeError TARGET for an answer too large; Node's own error where there is nobody to ask, at the
 * signal, and for an answer that is cut off
 */
export function call(engine: Engine, method: string, path: string, options: CallOptions): Promise<CallAnswer> {
  const question = { socketPath: engine.socketPath, path, method };
  return new Promise((resolve, reject) => {
    const { asked, body } = prepare(question, options, {}, reject);
    // Unheard, Node would close it without a word, and this promise would stay open.
    asked.on("upgrade", (_, stream) => {
      stream.destroy();
      reject(new PortholeError("TARGET", `the engine at ${engine.socketPath} leaves HTTP for ${method} ${path}`));
    });
    asked.on("response", (answer) => {
      read(answer).then((text) => {
        // 304: it is so already.
        if (isSuccess(answer) || answer.statusCode === 304) resolve({ text, question });
        else reject(refusal(answer, text));
      }, reject);
    });
    asked.end(body);
  });
}

/**
 * One request whose connection is a stream both ways from then on: the standard streams of a process. The caller destroys it.
 * @throws as {@link call}
 */
export function upgrade(engine: Engine, path: string, options: CallOptions): Promise<Duplex> {
  const question = { socketPath: engine.socketPath, path, method: "POST" };
  return new Promise((resolve, reject) => {
    const { asked, body } = prepare(question, options, { Connection: "Upgrade", Upgrade: "tcp" }, reject);
    asked.on("upgrade", (_, stream, head) => {
      // It may break before the caller listens, who looks whether it is destroyed.
      stream.on("error", () => undefined);
      if (head.length > 0) stream.unshift(head);
      resolve(stream);
    });
    asked.on("response", (answer) => {
      if (!isSuccess(answer)) return read(answer).then((text) => reject(refusal(answer, text)), reject);
      answer.destroy();
      reject(new PortholeError("TARGET", `the engine at ${engine.socketPath} gives no stream for ${path}`));
    });
    asked.end(body);
  });
}

/** The text of an answer as JSON; see {@link Json}. Throws TARGET for what is none. */
export function jsonOf({ text, question }: CallAnswer): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Json(text, question).refusal("JSON");
  }
  return new Json(value, question);
}

/** `failed` is called where no answer comes. */
function prepare(
  { socketPath, path, method }: Question,
  options: CallOptions,
  headers: Record<string, string>,
  failed: (error: Error) => void,
): { asked: ClientRequest; body: Buffer | undefined } {
  const { json, archive, signal } = options;
  const body = archive ?? (json === undefined ? undefined : Buffer.from(JSON.stringify(json)));
  const type = archive === undefined ? "application/json" : "application/x-tar";
  const asked = request({
    // A connection of its own: what is left of a refused one is nobody's to go on with.
    ...{ socketPath, path, method, signal, agent: false },
    headers: {
      ...{ Host: "localhost", "Content-Length": body?.length ?? 0, ...headers },
      ...(body !== undefined && { "Content-Type": type }),
    },
  });
  asked.on("error", (error: NodeJS.ErrnoException) => {
    // Node: "socket hang up".
    const isOver = error.code === "ECONNRESET";
    failed(isOver ? new Error("the engine closed the connection without an answer", { cause: error }) : error);
  });
  return { asked, body };
}

/** Rejects where the answer is cut off or too large; its connection is closed then. */
function read(answer: IncomingMessage): Promise<string> {
  const held = new BoundedBuffer();
  return new Promise((resolve, reject) => {
    answer.on("data", (piece: Buffer) => {
      try {
        held.append(piece);
      } catch (error) {
        reject(error);
        answer.destroy();
      }
    });
    answer.on("end", () => resolve(held.bytes.toString()));
    // Node: "aborted". Whether the signal did it, the caller knows.
    const brokenOff = (cause?: unknown) => reject(new Error("the engine broke off its answer", { cause }));
    answer.on("error", brokenOff);
    answer.on("close", () => brokenOff());
  });
}

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function refusal({ statusCode = 0 }: IncomingMessage, text: string): Refusal {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy's refusal is HTML, say: its status has to do.
  }
  return new Refusal(statusCode, wordsOf({ body }) ?? `HTTP status ${statusCode}`);
}
