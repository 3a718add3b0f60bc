import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import Docker from "dockerode";
import type { Engine } from "./engine.ts";
import { EngineConnection, type ResponseKind } from "./engine-connection.ts";
import { EngineError } from "./engine-error.ts";
import { type EngineRequest, Json } from "./engine-json.ts";

export type { Docker };

/** A response of unknown content. */
export interface DockerResponse {
  /**
   * From docker-modem: the parsed JSON; the bytes if the JSON is falsy (`null`, empty text) or
   * invalid.
   */
  value: unknown;
  request: EngineRequest;
}

/**
 * Runs one operation of dockerode that starts or removes an object, with the deadline and size
 * limit that dockerode lacks. Use `engineGet` of engine.ts for simple requests. `action` makes one
 * request; the signal aborts it.
 * @throws EngineError for an HTTP status that is not success; PortholeError TARGET for a response
 * that is too large; Node's error if nothing listens; the signal's reason; an Error for a truncated
 * response
 */
export async function dockerRequest(
  engine: Engine,
  signal: AbortSignal,
  action: (docker: Docker) => Promise<unknown>,
): Promise<DockerResponse> {
  const connection = new EngineConnection(engine, signal);
  let value: unknown;
  const docker = dockerOver(connection, engine, (answer) => {
    value = answer;
  });
  try {
    await Promise.race([action(docker), connection.failed]);
  } catch (error) {
    const failure = connection.failure ?? translateError(error, connection.request);
    if (failure !== undefined) throw failure;
  } finally {
    connection.close();
  }
  return { value, request: connection.request };
}

/**
 * An operation whose connection becomes a bidirectional stream: the standard streams of a process.
 * The caller destroys it.
 * @throws as {@link dockerRequest}
 */
export async function openStream(
  engine: Engine,
  signal: AbortSignal,
  action: (docker: Docker) => Promise<NodeJS.ReadWriteStream>,
): Promise<Duplex> {
  return (await dockerRequest(engine, signal, action)).value as Socket;
}

/**
 * A response as {@link Json}.
 * @throws PortholeError TARGET for invalid JSON
 */
export function jsonOf({ value, request }: DockerResponse): Json {
  if (!Buffer.isBuffer(value)) return new Json(value, request);
  return Json.parse(value.toString(), request);
}

/** The method of docker-modem that every method of dockerode calls. */
interface Modem {
  dial(options: Dial, callback: (error: Error | null, answer: unknown) => void): void;
}

interface Dial {
  method: string;
  path: string;
  hijack?: boolean;
  isStream?: boolean;
}

/** A dockerode that uses `connection` and passes each raw response to `answered`. */
function dockerOver(connection: EngineConnection, { socketPath }: Engine, answered: (value: unknown) => void): Docker {
  const options = { protocol: "http" as const, socketPath, agent: connection };
  const docker = withoutDockerHost(() => new Docker(options));
  const modem = docker.modem as Modem;
  const dial = modem.dial.bind(modem);
  modem.dial = (options, callback) => {
    connection.expect(options.method, options.path.replace(/\?$/, ""), kindOf(options));
    dial(options, (error, answer) => {
      answered(answer);
      callback(error, answer);
    });
  };
  return docker;
}

function kindOf({ hijack, isStream }: Dial): ResponseKind {
  if (hijack === true) return "stream";
  return isStream === true ? "pieces" : "answer";
}

/**
 * docker-modem reads the host, certificates and timeout from the environment even if it has a
 * socket, and fails if the certificates do not exist.
 */
function withoutDockerHost<T>(make: () => T): T {
  const { DOCKER_HOST } = process.env;
  delete process.env.DOCKER_HOST;
  try {
    return make();
  } finally {
    if (DOCKER_HOST !== undefined) process.env.DOCKER_HOST = DOCKER_HOST;
  }
}

/** Translates an error of dockerode; undefined for a successful status. */
function translateError(error: unknown, request: EngineRequest): unknown {
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  // 304: already in the requested state.
  if (statusCode === 304) return undefined;
  // dockerode does not expect this status.
  if (statusCode !== undefined) return new EngineError(statusCode, "", request);
  // Node's message is "socket hang up".
  if (code === "ECONNRESET") return new Error("the engine closed the connection without a response", { cause: error });
  return error;
}
