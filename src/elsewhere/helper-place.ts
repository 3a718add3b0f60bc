import { PassThrough } from "node:stream";
import { dockerRequest, jsonOf, openStream } from "../engines/api/docker-client.ts";
import { EngineError } from "../engines/api/engine-error.ts";
import type { RemoteEngine } from "../engines/api/remote-engine.ts";
import { PortholeError } from "../errors.ts";
import { isMissing } from "../routes/agents/route-error.ts";
import { silentEngine } from "./connection-error.ts";
import { type Dialler, dialler } from "./dial.ts";
import { recordEngine } from "./engine-records.ts";
import {
  endedEarly,
  ensureHelper,
  type HelperOptions,
  helperName,
  isForOtherProcessor,
  isRunning,
  otherProcessor,
  START_MS,
} from "./helper.ts";
import { inTime, isTimeout } from "./in-time.ts";
import { AGENT_IN_IMAGE, COMMAND_IN_IMAGE, NODE_IN_IMAGE } from "./installation.ts";
import { installedPlace, isInstalled } from "./installed-place.ts";
import { lostConnection } from "./lost-connection.ts";
import type { Place, PlaceProcess } from "./place.ts";
import { RESPONSE_MS } from "./pulse.ts";
import { splitOutputs } from "./split-outputs.ts";
import type { SshConnection } from "./ssh-connection.ts";

/** A remote engine as a place. Programs run in this user's helper container on that engine. */
export interface HelperPlace extends Place, Disposable {
  /** Ends its connections. */
  close(): void;
}

export interface HelperPlaceOptions extends Omit<HelperOptions, "signal" | "connected"> {
  /** The first connection; see {@link beginConnection}. */
  begun?: SshConnection | undefined;
}

/**
 * Connects and starts the helper at the first {@link Place.start}. If ssh reaches the host but not
 * the engine's API, runs the porthole that is installed on the host instead.
 */
export function helperPlace(remote: RemoteEngine, { begun, ...options }: HelperPlaceOptions): HelperPlace {
  const connections = dialler(remote, begun);
  const { transport } = remote;
  let helper: string | undefined;
  let installed: Place | undefined;
  return {
    name: `the engine at ${remote.address}`,
    close: () => connections.close(),
    [Symbol.dispose]: () => connections.close(),
    start: async (command, signal) => {
      if (installed !== undefined) return installed.start(command, signal);
      try {
        connections.prepare();
        const found = helper ?? helperName(options);
        const running = await started(connections, found, command, signal).catch(ifEnded);
        if (running !== undefined) {
          recordEngine(remote);
          helper = found;
          return running;
        }
        helper = await readyHelper(connections, { ...options, signal, connected: () => recordEngine(remote) });
        return await started(connections, helper, command, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (isTimeout(error)) throw silentEngine(remote, RESPONSE_MS, error);
        const isUnreachable = helper === undefined && connections.isHostReached();
        if (!isUnreachable || transport.kind !== "ssh" || !(await isInstalled(transport, signal)))
          throw connections.explain(error);
        installed = installedPlace(transport);
        return installed.start(command, signal);
      }
    },
  };
}

/** Returns the id of a helper that has found its engine's socket. */
async function readyHelper(connections: Dialler, options: HelperOptions): Promise<string> {
  const { engine } = connections;
  const { id, image, isNew } = await ensureHelper(engine, options);
  if (!isNew) return id;
  const search = [NODE_IN_IMAGE, COMMAND_IN_IMAGE, "__engine-socket", id];
  // Runs the search under `remote`, like every command in the helper, so that it ends if this
  // process ends.
  const command = [AGENT_IN_IMAGE, "remote", "--", ...search];
  const messages = await inTime(options.signal, START_MS, (signal) =>
    messagesOf(connections, id, command, signal),
  ).catch(async (error: unknown) => {
    throw hasEnded(error) ? await endedEarly(engine, image, options.signal) : error;
  });
  if (messages.endsWith("\0porthole-end exit 0\n")) return id;
  const [reason = "", end] = messages.split("\0");
  const why = reason.trim().split("\n").at(-1) || "its command ended early";
  if (isForOtherProcessor(why)) throw otherProcessor(why);
  // Podman reports an exec in an ended helper on the stream.
  const isEnded = end === undefined && !(await isRunning(engine, id, options.signal));
  throw isEnded
    ? await endedEarly(engine, image, options.signal)
    : new PortholeError("ATTACH", `the helper cannot run: ${why}`);
}

/** Runs a command in the helper and returns its standard error. */
async function messagesOf(
  connections: Dialler,
  helper: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const process = await execIn(connections, helper, command, signal);
  const stop = () => process.close();
  signal.addEventListener("abort", stop);
  process.stdout.resume();
  const text = await new Promise<string>((resolve) => {
    let messages = "";
    process.stderr.setEncoding("utf8").on("data", (piece: string) => {
      messages = (messages + piece).slice(-MAX_MESSAGES);
    });
    process.stderr.once("close", () => resolve(messages));
  });
  process.close();
  signal.throwIfAborted();
  return text;
}

/** Maximum characters that are kept from the end of a command's standard error. */
const MAX_MESSAGES = 4096;

/** Ignores an engine's error about a container that has stopped or does not exist. */
function ifEnded(error: unknown): undefined {
  if (!hasEnded(error)) throw error;
}

/** True for an engine's error about a container that has stopped. */
function hasEnded(error: unknown): boolean {
  if (!(error instanceof EngineError)) return false;
  return (
    isMissing(error) ||
    error.status === 409 ||
    /not running|running containers|stopped|exec format error/i.test(error.message)
  );
}

/** Starts a command in the helper. @throws DOMException TimeoutError if the engine does not respond */
function started(
  connections: Dialler,
  helper: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<PlaceProcess> {
  return inTime(signal, RESPONSE_MS, (limited) => execIn(connections, helper, command, limited));
}

/** Starts a program in the helper by the engine's exec. */
async function execIn(
  { engine }: Dialler,
  helper: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<PlaceProcess> {
  const options = { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: false, Cmd: [...command] };
  const exec = jsonOf(await dockerRequest(engine, signal, (docker) => docker.getContainer(helper).exec(options)))
    .get("Id")
    .text();
  const start = { hijack: true, stdin: true, Detach: false, Tty: false };
  const stream = await openStream(engine, signal, (docker) => docker.getExec(exec ?? "").start(start));
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  splitOutputs(stream, stdout, stderr);
  return {
    stdin: stream,
    stdout,
    stderr,
    lost: () => lostConnection(`the engine at ${engine.name}`),
    close: () => stream.destroy(),
  };
}
