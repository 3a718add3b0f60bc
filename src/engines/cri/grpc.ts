import { type ClientHttp2Session, connect, constants } from "node:http2";
import { connect as connectSocket } from "node:net";
import { anySignal } from "../../descriptors/any-signal.ts";
import type { WaitOptions } from "../../descriptors/poll.ts";
import { attachInterrupted, PortholeError } from "../../errors.ts";
import { encodeMessage, type Fields, ProtobufMessage } from "./protobuf.ts";

/** A failed call: the server's status (grpc/doc/statuscodes.md) and message. */
export class GrpcError extends PortholeError {
  readonly status: number;

  constructor(status: number, message: string) {
    super("TARGET", message);
    this.status = status;
  }
}

/** Statuses that callers distinguish. */
export const GrpcStatus = { notFound: 5, unimplemented: 12 } as const;

/** Maximum size of a response in bytes; the kubelet's own limit. */
const MAX_RESPONSE = 16 * 1024 * 1024;
const TIMEOUT_MS = 10_000;

/** A connection to a gRPC server at a Unix socket. */
export class GrpcConnection implements Disposable {
  readonly #session: ClientHttp2Session;
  #failure: Error | undefined;

  constructor(socketPath: string) {
    this.#session = connect("http://localhost", { createConnection: () => connectSocket(socketPath) });
    this.#session.on("error", (error) => {
      this.#failure = error;
    });
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }

  /**
   * Makes a unary call (grpc/doc/PROTOCOL-HTTP2.md).
   * @param method such as `/runtime.v1.RuntimeService/ListContainers`
   * @throws {@link GrpcError} with the server's status; PortholeError CANCELLED; Error with the
   * code of connect(2)
   */
  async call(
    method: string,
    fields: Fields,
    { timeoutMs = TIMEOUT_MS, signal, headers = {} }: WaitOptions & { headers?: Record<string, string> } = {},
  ): Promise<ProtobufMessage> {
    const body = encodeMessage(fields);
    const prefix = Buffer.alloc(PREFIX);
    prefix.writeUInt32BE(body.length, 1);
    const limit = AbortSignal.timeout(timeoutMs);
    const either = signal === undefined ? limit : anySignal([signal, limit]);
    try {
      return await this.#exchange(method, Buffer.concat([prefix, body]), headers, either);
    } catch (error) {
      if (signal?.aborted) throw attachInterrupted(error);
      if (limit.aborted) throw new PortholeError("TARGET", `no response within ${timeoutMs / 1000} s`);
      throw this.#failure ?? error;
    }
  }

  #exchange(
    method: string,
    body: Buffer,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<ProtobufMessage> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw signal.reason;
      const stream = this.#session.request(
        {
          [constants.HTTP2_HEADER_METHOD]: "POST",
          [constants.HTTP2_HEADER_PATH]: method,
          [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
          [constants.HTTP2_HEADER_TE]: "trailers",
          ...headers,
        },
        { signal },
      );
      const pieces: Buffer[] = [];
      let length = 0;
      let status: Record<string, unknown> = {};
      const note = (received: Record<string, unknown>) => {
        if (received["grpc-status"] !== undefined) status = received;
      };
      stream.on("response", note).on("trailers", note);
      stream.on("data", (piece: Buffer) => {
        pieces.push(piece);
        length += piece.length;
        if (length > MAX_RESPONSE)
          stream.destroy(new PortholeError("TARGET", `a response of more than ${MAX_RESPONSE} bytes`));
      });
      stream.on("error", reject);
      stream.on("close", () => {
        try {
          resolve(replyOf(status, Buffer.concat(pieces)));
        } catch (error) {
          reject(error);
        }
      });
      stream.end(body);
    });
  }
}

/** Size in bytes of a message's prefix: a compression flag and the length. */
const PREFIX = 5;

function replyOf(status: Record<string, unknown>, bytes: Buffer): ProtobufMessage {
  const code = Number(status["grpc-status"] ?? Number.NaN);
  if (Number.isNaN(code)) throw new PortholeError("TARGET", "closed without an answer");
  if (code !== 0) throw new GrpcError(code, decoded(String(status["grpc-message"] ?? `gRPC status ${code}`)));
  if (bytes.length < PREFIX || bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.length - PREFIX)
    throw new PortholeError("TARGET", "invalid response: not one gRPC message");
  return new ProtobufMessage(bytes.subarray(PREFIX));
}

/** The message is percent-encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
