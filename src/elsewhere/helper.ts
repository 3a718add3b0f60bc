import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type Docker, dockerRequest, jsonOf } from "../engines/api/docker-client.ts";
import type { Engine } from "../engines/api/engine.ts";
import { EngineError } from "../engines/api/engine-error.ts";
import { SIDECAR_LABEL } from "../engines/containers/container-list.ts";
import { PortholeError, readOr } from "../errors.ts";
import { isImageMissing } from "../routes/agents/agent-image.ts";
import { ignoreMissing, isMissing } from "../routes/agents/route-error.ts";
import { ensureRunDirectory, runDirectoryPaths } from "../routes/run-directory/run-dir.ts";
import { describeImage, type InstallationImage } from "./image.ts";
import { inTime } from "./in-time.ts";
import { AGENT_IN_IMAGE, type InstalledFile, installedFiles } from "./installation.ts";
import { loadImage } from "./load-image.ts";
import { RESPONSE_MS } from "./pulse.ts";

/** Label of every helper; its value names the user and machine that it is for. */
const HELPER_LABEL = "io.porthole.helper";
/** Repository of the image that porthole loads for helpers; the tag is a part of its id. */
const REPOSITORY = "localhost/porthole-helper";
/** Seconds without a command after which a helper ends. */
export const IDLE_SECONDS = 600;

/** The image of a helper. */
export interface HelperImage {
  /** Name of an image on that engine, used instead of this installation's image. */
  image: string | undefined;
  version: string;
}

export interface HelperOptions extends HelperImage {
  signal: AbortSignal;
  /** Called when the engine has responded, before a helper is created. */
  connected(): void;
  /** Reports the load of the image, in bytes. */
  progress(sent: number, total: number): void;
}

/**
 * Returns the id of this user's helper on an engine: a running helper, else a new one. Loads the
 * image of a new helper if the engine lacks it.
 * @throws PortholeError TARGET, ATTACH; the failure of the connection
 */
export async function ensureHelper(
  engine: Engine,
  options: HelperOptions,
): Promise<{ id: string; image: string; isNew: boolean }> {
  const image = imageName(options);
  const name = helperName(options);
  for (let attempt = 1; ; attempt++) {
    const found = await inTime(options.signal, RESPONSE_MS, (signal) => findHelper(engine, name, signal));
    if (attempt === 1) options.connected();
    if (found?.isRunning) return { id: found.id, image, isNew: false };
    try {
      // A killed command left a stopped helper, or another command is creating this one.
      const created = (limited: AbortSignal) => createHelper(engine, name, image, limited);
      const id = found?.id ?? (await inTime(options.signal, START_MS, created));
      await startHelper(engine, id);
      return { id, image, isNew: true };
    } catch (error) {
      if (!(error instanceof EngineError) || attempt === ATTEMPTS) throw explained(error, image);
      if (isImageMissing(error) && options.image === undefined) await loadOwnImage(engine, image, options);
      // Another command of this user is creating it, or it is ending.
      else if (error.status !== 409 && !/already in use/i.test(error.message)) throw explained(error, image);
      else await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
    }
  }
}

const ATTEMPTS = 10;

function explained(error: unknown, image: string): unknown {
  if (!(error instanceof EngineError)) return error;
  const why = error.message;
  if (isImageMissing(error))
    return new PortholeError("TARGET", `the engine has no image '${image}'`, {
      hint: `pull or build it there, or leave out --image to load the image of this installation`,
    });
  if (isForOtherProcessor(why)) return otherProcessor(why);
  if (why.includes(AGENT_IN_IMAGE)) return noPorthole(image);
  return new PortholeError("ATTACH", `cannot start a helper container from '${image}': ${why}`, {
    hint: "the engine must allow containers with pid=host and CAP_SYS_ADMIN",
    cause: error,
  });
}

