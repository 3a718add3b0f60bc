import { randomBytes } from "node:crypto";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { RESPONSE_TIMEOUT_MS, unreachable } from "../../engines/api/engine.ts";
import type { Engine } from "../../engines/api/engine-address.ts";
import { httpSubscribe } from "../../engines/api/http.ts";
import type { StoppedContainer } from "../../engines/containers/container-state.ts";
import type { Layers } from "../../engines/layers/layers.ts";
import type { Image } from "../../engines/lookup/images.ts";
import { describeContainer } from "../../engines/lookup/resolve.ts";
import type { Volume } from "../../engines/lookup/volumes.ts";
import { attachInterrupted, PortholeError } from "../../errors.ts";
import { TargetChangedError } from "../agents/route-error.ts";
import { MOUNT_POINT } from "../run-directory/run-dir.ts";
import { pollWitness } from "./polled-witness.ts";

/** A target without a process: the properties that are needed to choose and use a route. */
export interface OfflineTarget {
  engine: Engine;
  /**
   * For the agent's record: 64 hexadecimal digits, and an identifier of this state of the target.
   */
  identity: string;
  generation: string;
  /** As in a target, before the path. */
  name: string;
  isPodman: boolean;
  /** True if the agent serves one session and then ends: it cannot notice changes of the files. */
  singleSession?: boolean;
  /** Why this process polls for changes: the engine does not report them. */
  noEvents?: string | undefined;
  /** True for an image: its containers have its files. */
  isImage?: true;
  /** Name of a volume whose files exist only while its driver has it mounted. */
  volume?: string | undefined;
  /** Requests the layers. Call it after {@link witness}, so that no change is missed. */
  layers(signal: AbortSignal | undefined): Promise<Layers>;
  /**
   * Resolves with a descriptor that becomes readable when the files change; the caller owns it.
   * Undefined if they never change.
   */
  witness(signal: AbortSignal | undefined): Promise<OwnedFd | undefined>;
}

/** The error if no route leads to the files of an offline target. */
export class NoOfflineRouteError extends PortholeError {
  readonly files: OfflineTarget;

  /** @param failure every route's reason */
  constructor(files: OfflineTarget, failure: PortholeError) {
    const { message, errno, hint } = failure;
    super("ATTACH", message, { errno, hint, cause: failure });
    this.files = files;
  }
}

/**
 * A stopped container. Its agent ends when the container is started or removed, or a file is copied
 * into it.
 * @param noEvents why the engine does not report events; then the witness polls
 */
export function offlineContainer(container: StoppedContainer, noEvents?: string): OfflineTarget {
  const { engine, id, name, isPodman, finishedAt } = container;
  // Podman does not report a copy into a container, and an overlay does not see changes of its
  // layers. So each session mounts a new overlay.
  const singleSession = isPodman || noEvents !== undefined;
  const life = singleSession ? `${randomBytes(4).toString("hex")} ${finishedAt}` : finishedAt;
  const current = async (signal: AbortSignal | undefined) => {
    const { stopped } = await describeContainer(engine, id, MOUNT_POINT, signal, name);
    return stopped?.finishedAt === finishedAt ? stopped.layers : undefined;
  };
  return {
    ...{ engine, identity: id, generation: `stopped ${life}`, name, isPodman, singleSession, noEvents },
    async layers(signal) {
      const layers = await current(signal);
      if (layers === undefined) throw new TargetChangedError(name);
      return layers;
    },
    async witness(signal) {
      // The kubelet never restarts a pod's container, but creates a new one.
      if (engine.isCri) return undefined;
      if (noEvents === undefined) return subscribe(container, signal);
      return pollWitness(async () => (await current(undefined)) !== undefined);
    },
  };
}

/** An image never changes. A removed image is no longer found. */
export function offlineImage({ engine, id, name, layers, isPodman }: Image): OfflineTarget {
  return {
    ...{ engine, identity: id, generation: "image", name: `image:${name}`, isPodman, isImage: true },
    layers: async () => layers,
    witness: async () => undefined,
  };
}

/** A volume. Its agent serves the current files. */
export function offlineVolume(volume: Volume): OfflineTarget {
  const { engine, id, name, createdAt, isPodman } = volume;
  return {
    ...{ engine, identity: id, generation: `volume ${createdAt}`, name: `volume:${name}`, isPodman },
    volume: volume.mounted !== "" || volume.driver !== "local" ? name : undefined,
    layers: async () => volumeLayers(volume),
    witness: async () => undefined,
  };
}

function volumeLayers({ directory }: Volume): Layers {
  const directories = directory.startsWith("/") ? [directory] : [];
  return { directories, roles: [{ kind: "volume", number: 0, count: 0 }], binds: [], absent: [] };
}

/** Events of Docker and Podman after which a container's layers have changed. */
const EVENTS = ["init", "start", "destroy", "remove", "extract-to-dir"];

function subscribe({ engine, id, name }: StoppedContainer, signal: AbortSignal | undefined): Promise<OwnedFd> {
  const filters = encodeURIComponent(JSON.stringify({ type: ["container"], container: [id], event: EVENTS }));
  const options = { timeoutMs: RESPONSE_TIMEOUT_MS, signal };
  return httpSubscribe(engine.socketPath, `/events?filters=${filters}`, options).catch((error) => {
    if (signal?.aborted) throw attachInterrupted(error);
    const { errno } = error as PortholeError;
    if (errno === "EAGAIN") throw new TargetChangedError(name);
    throw errno === undefined ? error : unreachable(engine, error);
  });
}
