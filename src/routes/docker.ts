import { readFileSync } from "node:fs";
import { request } from "node:http";
import type { Duplex } from "node:stream";
import { PassThrough, Readable } from "node:stream";
import Docker from "dockerode";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { PortholeError } from "../errors.ts";
import type { AgentFacts } from "../protocol/facts.ts";
import { AGENT_NAME, agentHash, agentProgram } from "./agent-program.ts";
import type { Engine } from "./engine.ts";
import { inCgroupOf, innerPid } from "./process.ts";
import { openRendezvous, type Rendezvous, type WaitOptions } from "./rendezvous.ts";
import type { Container } from "./resolve.ts";
import { MOUNT_POINT, type RunDirectory, runDirectoryPaths } from "./run-dir.ts";
import { tarOf } from "./tar.ts";

/** Repository of the image that porthole makes of its agent; the tag is the agent's hash. By this name no engine asks a registry. */
export const IMAGE = "localhost/porthole-agent";
/** Label of every sidecar; its value is the target's id. */
export const SIDECAR_LABEL = "io.porthole.sidecar";
/** Label of every sidecar; its value is the run directory of the user whose it is: several users may share an engine. */
const OWNER_LABEL = "io.porthole.run-directory";

/** How an agent is to be started. */
export interface StartOptions extends WaitOptions {
  /** `--user` for the mount route; empty for root. */
  user: string;
  /** Seconds without a client after which the agent ends. */
  idleSeconds: number;
}

/** An agent that was started through the engine. */
export interface StartedAgent {
  facts: AgentFacts;
  /** Id of the sidecar container, empty on the mount route. */
  sidecar: string;
}

