import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import Docker from "dockerode";
import { inject } from "vitest";
import { afterEachFile } from "./cleanup.ts";
import { isRunning, processName } from "./processes.ts";
import { type TarEntry, tar } from "./tar.ts";
import { succeeds, waitFor } from "./wait-for.ts";

/** A running engine of the tests. */
export interface Engine {
  name: "docker" | "remappedDocker" | "podman" | "rootlessDocker" | "rootlessPodman";
  socket: string;
  /** Value of DOCKER_HOST for this engine. */
  host: string;
  api: Docker;
  /** True for Podman's Docker-compatible API. */
  isPodman: boolean;
}

/** Options of a test container. By default, the container waits until it is stopped. */
export interface ContainerOptions {
  /** Default: a unique name. */
  name?: string;
  /**
   * From {@link image} or {@link busyboxImage}; default: FROM scratch with the workload program
   * only.
   */
  image?: string;
  /** Steps of test/fixtures/workload.c, which the container runs by default. */
  steps?: string[];
  /** Runs instead of the workload program. `container` does not wait for it. */
  command?: string[];
  /** A `command` for the shell of {@link busyboxImage}, the default image then. */
  script?: string;
  /** True if the image starts the workload program itself. */
  entrypoint?: boolean;
  user?: string;
  /** Gives the container a terminal. */
  tty?: boolean;
  labels?: Record<string, string>;
  env?: string[];
  /** As in the engine's API; without a network by default. */
  host?: Docker.HostConfig;
}

/** A container that was created; removed at the end of the test file. */
export interface CreatedContainer {
  id: string;
  name: string;
  handle: Docker.Container;
  /** Removes it, running or stopped. Idempotent. */
  remove(): Promise<void>;
}

/** A running container. */
export interface Container extends CreatedContainer {
  /** Pid of its first process on the host. */
  pid: number;
}

const SHELL = ["/bin/busybox", "sh", "-c"];

const made = new Set<() => Promise<void>>();
const volumes = new Set<() => Promise<void>>();
let count = 0;

afterEachFile(async () => {
  await Promise.all([...made].map((remove) => remove()));
  made.clear();
  // An engine removes no volume of a container that exists.
  await Promise.all([...volumes].map((remove) => remove()));
  volumes.clear();
});

/**
 * Returns the running engine of that name. The test file must require it (availability.ts): the
 * tests of a skipped block have a socket that does not exist.
 */
export function engine(name: Engine["name"]): Engine {
  return engineAt(name, inject("machine").sockets[name] ?? `/${name} does not run`);
}

/**
 * Returns Docker and Podman, for tests that apply to both. In a project of another engine it
 * returns only that engine, as `docker`.
 */
export function enginesUnderTest(): ("docker" | "podman")[] {
  return inject("machine").title === undefined ? ["docker", "podman"] : ["docker"];
}

/** Returns an engine that a test has started itself. */
export function engineAt(name: Engine["name"], socket: string): Engine {
  const isPodman = /podman/i.test(name) || inject("machine").isPodman;
  return { name, socket, host: `unix://${socket}`, api: new Docker({ socketPath: socket }), isPodman };
}

/** Returns a unique container name. */
export function uniqueName(prefix = "pt"): string {
  count += 1;
  return `${prefix}-${process.pid}-${count}`;
}

/**
 * Imports an image that contains the workload program and `files`, unless the engine has it. Never
 * pulls. Returns its reference.
 */
export async function image({ api }: Engine, files: readonly TarEntry[] = []): Promise<string> {
  const workload = readFileSync(inject("machine").workload);
  const archive = tar([{ name: "workload", content: workload, mode: 0o755 }, ...files]);
  const reference = `localhost/porthole-test:${createHash("sha256").update(archive).digest("hex").slice(0, 16)}`;
  if (await isImage(api, reference)) return reference;
  // Pass the tag in `repo`: Podman 4.3 ignores the parameter `tag` and uses latest.
  const answer = await api.importImage(Readable.from([archive]), { repo: reference });
  const text = Buffer.concat((await Readable.from(answer).toArray()) as Buffer[]).toString();
  if (!(await isImage(api, reference))) throw new Error(`importing ${reference} failed: ${text}`);
  return reference;
}

