import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import Docker from "dockerode";
import type { Engine } from "./engine.ts";
import { EngineConnection, type ResponseKind } from "./engine-connection.ts";
import { EngineError } from "./engine-error.ts";
import { type EngineRequest, Json } from "./engine-json.ts";

export type { Docker };

/** What an engine answered, of which nothing is known yet. */
export interface DockerResponse {
  /** As docker-modem hands it on: what the JSON says, or the bytes where that is nothing (`null`, an empty text), or no JSON. */
  value: unknown;
  request: EngineRequest;
}

/**
 * One operation of dockerode at an engine that starts or removes something, with a deadline and a largest size that dockerode knows not; a question
 * that can be asked lightly goes through `ask` in engine.ts. `action` makes one request, and is given up at the signal.
 * @throws Refusal for a status that is no success; PortholeError TARGET for an answer too large; Node's own error where there is nobody to ask; the signal's
 * reason; an Error for an answer that is cut off
 */
export async function dockerRequest(
  engine: Engine,
  signal: AbortSignal,
  action: (docker: Docker) => Promise<unknown>,
): Promise<DockerResponse> {
  const connection = new EngineConnection(engine.socketPath, signal);
  let value: unknown;
  const docker = dockerOver(connection, engine, (answer) => {
    value = answer;
  });
  try {
    await Promise.race([action(docker), connection.failed]);
  } catch (error) {
    const failure = connection.failure ?? inOurWords(error);
    if (failure !== undefined) throw failure;
  } finally {
    connection.close();
  }
  return { value, request: connection.request };
}

/**
 * One operation whose connection is a stream both ways from then on: the standard streams of a process. The caller destroys it.
 * @throws as {@link dockerRequest}
 */
export async function openStream(
  engine: Engine,
  signal: AbortSignal,
  action: (docker: Docker) => Promise<NodeJS.ReadWriteStream>,
): Promise<Duplex> {
  return (await dockerRequest(engine, signal, action)).value as Socket;
}

/** An answer as JSON; see {@link Json}. Throws TARGET for what is none. */
export function jsonOf({ value, request }: DockerResponse): Json {
  if (!Buffer.isBuffer(value)) return new Json(value, request);
  const text = value.toString();
  try {
    return new Json(JSON.parse(text), request);
  } catch {
    throw new Json(text, request).typeError("JSON");
  }
}

/** Of docker-modem what every method of dockerode calls. */
interface Modem {
  dial(options: Dial, callback: (error: Error | null, answer: unknown) => void): void;
}

interface Dial {
  method: string;
  path: string;
  hijack?: boolean;
  isStream?: boolean;
}

/** A dockerode that asks through `connection`, and tells what was answered before it makes something of it. */
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

/** docker-modem takes its host, certificates and timeout from there, and fails where there are none, though it was told a socket. */
function withoutDockerHost<T>(make: () => T): T {
  const { DOCKER_HOST } = process.env;
  delete process.env.DOCKER_HOST;
  try {
    return make();
  } finally {
    if (DOCKER_HOST !== undefined) process.env.DOCKER_HOST = DOCKER_HOST;
  }
}

/** A failure of dockerode's; undefined for one that is none. */
function inOurWords(error: unknown): unknown {
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  // It is so already.
  if (statusCode === 304) return undefined;
  // Another success than dockerode knows.
  if (statusCode !== undefined) return new EngineError(statusCode, "");
  // Node: "socket hang up".
  if (code === "ECONNRESET") return new Error("the engine closed the connection without an answer", { cause: error });
  return error;
}
