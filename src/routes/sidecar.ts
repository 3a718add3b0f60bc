import { createHash, randomBytes } from "node:crypto";
import { basename, dirname } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { SIDECAR_LABEL } from "../engines/container-list.ts";
import { type Docker, dockerRequest, jsonOf, openStream } from "../engines/docker-client.ts";
import type { Engine } from "../engines/engine.ts";
import { EngineError } from "../engines/engine-error.ts";
import { httpGet } from "../engines/http.ts";
import type { RunningContainer } from "../engines/resolve.ts";
import { PortholeError } from "../errors.ts";
import { VERSION } from "../protocol/messages.ts";
import { acceptOverStream, agentOptions, type StartOptions } from "./accept-over-stream.ts";
import { agentImage, importAgentImage, isImageMissing, removeUnusedImages } from "./agent-image.ts";
import { AGENT_NAME } from "./agent-program.ts";
import { isFirstProcess } from "./kernel.ts";
import { inCgroupOf, innerPid } from "./process.ts";
import { type ConnectedAgent, openRendezvous, type Rendezvous } from "./rendezvous.ts";
import { deadline, ignoreMissing, routeError } from "./route-error.ts";
import { MOUNT_POINT, type RunDirectory, runDirectoryPaths } from "./run-dir.ts";
import { firstFileOf } from "./tar.ts";

/** Label of every sidecar; its value is the run directory of the user whose it is: several users may share an engine. */
const OWNER_LABEL = "io.porthole.run-directory";
/** Milliseconds for removing what was begun or is not wanted any more. */
const CLEAN_UP_MS = 5_000;

/** What a sidecar is for, and how it differs from others. */
export interface Sidecar {
  engine: Engine;
  /** Of its target: 64 hexadecimal digits. */
  target: string;
  /** For messages. */
  name: string;
  /** What its agent is told besides how to report. */
  options: string[];
  /** Of HostConfig, over what every sidecar has. */
  host: Record<string, unknown>;
  /** Mounted into it, as `SOURCE:PLACE:ro`. */
  binds?: string[];
  /** Of its name, where several for one target may be there at the same time. */
  suffix?: string;
}

/**
 * Starts the agent in a container of its own beside the target: route `sidecar`. Resolves with that container's id too.
 * @throws PortholeError ATTACH, CANCELLED; nothing is left then, unless the engine does not answer. Whatever that leaves bears a name and labels of
 * ours, and goes with the next start for this target or with `detach --all`.
 */
export function attachSidecar(
  container: RunningContainer,
  run: RunDirectory,
  listener: OwnedFd,
  options: StartOptions,
): Promise<ConnectedAgent & { sidecar: string }> {
  return runSidecar(besideRunning(container), run, listener, options);
}

/** Processes that a sidecar may have. */
const PIDS = 512;

interface SidecarOptions extends StartOptions {
  /** 0 for none. */
  pidsLimit: number;
}

/** Starts an agent in a container of its own. As {@link attachSidecar}. */
export async function runSidecar(
  sidecar: Sidecar,
  run: RunDirectory,
  listener: OwnedFd | undefined,
  options: StartOptions,
): Promise<ConnectedAgent & { sidecar: string }> {
  try {
    return await startSidecar(sidecar, run, listener, { ...options, pidsLimit: PIDS });
  } catch (error) {
    // Control groups of v2 may be without the pids controller; only then is there no limit.
    if (!(error instanceof PortholeError) || !/\bpids\b/.test(error.message)) throw error;
    return startSidecar(sidecar, run, listener, { ...options, pidsLimit: 0 });
  }
}