/**
 * Makes an image with Debian's static busybox as `/bin/busybox` and `/bin/sh`, for tests that need
 * a shell in the container.
 */
export function busyboxImage(on: Engine): Promise<string> {
  return image(on, [
    { name: "bin", type: "directory" },
    { name: "tmp", type: "directory", mode: 0o1777 },
    { name: "bin/busybox", content: readFileSync("/bin/busybox"), mode: 0o755 },
    { name: "bin/sh", type: "symlink", target: "busybox" },
  ]);
}

/** Creates a container and does not start it. */
export async function created(on: Engine, options: ContainerOptions = {}): Promise<CreatedContainer> {
  const { name = uniqueName(), script } = options;
  const command = script === undefined ? options.command : [...SHELL, script];
  const handle = await on.api.createContainer({
    name,
    Image: options.image ?? (await (script === undefined ? image : busyboxImage)(on)),
    Cmd: command ?? [...(options.entrypoint ? [] : ["/workload"]), ...(options.steps ?? [])],
    ...(options.user === undefined ? {} : { User: options.user }),
    Labels: { "porthole.test": "1", ...options.labels },
    ...(options.tty ? { Tty: true } : {}),
    Env: options.env ?? [],
    HostConfig: { NetworkMode: "none", ...options.host },
  });
  let removal: Promise<void> | undefined;
  const remove = () => {
    removal ??= removed(handle.remove({ force: true, v: true })).finally(() => made.delete(remove));
    return removal;
  };
  made.add(remove);
  return { id: handle.id, name, handle, remove };
}

/** Creates a container, runs it, and waits until it has ended. */
export async function ended(on: Engine, options: ContainerOptions): Promise<CreatedContainer> {
  const target = await created(on, options);
  await target.handle.start();
  await target.handle.wait();
  return target;
}

/** Creates a volume, which is removed at the end of the test file, and returns its name. */
export async function newVolume({ api }: Engine): Promise<string> {
  const name = uniqueName("volume");
  await api.createVolume({ Name: name });
  volumes.add(() => removed(api.getVolume(name).remove({ force: true })));
  return name;
}

/** Creates and starts a container, and waits until its steps are finished. */
export async function container(on: Engine, options: ContainerOptions = {}): Promise<Container> {
  const made = await created(on, options);
  const { name, handle } = made;
  await handle.start();
  const pid = await firstProcess(handle);
  if (options.command === undefined && options.script === undefined)
    await waitFor(`container ${name} to be ready`, async () => {
      if (!isRunning(pid)) throw new Error(`container ${name} ended: ${await logs(handle)}`);
      return processName(pid) === "ready";
    });
  return { ...made, pid };
}

/** Starts a shell script in a container with {@link busyboxImage}, and does not wait for it. */
export async function startInside({ handle }: Pick<Container, "handle">, script: string): Promise<void> {
  const exec = await handle.exec({ Cmd: [...SHELL, script] });
  await exec.start({ Detach: true });
}

/** Returns the pid of its first process on the host; throws if the container is not running. */
export async function firstProcess(handle: Docker.Container): Promise<number> {
  const { State } = await handle.inspect();
  if (!State.Running || State.Pid === 0) throw new Error(`container ${handle.id} does not run: ${await logs(handle)}`);
  return State.Pid;
}

/** Returns its output, without the 8-byte headers that the API puts before each frame. */
export async function logs(handle: Docker.Container): Promise<string> {
  const framed = await handle.logs({ stdout: true, stderr: true });
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= framed.length; at += 8 + framed.readUInt32BE(at + 4))
    pieces.push(framed.subarray(at + 8, at + 8 + framed.readUInt32BE(at + 4)));
  return Buffer.concat(pieces).toString("utf8").trim();
}

/** Ignores that an object is being removed, or that the test has removed it. */
function removed(removal: Promise<unknown>): Promise<void> {
  return removal.then(
    () => undefined,
    (error: { statusCode?: number }) => {
      if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
    },
  );
}

function isImage(api: Docker, reference: string): Promise<boolean> {
  return succeeds(api.getImage(reference).inspect());
}