/** Starts the agent that the container has mounted, with the engine's exec: route `mount`. */
export async function attachMount(
  container: Container,
  run: RunDirectory,
  listener: OwnedFd,
  options: StartOptions,
): Promise<StartedAgent> {
  const docker = client(container.engine);
  const rendezvous = openRendezvous(run);
  try {
    const exec = await docker.getContainer(container.id).exec({
      Cmd: [`${MOUNT_POINT}/${AGENT_NAME}`, "mount", ...agentOptions(rendezvous, options)],
      User: options.user || "0",
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const isOurs = async (peer: number) => inCgroupOf(peer, container.id) || (await exec.inspect()).Pid === peer;
    const facts = await meetOverStream(stream, docker, rendezvous, listener, isOurs, options);
    return { facts, sidecar: "" };
  } catch (error) {
    throw attachError(container, "mount", error);
  } finally {
    rendezvous.close();
  }
}

/** Starts the agent in a container of its own beside the target: route `sidecar`. */
export async function attachSidecar(
  container: Container,
  run: RunDirectory,
  listener: OwnedFd,
  options: StartOptions,
): Promise<StartedAgent> {
  const docker = client(container.engine);
  const rendezvous = openRendezvous(run);
  let sidecar: Docker.Container | undefined;
  try {
    sidecar = await createSidecar(docker, container, run, rendezvous, options);
    const { id } = sidecar;
    const stream = await attachStreams(container.engine, id);
    await sidecar.start();
    const isOurs = async (peer: number) =>
      inCgroupOf(peer, id) || (await docker.getContainer(id).inspect()).State.Pid === peer;
    const facts = await meetOverStream(stream, docker, rendezvous, listener, isOurs, options);
    return { facts, sidecar: id };
  } catch (error) {
    // Also one that was created only, or that nobody heard of: AutoRemove acts on a container that ran.
    await sidecar?.remove({ force: true }).catch(() => undefined);
    throw attachError(container, "sidecar", error);
  } finally {
    rendezvous.close();
  }
}

/** Removes a sidecar, if it is still there. */
export async function removeSidecar(engine: Engine, id: string): Promise<void> {
  await client(engine).getContainer(id).remove({ force: true }).catch(ignoreMissing);
}

/**
 * Removes every sidecar of this user from this engine and, when `withImages`, the agent's images unless a container of somebody else's
 * runs one. Returns how many containers it removed.
 */
export async function removeAllSidecars(
  engine: Engine,
  withImages: boolean,
  run: RunDirectory = runDirectoryPaths(),
): Promise<number> {
  const docker = client(engine);
  const sidecars = await docker.listContainers({ all: true, filters: { label: [`${OWNER_LABEL}=${run.root}`] } });
  await Promise.all(
    sidecars.map((sidecar) => docker.getContainer(sidecar.Id).remove({ force: true }).catch(ignoreMissing)),
  );
  if (withImages) await removeUnusedImages(docker);
  return sidecars.length;
}

/** Leaves the images of sidecars that run: asked for here, because Podman's forced removal would take the containers along. */
async function removeUnusedImages(docker: Docker): Promise<void> {
  const running = await docker.listContainers({ filters: { label: [SIDECAR_LABEL] } });
  const used = new Set(running.map(({ ImageID }) => digest(ImageID)));
  for (const { Id, RepoTags } of await docker.listImages()) {
    const isOurs = RepoTags?.some((tag) => tag.startsWith(`${IMAGE}:`)) === true;
    if (isOurs && !used.has(digest(Id))) {
      await docker
        .getImage(Id)
        .remove({ force: true })
        .catch((error) => isBeingRemoved(error) || ignoreMissing(error));
    }
  }
}

/** Docker (20.10) says so when two remove an image at the same moment. */
function isBeingRemoved(error: { statusCode?: number; message?: string }): boolean {
  return error.statusCode === 500 && /unrecognized image ID/.test(error.message ?? "");
}

/** Podman writes an image's id without its `sha256:`, sometimes. */
function digest(imageId: string): string {
  return imageId.replace(/^sha256:/, "");
}

async function createSidecar(
  docker: Docker,
  container: Container,
  run: RunDirectory,
  rendezvous: Rendezvous,
  options: StartOptions,
): Promise<Docker.Container> {
  const place = pidPlace(container);
  const image = `${IMAGE}:${agentHash()}`;
  const create = () =>
    docker.createContainer({
      Image: image,
      Cmd: ["/agent", "sidecar", ...agentOptions(rendezvous, options), "--target-pid", String(place.targetPid)],
      User: "0:0",
      WorkingDir: "/",
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      NetworkDisabled: true,
      Labels: { [SIDECAR_LABEL]: container.id, [OWNER_LABEL]: run.root },
      HostConfig: {
        PidMode: place.pidMode,
        NetworkMode: "none",
        IpcMode: "private",
        ...(container.usernsMode !== "" && { UsernsMode: container.usernsMode }),
        ReadonlyRootfs: true,
        AutoRemove: true,
        CapDrop: ["ALL"],
        // SYS_PTRACE for /proc/PID/root, DAC_OVERRIDE for files of every owner and for connecting to the rendezvous.
        CapAdd: ["SYS_PTRACE", "DAC_OVERRIDE"],
        SecurityOpt: place.securityOptions,
        Binds: [`${run.mount}:${MOUNT_POINT}:ro`],
        // Without the target's device rules opening a device would fail here; with more it would open what the target may not.
        Devices: container.devices as Docker.DeviceMapping[],
        DeviceCgroupRules: container.privileged ? ["a *:* rwm"] : container.deviceCgroupRules,
        PidsLimit: 512,
        LogConfig: { Type: "none", Config: {} },
      },
    });
  for (let attempt = 0; ; attempt++) {
    try {
      return await create();
    } catch (error) {
      // The image is not there yet, or another user's `detach --all` took it away since we imported it.
      if ((error as { statusCode?: number }).statusCode !== 404 || attempt === 3) throw error;
      await importImage(docker, image);
    }
  }
}

/** In which PID namespace the sidecar runs, and the number of the target's first process there. */
interface PidPlace {
  pidMode: string;
  targetPid: number;
  securityOptions: string[];
}

function pidPlace(container: Container): PidPlace {
  const securityOptions = ["no-new-privileges", "label=disable"];
  // Podman: a container that shares the target's PID namespace would block `podman rm` of the target.
  if (container.isPodman || container.pidMode === "host") {
    return { pidMode: "host", targetPid: container.pid, securityOptions };
  }
  securityOptions.push("apparmor=unconfined");
  return { pidMode: `container:${container.id}`, targetPid: innerPid(container.pid), securityOptions };
}

/** Imports the image FROM scratch that holds the agent and nothing else. Nothing is pulled. */
async function importImage(docker: Docker, image: string): Promise<void> {
  const archive = Readable.from([tarOf("agent", readFileSync(agentProgram()))]);
  // The tag rides in `repo`: Podman 4.3 ignores the parameter `tag`.
  const progress = (await docker.importImage(archive, { repo: image })) as NodeJS.ReadableStream;
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}

/**
 * The standard streams of a container that is about to start. Not dockerode's attach: it sends its options as a body too, and Podman (4.3) hands that
 * to the container as the first of its standard input.
 */
function attachStreams({ socketPath }: Engine, id: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const asked = request({
      socketPath,
      method: "POST",
      path: `/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`,
      headers: { Host: "localhost", Connection: "Upgrade", Upgrade: "tcp", "Content-Length": 0 },
    });
    asked.on("upgrade", (_, stream, head) => {
      if (head.length > 0) stream.unshift(head);
      resolve(stream);
    });
    asked.on("response", (answer) => {
      answer.resume();
      reject(new Error(`attaching to the sidecar: HTTP status ${answer.statusCode}`));
    });
    asked.on("error", reject);
    asked.end();
  });
}