/** True for an engine's or kernel's message about a program for another processor. */
export function isForOtherProcessor(why: string): boolean {
  return /exec format error|does not match the (specified|detected) (host )?platform|no matching manifest/i.test(why);
}

/** The error for an image that is for another processor. */
export function otherProcessor(why: string): PortholeError {
  return new PortholeError("ATTACH", `the helper's image is for another processor than the engine's: ${why}`, {
    hint: "name an image for it with --image: build it there with docker/porthole.Dockerfile",
  });
}

/**
 * The error for a helper that has ended before its first command. An engine may start a program for
 * another processor and only then find that it cannot run.
 */
export async function endedEarly(engine: Engine, image: string, signal: AbortSignal): Promise<PortholeError> {
  const inspected = jsonOf(await dockerRequest(engine, signal, (docker) => docker.getImage(image).inspect()));
  const version = jsonOf(await dockerRequest(engine, signal, (docker) => docker.version()));
  const [own, wanted] = [inspected.get("Architecture").text(), version.get("Arch").text()];
  if (own !== wanted) return otherProcessor(`${own} in place of ${wanted}`);
  return noPorthole(image);
}

function noPorthole(image: string): PortholeError {
  return new PortholeError("ATTACH", `porthole cannot run in the image '${image}'`, {
    hint: "name an image of porthole with --image: porthole image writes one",
  });
}

/** False for a helper that has ended. */
export async function isRunning(engine: Engine, id: string, signal: AbortSignal): Promise<boolean> {
  return (await findHelper(engine, id, signal))?.isRunning === true;
}

async function findHelper(
  engine: Engine,
  name: string,
  signal: AbortSignal,
): Promise<{ id: string; isRunning: boolean } | undefined> {
  try {
    const found = jsonOf(await dockerRequest(engine, signal, (docker) => docker.getContainer(name).inspect()));
    return { id: found.get("Id").containerId(), isRunning: found.get("State").get("Running").flag() === true };
  } catch (error) {
    if (error instanceof EngineError && isMissing(error)) return undefined;
    throw error;
  }
}

async function createHelper(engine: Engine, name: string, image: string, signal: AbortSignal): Promise<string> {
  const body = { _query: { name }, _body: description(image) } as object;
  const created = await dockerRequest(engine, signal, (docker) =>
    docker.createContainer(body as Docker.ContainerCreateOptions),
  );
  return jsonOf(created).get("Id").containerId();
}