async function startSidecar(
  sidecar: Sidecar,
  run: RunDirectory,
  listener: OwnedFd | undefined,
  options: SidecarOptions,
): Promise<ConnectedAgent & { sidecar: string }> {
  const { engine } = sidecar;
  const rendezvous = openRendezvous(run);
  const over = deadline(options.timeoutMs, options.signal);
  const name = sidecarName(sidecar.target, run, sidecar.suffix);
  let stream: Duplex | undefined;
  try {
    const id = await createSidecar(sidecar, run, name, rendezvous, { ...options, over });
    options.signal?.throwIfAborted();
    stream = await openStream(engine, over, (docker) => docker.getContainer(id).attach(STREAMS));
    await dockerRequest(engine, over, (docker) => docker.getContainer(id).start());
    const isOurs = async (peer: number) => inCgroupOf(peer, id) || (await pidOf(engine, id, over)) === peer;
    const met = await acceptOverStream(stream, rendezvous, listener, isOurs, options);
    return { ...met, sidecar: id };
  } catch (error) {
    // By name: also one that was created only, for AutoRemove acts on a container that ran, or whose id we were never told.
    await removeOurs(engine, name, run, AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
    throw routeError("sidecar", sidecar.name, error, { ...options, signal: options.signal, over });
  } finally {
    stream?.destroy();
    rendezvous.close();
  }
}

/**
 * Reads a file of the engine's own storage: out of a container that is created with the file's directory in it, read-only, never
 * started and then removed. Resolves with undefined where there is no such file.
 * @throws PortholeError ATTACH, CANCELLED
 */
export async function readEngineFile(
  files: Pick<Sidecar, "engine" | "target" | "name">,
  path: string,
  run: RunDirectory,
  options: Pick<StartOptions, "timeoutMs" | "signal">,
): Promise<Buffer | undefined> {
  const { engine, target } = files;
  const mount = { Type: "bind", Source: dirname(path), Target: STORAGE_PLACE, ReadOnly: true };
  const host = { Mounts: [mount], SecurityOpt: ["no-new-privileges", "label=disable"] };
  const rendezvous = openRendezvous(run);
  const over = deadline(options.timeoutMs, options.signal);
  const name = sidecarName(target, run);
  try {
    const how = { ...options, user: "", idleSeconds: 1, pidsLimit: 0, over };
    const id = await createSidecar({ ...files, options: [], host }, run, name, rendezvous, how);
    const question = `/containers/${id}/archive?path=${encodeURIComponent(`${STORAGE_PLACE}/${basename(path)}`)}`;
    const answer = await httpGet(engine.socketPath, question, { timeoutMs: options.timeoutMs, signal: over });
    return answer.status === 200 ? firstFileOf(answer.body) : undefined;
  } catch (error) {
    if (error instanceof EngineError && /bind source path does not exist|no such file/i.test(error.message))
      return undefined;
    throw routeError("sidecar", files.name, error, { ...options, signal: options.signal, over });
  } finally {
    rendezvous.close();
    await removeOurs(engine, name, run, AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
  }
}

const STORAGE_PLACE = "/storage";

/**
 * Removes this user's sidecars from an engine: those of one target, by its id, or all; with all of them the agent's images too, unless a container
 * of somebody else's runs one.
 * @throws the engine's failure
 */
export async function removeSidecars(engine: Engine, target?: string, run = runDirectoryPaths()): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  const label = [`${OWNER_LABEL}=${run.root}`, ...(target === undefined ? [] : [`${SIDECAR_LABEL}=${target}`])];
  const ofOurs = { all: true, filters: { label } };
  try {
    const listed = jsonOf(await dockerRequest(engine, signal, (docker) => docker.listContainers(ofOurs))).list();
    await Promise.all(listed.map((one) => remove(engine, one.get("Id").containerId(), signal)));
    if (target === undefined) await removeUnusedImages(engine, signal);
  } catch (error) {
    if (!signal.aborted || error instanceof PortholeError) throw error;
    const text = `the engine did not answer within ${CLEAN_UP_MS / 1_000} s`;
    throw new PortholeError("TARGET", text, { errno: "ETIMEDOUT", cause: error });
  }
}

/** All standard streams. What is not in `_query` goes as a body, which Podman (4.3) hands to the container as the first of its standard input. */
const STREAMS = {
  ...{ stream: true, stdin: true, hijack: true },
  ...{ _query: { stream: 1, stdin: 1, stdout: 1, stderr: 1 }, _body: {} },
};

/** The same for every start, so that one that was interrupted is found again: by target, by user (several share an engine) and by protocol. */
function sidecarName(target: string, run: RunDirectory, suffix = ""): string {
  const owner = createHash("sha256").update(run.root).digest("hex").slice(0, 8);
  return `porthole-${target.slice(0, 12)}-${owner}-v${VERSION}${suffix}`;
}

/** Resolves when the container is gone, whoever removes it: its own end (AutoRemove) may be about to. */
async function remove(engine: Engine, idOrName: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await dockerRequest(engine, signal, (docker) => docker.getContainer(idOrName).remove({ force: true }));
      return;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.status === 404) return;
      // Being removed; Docker keeps the name until that is done.
      if (error.status !== 409) throw error;
      await delay(10, undefined, { signal });
    }
  }
}

/** Creates the sidecar and tells its id; imports its image, or removes what has its name, where that is in the way. */
async function createSidecar(
  sidecar: Sidecar,
  run: RunDirectory,
  name: string,
  rendezvous: Rendezvous,
  options: SidecarOptions & { over: AbortSignal },
): Promise<string> {
  const { engine } = sidecar;
  // Else dockerode would send everything twice, in the address too.
  const body: object = { _query: { name }, _body: description(sidecar, run, rendezvous, options) };
  const settled = settling(options);
  for (let attempt = 0; ; attempt++) {
    try {
      const created = await dockerRequest(engine, settled, (docker) =>
        docker.createContainer(body as Docker.ContainerCreateOptions),
      );
      return jsonOf(created).get("Id").containerId();
    } catch (error) {
      if (!(error instanceof EngineError) || attempt === ATTEMPTS) throw error;
      const isNameTaken = error.status === 409 || /name .*(already )?in use/i.test(error.message);
      if (!isImageMissing(error) && !isNameTaken) throw error;
      // A start that was killed left it, or one that ends just now: no other start of ours is under way, for we hold the lock.
      if (isNameTaken) await removeOurs(engine, name, run, options.over);
      // Not imported yet, or another user's `detach --all` took it away since.
      else await importAgentImage(engine, options.over);
      // The engine may need a moment to let go of a name.
      if (attempt > 0) await delay(20 * attempt, undefined, { signal: options.over });
    }
  }
}