function agentOptions(rendezvous: Rendezvous, options: StartOptions): string[] {
  return ["--socket", rendezvous.insidePath, "--token-stdin", "--idle", String(options.idleSeconds)];
}

/** Sends the token and waits for the agent; if its stream ends first, its last words are the error. */
async function meetOverStream(
  stream: Duplex,
  docker: Docker,
  rendezvous: Rendezvous,
  listener: OwnedFd,
  isOurs: (peer: number) => Promise<boolean>,
  options: StartOptions,
): Promise<AgentFacts> {
  const words: Buffer[] = [];
  const output = new PassThrough();
  output.on("data", (chunk: Buffer) => words.length < 16 && words.push(chunk));
  docker.modem.demuxStream(stream, output, output);
  const over = new AbortController();
  const signal = options.signal === undefined ? over.signal : AbortSignal.any([options.signal, over.signal]);
  stream.on("error", () => over.abort());
  stream.on("end", () => over.abort());
  stream.on("close", () => over.abort());
  try {
    stream.write(rendezvous.tokenLine);
    return await rendezvous.meet(listener, isOurs, { timeoutMs: options.timeoutMs, signal });
  } catch (error) {
    const text = Buffer.concat(words)
      .toString("latin1")
      .trim()
      .replace(/^porthole-agent: /, "");
    if (text !== "" && !options.signal?.aborted) throw new PortholeError("ATTACH", text, { cause: error });
    if (over.signal.aborted && !options.signal?.aborted) {
      throw new PortholeError("ATTACH", "the agent ended before it reported", { cause: error });
    }
    throw error;
  } finally {
    stream.destroy();
  }
}

const clients = new Map<string, Docker>();

function client(engine: Engine): Docker {
  let docker = clients.get(engine.socketPath);
  if (docker === undefined) {
    docker = new Docker({ socketPath: engine.socketPath });
    clients.set(engine.socketPath, docker);
  }
  return docker;
}

function ignoreMissing(error: { statusCode?: number }): void {
  // 404: gone already; 409: being removed by the engine itself.
  if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
}

function attachError(container: Container, route: string, error: unknown): PortholeError {
  if (error instanceof PortholeError && (error.code === "CANCELLED" || error.errno === "EPROTO")) return error;
  const { json, message } = error as { json?: { message?: string }; message?: string };
  const text = (typeof json === "object" ? json?.message : undefined) ?? message ?? String(error);
  return new PortholeError("ATTACH", `${route} route to '${container.name}': ${text}`, { cause: error });
}