/** Not cancellable, because the engine does not remove a container that never ran. */
async function startHelper(engine: Engine, id: string): Promise<void> {
  try {
    await dockerRequest(engine, AbortSignal.timeout(START_MS), (docker) => docker.getContainer(id).start());
  } catch (error) {
    await removeHelper(engine, id, AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
    throw error;
  }
}

/** Maximum milliseconds to create or start a container. */
export const START_MS = 60_000;
/** Milliseconds without progress until the load of the image has failed. A slow disk takes long. */
const STALLED_MS = 300_000;
const CLEAN_UP_MS = 10_000;

/**
 * The helper sees the engine's processes and may enter their namespaces, like root on that machine.
 * It has no network and no directories of the machine.
 */
function description(image: string): object {
  return {
    Image: image,
    Entrypoint: [AGENT_IN_IMAGE],
    Cmd: ["helper", "--idle", String(IDLE_SECONDS)],
    User: "0:0",
    WorkingDir: "/",
    NetworkDisabled: true,
    Labels: { [HELPER_LABEL]: owner(), [SIDECAR_LABEL]: "helper" },
    HostConfig: {
      NetworkMode: "none",
      PidMode: "host",
      UsernsMode: "host",
      CgroupnsMode: "host",
      AutoRemove: true,
      CapAdd: ["SYS_ADMIN", "SYS_PTRACE", "SYS_CHROOT", "DAC_READ_SEARCH", "DAC_OVERRIDE"],
      SecurityOpt: ["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
      LogConfig: { Type: "none", Config: {} },
    },
  };
}

async function loadOwnImage(engine: Engine, tag: string, options: HelperOptions): Promise<void> {
  const image = describeImage(installedFiles(), options.version);
  const stalled = new AbortController();
  const abort = () => stalled.abort(options.signal.reason);
  options.signal.addEventListener("abort", abort);
  const stop = () => stalled.abort(new Error(`it did not accept the image for ${STALLED_MS / 60_000} minutes`));
  const timer = setTimeout(stop, STALLED_MS);
  try {
    await loadImage(engine, image, tag, {
      signal: stalled.signal,
      sent: (bytes) => {
        timer.refresh();
        options.progress(bytes, image.size);
      },
    });
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", abort);
  }
}

/** Removes a helper. Another command, or its own end, may remove it at the same time. */
export async function removeHelper(engine: Engine, idOrName: string, signal: AbortSignal): Promise<void> {
  try {
    await dockerRequest(engine, signal, (docker) => docker.getContainer(idOrName).remove({ force: true }));
  } catch (error) {
    ignoreMissing(error);
  }
}

/** A helper that {@link listHelpers} found. */
export interface Helper {
  id: string;
  image: string;
  /** Seconds since 1970. */
  created: number;
}

/** This user's helpers on an engine. @throws the failure of the connection */
export async function listHelpers(engine: Engine, signal: AbortSignal): Promise<Helper[]> {
  const filters = { label: [`${HELPER_LABEL}=${owner()}`] };
  const listed = await dockerRequest(engine, signal, (docker) => docker.listContainers({ all: true, filters }));
  return jsonOf(listed)
    .list()
    .map((one) => ({
      id: one.get("Id").containerId(),
      image: one.get("Image").text() ?? "",
      created: one.get("Created").whole() ?? 0,
    }));
}

/** Removes the images that porthole has loaded for helpers, unless a container uses one. */
export async function removeHelperImages(engine: Engine, signal: AbortSignal): Promise<void> {
  const listed = jsonOf(await dockerRequest(engine, signal, (docker) => docker.listImages())).list();
  const tags = listed.flatMap((image) => image.get("RepoTags").list()).flatMap((tag) => tag.text() ?? []);
  for (const tag of tags.filter((each) => each.startsWith(`${REPOSITORY}:`)))
    await dockerRequest(engine, signal, (docker) => docker.getImage(tag).remove()).catch((error: unknown) => {
      if (!isImageMissing(error) && !(error instanceof EngineError && error.status === 409)) throw error;
    });
}

/** Distinguishes users and machines that share an engine. */
function owner(): string {
  return `${hostname()}:${runDirectoryPaths().root}`;
}

/**
 * Returns the name of this user's helper from an image. It is equal for all commands, so that two
 * commands that start together create one helper, and a command finds it without a request.
 */
export function helperName(options: HelperImage): string {
  return `porthole-helper-${createHash("sha256")
    .update(`${owner()} ${imageName(options)}`)
    .digest("hex")
    .slice(0, 12)}`;
}

function imageName({ image, version }: HelperImage): string {
  return image ?? `${REPOSITORY}:${ownImageId(version).slice(0, 16)}`;
}

/**
 * Returns the id of this installation's image. Caches it in the run directory until a file changes,
 * because computing it takes half a second.
 */
function ownImageId(version: string): string {
  const files = installedFiles();
  const key = createHash("sha256").update(files.map(fingerprint).join("\n")).digest("hex");
  const path = join(ensureRunDirectory().root, "image-id");
  const [kept, id] = readOr("", () => readFileSync(path, "utf8")).split(" ");
  if (kept === key && id !== undefined) return id.trim();
  const image: InstallationImage = describeImage(files, version);
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, `${key} ${image.id}\n`, { mode: 0o600 });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  return image.id;
}

function fingerprint({ source, path, mode, size, modified }: InstalledFile): string {
  return `${source} ${path} ${mode} ${size} ${modified}`;
}
