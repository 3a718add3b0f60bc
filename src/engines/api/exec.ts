import { PortholeError } from "../../errors.ts";
import { type Engine, engineGet, refusedBy, unreachable } from "./engine.ts";
import { EngineError } from "./engine-error.ts";
import { Json } from "./engine-json.ts";
import { type HttpStream, httpPost, httpUpgrade } from "./http.ts";

/** The body of an exec's creation, as far as porthole uses it. */
export interface ExecDescription {
  Cmd: readonly string[];
  User: string;
  Privileged: boolean;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
}

/**
 * Creates an exec in a running container and returns its id. This and {@link startExec} do not use
 * dockerode: docs/decisions.md.
 * @throws EngineError for an HTTP status that is not success; PortholeError TARGET for a failed
 * connection or an invalid response; the signal's reason
 */
export async function createExec(
  engine: Engine,
  container: string,
  description: ExecDescription,
  signal: AbortSignal,
): Promise<string> {
  const path = `/containers/${container}/exec`;
  const { status, body } = await whileWanted(signal, httpPost(engine.socketPath, path, description, signal), engine);
  const request = { socketPath: engine.socketPath, method: "POST", path };
  if (status < 200 || status >= 300) throw new EngineError(status, body.toString(), request);
  return Json.parse(body.toString(), request).get("Id").containerId();
}

/**
 * Starts an exec. Resolves with the connection to its standard streams, whose output has frames
 * (demultiplex.ts).
 * @throws as {@link createExec}
 */
export async function startExec(engine: Engine, exec: string, signal: AbortSignal): Promise<HttpStream> {
  const path = `/exec/${exec}/start`;
  const body = { Detach: false, Tty: false };
  const answer = await whileWanted(signal, httpUpgrade(engine.socketPath, path, body, signal), engine);
  if ("socket" in answer) return answer;
  const { status, body: told } = answer;
  const request = { socketPath: engine.socketPath, method: "POST", path };
  if (status < 200 || status >= 300) throw new EngineError(status, told.toString(), request);
  throw new PortholeError("TARGET", `the engine at ${engine.socketPath} returns no stream for ${path}`);
}

/**
 * Returns the pid of an exec's process; 0 or undefined if the engine does not report it.
 * @throws PortholeError TARGET; the signal's reason
 */
export async function pidOfExec(engine: Engine, exec: string, signal: AbortSignal): Promise<number | undefined> {
  const path = `/exec/${exec}/json`;
  const answer = await whileWanted(signal, engineGet(engine, path, { signal }));
  if (answer.status !== 200) throw refusedBy(engine, answer, "inspect an exec");
  return new Json(answer.body, answer.request).get("Pid").whole();
}

/** @param engine the error for a failed connection has its address */
async function whileWanted<Answer>(signal: AbortSignal, answer: Promise<Answer>, engine?: Engine): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const isInvalid = error instanceof PortholeError && error.errno === undefined;
    throw engine === undefined || isInvalid ? error : unreachable(engine, error);
  }
}
