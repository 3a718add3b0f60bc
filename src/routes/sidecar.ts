import { createHash, randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { SIDECAR_LABEL } from "../engines/container-list.ts";
import { type Docker, dockerRequest, jsonOf, openStream } from "../engines/docker-client.ts";
import type { Engine } from "../engines/engine.ts";
import { EngineError } from "../engines/engine-error.ts";
import type { RunningContainer } from "../engines/resolve.ts";
import { PortholeError } from "../errors.ts";
import { VERSION } from "../protocol/messages.ts";
import { acceptOverStream, agentOptions, type StartOptions } from "./accept-over-stream.ts";
import { agentImage, importAgentImage, isImageMissing, removeUnusedImages } from "./agent-image.ts";
import { AGENT_NAME } from "./agent-program.ts";
import { isFirstProcess } from "./kernel.ts";
import { inCgroupOf, innerPid } from "./process.ts";
import { type ConnectedAgent, openRendezvous, type Rendezvous } from "./rendezvous.ts";
import { deadline, ignoreMissing, isMissing, routeError } from "./route-error.ts";
import { MOUNT_POINT, type RunDirectory, runDirectoryPaths } from "./run-dir.ts";
import { SidecarGuard } from "./sidecar-guard.ts";

/**
 * Label of every sidecar; its value is the owner's run directory, because several users may share
 * an engine.
 */
const OWNER_LABEL = "io.porthole.run-directory";
/** Label of every sidecar; its value tells this start from all others. */
const START_LABEL = "io.porthole.start";
/** Milliseconds to remove an unfinished or unused sidecar. */
export const CLEAN_UP_MS = 5_000;

/** Parameters of one sidecar. */
export interface Sidecar {
  engine: Engine;
  /** The target's id: 64 hexadecimal digits. */
  target: string;
  /** For messages. */
  name: string;
  /** The agent's arguments besides those of the rendezvous. */
  options: string[];
  /** Overrides of HostConfig. */
  host: Record<string, unknown>;
  /** Additional binds, as `SOURCE:PLACE:ro`. */
  binds?: string[];
  /** Id of the image that it is made of; default: the agent's own. */
  image?: string;
  /** Of its name, where several for one target may be there at the same time. */
  suffix?: string;
}

/**
 * Starts the agent in a container of its own beside the target: route `sidecar`. Also resolves with
 * that container's id.
 * @throws PortholeError ATTACH, CANCELLED. Nothing is left then, unless the engine does not
 * respond; the next start for this target or `detach --all` removes such leftovers by name and
 * labels
 */
export function attachSidecar(
  container: RunningContainer,
  run: RunDirectory,
  listener: OwnedFd,
  options: StartOptions,
): Promise<ConnectedAgent & { sidecar: string }> {
  return runSidecar(besideRunning(container), run, listener, options);
}

/** Limit of a sidecar's processes. */
const PIDS = 512;

/** Options of the container itself. */
export interface SidecarOptions extends StartOptions {
  /** 0: no limit. */
  pidsLimit: number;
}

/** Starts an agent in a container of its own, as {@link attachSidecar} does. */
export async function runSidecar(
  sidecar: Sidecar,
  run: RunDirectory,
  listener: OwnedFd | undefined,
  options: StartOptions,
): Promise<ConnectedAgent & { sidecar: string }> {
  try {
    return await startSidecar(sidecar, run, listener, { ...options, pidsLimit: PIDS });
  } catch (error) {
    // cgroups v2 may lack the pids controller; only then is there no limit.
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
  await using guard = new SidecarGuard(engine);
  try {
    const id = await createSidecar(sidecar, run, name, rendezvous, { ...options, over, guard });
    options.signal?.throwIfAborted();
    stream = await openStream(engine, over, (docker) => docker.getContainer(id).attach(STREAMS));
    await dockerRequest(engine, over, (docker) => docker.getContainer(id).start());
    // The agent ends with the stream, as long as it has no listener.
    await guard.end();
    const isOurs = async (peer: number) => inCgroupOf(peer, id) || (await pidOf(engine, id, over)) === peer;
    const met = await acceptOverStream(stream, rendezvous, listener, isOurs, options);
    return { ...met, sidecar: id };
  } catch (error) {
    // By name: AutoRemove does not remove a container that was created and never ran, and its id
    // may be unknown.
    await removeOurs(engine, name, run, AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
    throw routeError("sidecar", sidecar.name, error, { ...options, signal: options.signal, over });
  } finally {
    stream?.destroy();
    rendezvous.close();
  }
}

/**
 * Removes this user's sidecars from an engine: those of one target, by its id, or all. With all of
 * them also removes the agent's images, unless a container uses one.
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
    const text = `the engine did not respond within ${CLEAN_UP_MS / 1_000} s`;
    throw new PortholeError("TARGET", text, { errno: "ETIMEDOUT", cause: error });
  }
}

/**
 * Removes the sidecar of one start whose command was killed. Waits a moment for it: the engine may
 * still be creating it.
 * @throws the engine's failure
 */
export async function removeStarted(engine: Engine, start: string): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  const ofStart = { all: true, filters: { label: [`${START_LABEL}=${start}`] } };
  for (;;) {
    const [found] = jsonOf(await dockerRequest(engine, signal, (docker) => docker.listContainers(ofStart))).list();
    if (found !== undefined) return remove(engine, found.get("Id").containerId(), signal);
    await delay(100, undefined, { signal });
  }
}

/**
 * All standard streams. Parameters outside of `_query` become a body, which Podman (4.3) writes to
 * the container's standard input.
 */
const STREAMS = {
  ...{ stream: true, stdin: true, hijack: true },
  ...{ _query: { stream: 1, stdin: 1, stdout: 1, stderr: 1 }, _body: {} },
};

/**
 * The same for every start, so that a later start finds an interrupted one: by target, by user
 * (several share an engine) and by protocol version.
 */
export function sidecarName(target: string, run: RunDirectory, suffix = ""): string {
  const owner = createHash("sha256").update(run.root).digest("hex").slice(0, 8);
  return `porthole-${target.slice(0, 12)}-${owner}-v${VERSION}${suffix}`;
}

/** Resolves when the container is gone. Its own end (AutoRemove) may remove it at the same time. */
async function remove(engine: Engine, idOrName: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await dockerRequest(engine, signal, (docker) => docker.getContainer(idOrName).remove({ force: true }));
      return;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (isMissing(error)) return;
      // Docker keeps the name until the removal is done; Podman says 500 of a container that stops
      // at that moment.
      if (error.status !== 409 && !/container state improper/.test(error.message)) throw error;
      await delay(10, undefined, { signal });
    }
  }
}

