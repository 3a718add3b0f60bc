import { randomBytes } from "node:crypto";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { type Engine, RESPONSE_TIMEOUT_MS } from "../engines/engine.ts";
import { httpSubscribe } from "../engines/http.ts";
import type { Image } from "../engines/images.ts";
import type { Layers } from "../engines/layers.ts";
import { describeContainer, type StoppedContainer } from "../engines/resolve.ts";
import type { Volume } from "../engines/volumes.ts";
import { PortholeError } from "../errors.ts";
import { TargetChangedError } from "./route-error.ts";
import { MOUNT_POINT } from "./run-dir.ts";

/** Something that does not run but has files: what choosing and taking a route to them needs. */
export interface OfflineTarget {
  engine: Engine;
  /** For an agent's record: 64 hexadecimal digits, and what tells this state of it from another. */
  identity: string;
  generation: string;
  /** As in a target before the path. */
  name: string;
  isPodman: boolean;
  /** True when its agent serves one session and then ends: files may change without the agent's noticing. */
  singleSession?: boolean;
  /** Name of a volume that has its files only while its driver has mounted it. */
  volume?: string | undefined;
  /** Asks for its layers, now that whoever starts an agent has made sure to hear of a change. */
  layers(signal: AbortSignal | undefined): Promise<Layers>;
  /**
   * Resolves with a descriptor that becomes readable when the files are not what they were, which the caller owns; undefined where they never change.
   */
  witness(signal: AbortSignal | undefined): Promise<OwnedFd | undefined>;
}

/** A stopped container; its agent ends when it is started or removed, or something is copied into it. */
export function offlineContainer(container: StoppedContainer): OfflineTarget {
  const { engine, id, name, isPodman, finishedAt } = container;
  // Podman tells of no copy into a container, and an overlay does not see what is done to its layers: each session makes a new one.
  const life = isPodman ? `${randomBytes(4).toString("hex")} ${finishedAt}` : finishedAt;
  return {
    ...{ engine, identity: id, generation: `stopped ${life}`, name, isPodman, singleSession: isPodman },
    async layers(signal) {
      const { stopped } = await describeContainer(engine, id, MOUNT_POINT, signal);
      if (stopped === undefined || stopped.finishedAt !== finishedAt) throw new TargetChangedError(name);
      return stopped.layers;
    },
    witness: (signal) => subscribe(container, signal),
  };
}

/** An image, which never changes. One that is removed is not found any more. */
export function offlineImage({ engine, id, name, layers, isPodman }: Image): OfflineTarget {
  return {
    ...{ engine, identity: id, generation: "image", name: `image:${name}`, isPodman },
    layers: async () => layers,
    witness: async () => undefined,
  };
}

/** A volume: its files are the live ones, whoever changes them. */
export function offlineVolume(volume: Volume): OfflineTarget {
  const { engine, id, name, createdAt, isPodman } = volume;
  return {
    ...{ engine, identity: id, generation: `volume ${createdAt}`, name: `volume:${name}`, isPodman },
    volume: volume.mounted !== "" || volume.driver !== "local" ? name : undefined,
    layers: async () => volumeLayers(volume),
    witness: async () => undefined,
  };
}

function volumeLayers({ name, directory, driver }: Volume): Layers {
  const directories = directory.startsWith("/") ? [directory] : [];
  return {
    directories,
    names: [`volume ${name}${driver === "local" ? "" : ` of driver ${driver}`}`],
    binds: [],
    absent: [],
  };
}

/** What Docker and Podman call the events after which a container's layers are not what they were. */
const EVENTS = ["init", "start", "destroy", "remove", "extract-to-dir"];

function subscribe({ engine, id, name }: StoppedContainer, signal: AbortSignal | undefined): Promise<OwnedFd> {
  const filters = encodeURIComponent(JSON.stringify({ type: ["container"], container: [id], event: EVENTS }));
  const options = { timeoutMs: RESPONSE_TIMEOUT_MS, signal };
  return httpSubscribe(engine.socketPath, `/events?filters=${filters}`, options).catch((error) => {
    if (error instanceof PortholeError && error.errno === "EAGAIN") throw new TargetChangedError(name);
    throw error;
  });
}