const ATTEMPTS = 8;

/**
 * A signal for a creation under way, a moment after the one that ends everything else: a request that is given up may still make the container, after we
 * looked for it. Waiting for the answer tells.
 */
function settling({ over }: { over: AbortSignal }): AbortSignal {
  const late = new AbortController();
  over.addEventListener("abort", () => setTimeout(() => late.abort(), CLEAN_UP_MS / 2).unref(), { once: true });
  return late.signal;
}

/** Removes the container of that name if its label says that it is this user's. */
async function removeOurs(engine: Engine, name: string, run: RunDirectory, signal: AbortSignal): Promise<void> {
  try {
    const found = jsonOf(await dockerRequest(engine, signal, (docker) => docker.getContainer(name).inspect()));
    if (found.get("Config").get("Labels").get(OWNER_LABEL).text() !== run.root) return;
  } catch (error) {
    return ignoreMissing(error);
  }
  await remove(engine, name, signal);
}

/** The number that the engine gives the first process of a container. */
async function pidOf(engine: Engine, id: string, signal: AbortSignal): Promise<number | undefined> {
  return jsonOf(await dockerRequest(engine, signal, (docker) => docker.getContainer(id).inspect()))
    .get("State")
    .get("Pid")
    .whole();
}

/** The body of the request that creates a sidecar. */
function description(sidecar: Sidecar, run: RunDirectory, rendezvous: Rendezvous, options: SidecarOptions): object {
  const { target, host, binds = [] } = sidecar;
  return {
    Image: agentImage(),
    Cmd: [`/${AGENT_NAME}`, "sidecar", ...agentOptions(rendezvous, options), ...sidecar.options],
    User: "0:0",
    WorkingDir: "/",
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    NetworkDisabled: true,
    Labels: { [SIDECAR_LABEL]: target, [OWNER_LABEL]: run.root },
    HostConfig: {
      NetworkMode: "none",
      IpcMode: "private",
      ReadonlyRootfs: true,
      AutoRemove: true,
      CapDrop: ["ALL"],
      Binds: [`${run.mount}:${MOUNT_POINT}:ro`, ...binds],
      PidsLimit: options.pidsLimit,
      LogConfig: { Type: "none", Config: {} },
      ...host,
    },
  };
}

/** A sidecar that passes a tree of the container's mounts and ends. SYS_ADMIN and SYS_CHROOT are to join its mount namespace. */
export function treeSidecar(container: RunningContainer): Sidecar {
  const { host, options, ...rest } = besideRunning(container);
  const { CapAdd, ...same } = host;
  const capabilities = [...(CapAdd as string[]), "SYS_ADMIN", "SYS_CHROOT"];
  return { ...rest, options: [...options, "--tree"], host: { ...same, CapAdd: capabilities }, suffix: treeSuffix() };
}

/** Tells sidecars for trees of one target apart: several commands may want one at the same time. */
export function treeSuffix(): string {
  return `-tree-${randomBytes(4).toString("hex")}`;
}

function besideRunning(container: RunningContainer): Sidecar {
  const place = pidPlace(container);
  return {
    ...{ engine: container.engine, target: container.id, name: container.name },
    options: ["--target-pid", String(place.targetPid)],
    host: {
      PidMode: place.pidMode,
      ...(container.usernsMode !== "" && { UsernsMode: container.usernsMode }),
      // SYS_PTRACE for /proc/PID/root, DAC_OVERRIDE for files of every owner and for connecting to the rendezvous.
      CapAdd: ["SYS_PTRACE", "DAC_OVERRIDE"],
      SecurityOpt: place.securityOptions,
      // Without the target's device rules opening a device would fail here; with more it would open what the target may not.
      Devices: container.devices,
      DeviceCgroupRules: container.privileged ? ["a *:* rwm"] : container.deviceCgroupRules,
    },
  };
}

/** In which PID namespace the sidecar runs, and the number of the target's first process there. */
interface PidPlace {
  pidMode: string;
  targetPid: number;
  securityOptions: string[];
}

function pidPlace(container: RunningContainer): PidPlace {
  const securityOptions = ["no-new-privileges", "label=disable"];
  // Podman: a container that shares the target's PID namespace would block `podman rm` of the target.
  if (container.isPodman || container.pidMode === "host") {
    return { pidMode: "host", targetPid: container.pid, securityOptions };
  }
  securityOptions.push("apparmor=unconfined");
  // Where the engine's numbers are not this machine's, what the container's own namespace calls its first process.
  const targetPid = isFirstProcess(container) ? innerPid(container.pid) : 1;
  return { pidMode: `container:${container.id}`, targetPid, securityOptions };
}