/**
 * Creates the sidecar and returns its id. Imports the image if it is missing, and removes a
 * container that has the name.
 */
export async function createSidecar(
  sidecar: Sidecar,
  run: RunDirectory,
  name: string,
  rendezvous: Rendezvous,
  options: SidecarOptions & { over: AbortSignal; guard: SidecarGuard },
): Promise<string> {
  const { engine } = sidecar;
  // Otherwise dockerode sends everything twice, in the query too.
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
      const isNameTaken = error.status === 409 || /name .*(already )?in use|no such container/i.test(error.message);
      if (!isImageMissing(error) && !isNameTaken) throw error;
      // Left by a killed start, or ending now: no other start of this user is in progress, because
      // we hold the lock.
      if (isNameTaken) await removeOurs(engine, name, run, options.over);
      // Not imported yet, or another user's `detach --all` has removed it since.
      else await importAgentImage(engine, options.over);
      // The engine may need a moment to release a name.
      if (attempt > 0) await delay(20 * attempt, undefined, { signal: options.over });
    }
  }
}

const ATTEMPTS = 8;

/**
 * Aborts a creation a moment after everything else: an aborted request may still create the
 * container after we looked for it. The response tells.
 */
function settling({ over }: { over: AbortSignal }): AbortSignal {
  const late = new AbortController();
  over.addEventListener("abort", () => setTimeout(() => late.abort(), CLEAN_UP_MS / 2).unref(), { once: true });
  return late.signal;
}

/** Removes the container of that name if its label shows that it is this user's. */
export async function removeOurs(engine: Engine, name: string, run: RunDirectory, signal: AbortSignal): Promise<void> {
  try {
    const found = jsonOf(await dockerRequest(engine, signal, (docker) => docker.getContainer(name).inspect()));
    if (found.get("Config").get("Labels").get(OWNER_LABEL).text() !== run.root) return;
  } catch (error) {
    return ignoreMissing(error);
  }
  await remove(engine, name, signal);
}

/** The engine's pid of a container's first process. */
async function pidOf(engine: Engine, id: string, signal: AbortSignal): Promise<number | undefined> {
  return jsonOf(await dockerRequest(engine, signal, (docker) => docker.getContainer(id).inspect()))
    .get("State")
    .get("Pid")
    .whole();
}

/** Body of the request that creates a sidecar. */
function description(
  sidecar: Sidecar,
  run: RunDirectory,
  rendezvous: Rendezvous,
  options: SidecarOptions & { guard: SidecarGuard },
): object {
  const { target, host, binds = [], image } = sidecar;
  return {
    Image: image ?? agentImage(),
    // Nothing of an image runs, neither its entry point nor its health check. Podman takes an empty
    // entry point as none given.
    ...(image !== undefined && {
      Entrypoint: [`${MOUNT_POINT}/${AGENT_NAME}`],
      Healthcheck: { Test: ["NONE"] },
    }),
    Cmd: [
      ...(image === undefined ? [`/${AGENT_NAME}`] : []),
      ...["sidecar", ...agentOptions(rendezvous, options), ...sidecar.options],
    ],
    User: "0:0",
    WorkingDir: "/",
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    NetworkDisabled: true,
    Labels: { [SIDECAR_LABEL]: target, [OWNER_LABEL]: run.root, [START_LABEL]: options.guard.start },
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

/**
 * A sidecar that passes a tree of the container's mounts and ends. SYS_ADMIN and SYS_CHROOT are to
 * join its mount namespace.
 */
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
      // SYS_PTRACE for /proc/PID/root, DAC_OVERRIDE for files of every owner and for connecting to
      // the rendezvous.
      CapAdd: ["SYS_PTRACE", "DAC_OVERRIDE"],
      SecurityOpt: place.securityOptions,
      // Fewer device rules than the target's would make opens fail here; more would allow what the
      // target may not open.
      Devices: container.devices,
      DeviceCgroupRules: container.privileged ? ["a *:* rwm"] : container.deviceCgroupRules,
    },
  };
}

/** The sidecar's PID namespace, and the pid of the target's first process in it. */
interface PidPlace {
  pidMode: string;
  targetPid: number;
  securityOptions: string[];
}

function pidPlace(container: RunningContainer): PidPlace {
  const securityOptions = ["no-new-privileges", "label=disable"];
  // Podman: a container that shares the target's PID namespace blocks `podman rm` of the target.
  if (container.isPodman || container.pidMode === "host") {
    return { pidMode: "host", targetPid: container.pid, securityOptions };
  }
  securityOptions.push("apparmor=unconfined");
  // If the engine's pids are not this machine's, uses the pid inside the container's namespace.
  const targetPid = isFirstProcess(container) ? innerPid(container.pid) : 1;
  return { pidMode: `container:${container.id}`, targetPid, securityOptions };
}
